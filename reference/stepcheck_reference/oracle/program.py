"""Programs: a rule's equations as a straight line of n-ary operations, each distinct one once.

Sums and products stay n-ary because the bound on them holds for every order of evaluation. A node is
*scalar* when it depends on hyper-parameters, constants, scalar states and t alone, and *counted* when
it depends on t or a scalar state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy

from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective, on_quadratic


@dataclass(frozen=True, slots=True)
class Blend:
    """A two-term sum recognised as the average a·old + (1 − a)·new, which code may compute as a lerp.

    ``squared`` says that new is a square.
    """

    weight: int
    old: int
    new: int
    sign: int
    squared: bool


@dataclass(frozen=True, slots=True)
class Node:
    """One operation.

    ``kind`` is "symbol", "number", "sum", "product", "root", "power", "maximum", "minimum", "absolute",
    "sign" or "select". ``arguments`` index earlier nodes. ``exponents`` (of a product) are nonzero
    integers; ``sign`` is +1 or -1, an exact factor. ``branches`` (of a select) pair a comparison
    (operator, left, right), or None for "otherwise", with a node.
    """

    kind: str
    scalar: bool
    counted: bool = False
    arguments: tuple[int, ...] = ()
    exponents: tuple[int, ...] = ()
    sign: int = 1
    name: str = ""
    number: Fraction = Fraction(0)
    inexact: bool = False
    branches: tuple[tuple[tuple[str, int, int] | None, int], ...] = ()
    blend: Blend | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """A rule's equations: ``nodes`` in order of evaluation, ``outputs`` mapping "theta" and each state to a node.

    ``kept`` does so for states that are one number a tensor, and ``forms`` maps an output to nodes that equal
    it and round otherwise. ``symbols`` names the symbols that each node depends on; ``entering`` are the
    scalars that meet a tensor as they are, and not as a factor. ``decisive`` are the nodes whose sign a branch
    or a sign() asks for, and the terms of those that are sums. ``outside`` maps (select, branch) to the nodes of
    that branch that are needed elsewhere, too. ``needs_objective`` says that the rule needs an objective, whose
    curvature is a symbol then.
    """

    rule: Rule
    nodes: tuple[Node, ...]
    outputs: Mapping[str, int]
    kept: Mapping[str, int]
    forms: Mapping[str, tuple[int, ...]]
    decisive: frozenset[int]
    outside: Mapping[tuple[int, int], tuple[int, ...]]
    symbols: tuple[frozenset[str], ...]
    entering: frozenset[int]
    states: tuple[str, ...]
    scalar_states: tuple[str, ...]
    hyper: tuple[str, ...]
    needs_objective: bool


COMPARISONS = {
    sympy.Equality: "==",
    sympy.Unequality: "!=",
    sympy.StrictLessThan: "<",
    sympy.LessThan: "<=",
    sympy.StrictGreaterThan: ">",
    sympy.GreaterThan: ">=",
}


def compile_rule(rule: Rule) -> Program:
    """Return the program of ``rule``; raises ValueError for an operation the oracle has no bound for."""
    builder = _Builder(rule)
    kept = {symbol.name: builder.build(rule.step[symbol]) for symbol in rule.scalars}
    step = {symbol: on_quadratic(expression) for symbol, expression in rule.step.items()}
    elementwise = {symbol: expression for symbol, expression in step.items() if symbol not in rule.scalars}
    outputs = {symbol.name: builder.build(expression) for symbol, expression in elementwise.items()}
    forms = {
        symbol.name: tuple(builder.build(on_quadratic(other)) for other in others)
        for symbol, others in rule.forms.items()
    }
    wanted = (*outputs.values(), *(index for others in forms.values() for index in others))
    return Program(
        rule=rule,
        nodes=tuple(builder.nodes),
        outputs=outputs,
        kept=kept,
        forms=forms,
        decisive=_decisive(builder.nodes),
        outside=_outside(builder.nodes, wanted),
        symbols=_symbols(builder.nodes),
        entering=_entering(builder.nodes, wanted),
        states=tuple(symbol.name for symbol in rule.states),
        scalar_states=tuple(symbol.name for symbol in rule.scalars),
        hyper=tuple(symbol.name for symbol in rule.hyper),
        needs_objective=needs_objective(rule),
    )


def _decisive(nodes: Sequence[Node]) -> frozenset[int]:
    compared = {
        index for node in nodes for condition, _ in node.branches if condition is not None for index in condition[1:]
    }
    found = compared | {node.arguments[0] for node in nodes if node.kind == "sign"}
    summed = {index for at in found if nodes[at].kind == "sum" for index in nodes[at].arguments}
    return frozenset(found | summed)


def _outside(nodes: Sequence[Node], wanted: Iterable[int]) -> dict[tuple[int, int], tuple[int, ...]]:
    """Return, for every branch of every elementwise select, which of its operations do not hang on it alone."""

    def reached(roots: Iterable[int], without: tuple[int, int] | None = None) -> set[int]:
        found: set[int] = set()
        waiting = list(roots)
        while waiting:
            index = waiting.pop()
            if index in found:
                continue
            found.add(index)
            node = nodes[index]
            waiting += node.arguments
            for place, (condition, branch) in enumerate(node.branches):
                waiting += [] if condition is None else list(condition[1:])
                waiting += [] if (index, place) == without else [branch]
            if node.blend is not None:
                waiting += [node.blend.weight, node.blend.old, node.blend.new]
        return found

    roots = tuple(wanted)
    outside = {}
    for index, node in enumerate(nodes):
        for place, (_, branch) in enumerate(node.branches):
            if not node.scalar:
                shared = reached((branch,)) & reached(roots, without=(index, place))
                operations = (i for i in sorted(shared) if nodes[i].kind != "symbol" and not nodes[i].scalar)
                outside[index, place] = tuple(operations)
    return outside


def _symbols(nodes: Sequence[Node]) -> tuple[frozenset[str], ...]:
    known: list[frozenset[str]] = []
    for node in nodes:
        compared = [side for condition, _ in node.branches if condition is not None for side in condition[1:]]
        chosen = [index for _, index in node.branches]
        own = frozenset({node.name} if node.kind == "symbol" else ())
        known.append(own.union(*(known[int(index)] for index in (*node.arguments, *chosen, *compared))))
    return tuple(known)


def _entering(nodes: Sequence[Node], outputs: Iterable[int]) -> frozenset[int]:
    met = set(outputs)
    for node in nodes:
        if node.scalar:
            continue
        met |= {index for _, index in node.branches}
        if node.kind != "product":
            met |= set(node.arguments)
        if node.blend is not None:
            met.add(node.blend.weight)
    return frozenset(index for index in met if nodes[index].scalar)


class _Builder:
    def __init__(self, rule: Rule) -> None:
        self.nodes: list[Node] = []
        self._known: dict[Any, int] = {}
        self._index: dict[Node, int] = {}
        self._elementwise = {symbol.name for symbol in rule.states} | {"theta", "g"}
        self._counted = {symbol.name for symbol in rule.scalars} | {"t"}
        self._constants = {symbol.name: value for symbol, value in rule.constants.items()}
        # New states that are sums: SymPy flattens theta - (mu*v + lr*g) into one sum, which is put back here.
        step = {symbol: on_quadratic(expression) for symbol, expression in rule.step.items()}
        self._sums = [e for symbol, e in step.items() if symbol.name != "theta" and isinstance(e, sympy.Add)]
        # So are new scalar states that are products: they are rounded to where they are kept before they are used.
        self._kept = [rule.step[symbol] for symbol in rule.scalars if isinstance(rule.step[symbol], sympy.Mul)]

    def build(self, expression: Any) -> int:
        if expression not in self._known:
            self._known[expression] = self._add(self._node(expression))
        return self._known[expression]

    def _add(self, node: Node) -> int:
        if node not in self._index:
            self._index[node] = len(self.nodes)
            self.nodes.append(node)
        return self._index[node]

    def _scalar(self, *indices: int) -> tuple[bool, bool]:
        """Return whether all of ``indices`` are scalars, and whether any is counted."""
        nodes = [self.nodes[index] for index in indices]
        return all(node.scalar for node in nodes), any(node.counted for node in nodes)

    def _node(self, expression: Any) -> Node:
        if isinstance(expression, sympy.UnevaluatedExpr):
            return self.nodes[self.build(expression.args[0])]
        if isinstance(expression, sympy.Symbol):
            if expression.name in self._constants:
                return Node("number", True, number=Fraction(self._constants[expression.name]))
            name = expression.name
            return Node("symbol", name not in self._elementwise, name in self._counted, name=name)
        if expression.is_Rational:
            return Node("number", True, number=Fraction(int(expression.p), int(expression.q)))
        if expression.is_number and not expression.has(sympy.Function):
            return Node("number", True, number=Fraction(str(sympy.N(expression, 80))), inexact=True)
        if isinstance(expression, sympy.Add):
            return self._sum(expression)
        if isinstance(expression, sympy.Mul | sympy.Pow):
            return self._product(expression)
        if isinstance(expression, sympy.Max | sympy.Min):
            arguments = tuple(self.build(argument) for argument in expression.args)
            kind = "maximum" if isinstance(expression, sympy.Max) else "minimum"
            return Node(kind, *self._scalar(*arguments), arguments)
        if isinstance(expression, sympy.Abs | sympy.sign):
            argument = self.build(expression.args[0])
            kind = "absolute" if isinstance(expression, sympy.Abs) else "sign"
            return Node(kind, *self._scalar(argument), (argument,))
        if isinstance(expression, sympy.Piecewise):
            return self._select(expression)
        raise ValueError(f"no bound is known for {type(expression).__name__} in {expression}")

    def _sum(self, expression: Any) -> Node:
        terms = set(expression.args)
        grouped: list[int] = []
        for total in self._sums:
            for sign in (1, -1):
                parts = {sign * part for part in total.args}
                if total != expression and parts < terms:
                    terms -= parts
                    index = self.build(total)
                    grouped.append(index if sign > 0 else self._negated(index))
        ordered = [term for term in expression.args if term in terms]
        arguments = (*(self.build(term) for term in ordered), *grouped)
        blend = None if grouped else self._blend(expression)
        return Node("sum", *self._scalar(*arguments), arguments, blend=blend)

    def _negated(self, index: int) -> int:
        return self._add(Node("product", *self._scalar(index), (index,), (1,), sign=-1))

    def _blend(self, expression: Any) -> Blend | None:
        if len(expression.args) != 2:
            return None
        for kept, fresh in (expression.args, expression.args[::-1]):
            for weight in sympy.Mul.make_args(fresh):
                factor = 1 - weight
                old, new = kept / factor, fresh / weight
                if not isinstance(weight, sympy.Add) or factor not in sympy.Mul.make_args(kept):
                    continue
                sign = 1
                if new.could_extract_minus_sign() and isinstance(new, sympy.Mul):
                    sign, new = -1, -new
                squared = isinstance(new, sympy.Pow) and new.exp == 2
                if (squared or isinstance(new, sympy.Symbol | sympy.Add)) and isinstance(old, sympy.Symbol):
                    indices = self.build(weight), self.build(old), self.build(new)
                    if self.nodes[indices[0]].scalar:
                        return Blend(*indices, sign, squared)
        return None

    def _product(self, expression: Any) -> Node:
        sign = 1
        factors: dict[int, int] = {}
        for total in self._kept:
            whole, part = set(sympy.Mul.make_args(expression)), set(total.args)
            if part < whole:
                factors[self.build(total)] = 1
                expression = sympy.Mul(*(whole - part))
        for factor in sympy.Mul.make_args(expression):
            if factor.is_Rational:
                sign = -1 if factor < 0 else 1
                if abs(factor) != 1:
                    index = self.build(abs(factor))
                    factors[index] = factors.get(index, 0) + 1
                continue
            base, exponent = factor.as_base_exp()
            if exponent.is_Integer:
                index, power = self.build(base), int(exponent)
            elif exponent.is_Rational and exponent.q == 2:
                root = self.build(base)
                index, power = self._add(Node("root", *self._scalar(root), (root,))), int(exponent.p)
            else:
                pair = self.build(base), self.build(exponent)
                if not self._scalar(*pair)[0]:
                    raise ValueError(f"no bound is known for the elementwise power {factor}")
                index, power = self._add(Node("power", *self._scalar(*pair), pair)), 1
            factors[index] = factors.get(index, 0) + power
        arguments = tuple(factors)
        exponents = tuple(factors.values())
        if len(arguments) == 1 and exponents == (1,) and sign == 1:
            return self.nodes[arguments[0]]
        return Node("product", *self._scalar(*arguments), arguments, exponents, sign)

    def _select(self, expression: Any) -> Node:
        branches: list[tuple[tuple[str, int, int] | None, int]] = []
        touched: list[int] = []
        for value, condition in expression.args:
            index = self.build(value)
            touched.append(index)
            if condition == sympy.true:
                branches.append((None, index))
                continue
            if type(condition) not in COMPARISONS:
                raise ValueError(f"no bound is known for the condition {condition}")
            left, right = self.build(condition.lhs), self.build(condition.rhs)
            touched += [left, right]
            branches.append(((COMPARISONS[type(condition)], left, right), index))
        if branches[-1][0] is not None:
            raise ValueError(f"{expression} has no branch for the remaining cases")
        return Node("select", *self._scalar(*touched), branches=tuple(branches))
