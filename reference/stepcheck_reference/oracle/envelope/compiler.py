"""Compiler: a rule's SymPy equations as a program, with sums and products left n-ary."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import sympy

from stepcheck_reference.oracle.envelope.program import (
    Blend,
    Node,
    Program,
    decisive_nodes,
    entering_scalars,
    shared_operations,
    symbols_of,
)
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective, on_quadratic

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
    scalar_outputs = {symbol.name: builder.build(rule.step[symbol]) for symbol in rule.scalars}
    step = {symbol: on_quadratic(expression) for symbol, expression in rule.step.items()}
    elementwise = {symbol: expression for symbol, expression in step.items() if symbol not in rule.scalars}
    outputs = {symbol.name: builder.build(expression) for symbol, expression in elementwise.items()}
    forms = {
        symbol.name: tuple(builder.build(on_quadratic(expression)) for expression in expressions)
        for symbol, expressions in rule.forms.items()
    }
    results = (*outputs.values(), *(index for expressions in forms.values() for index in expressions))
    return Program(
        rule=rule,
        nodes=tuple(builder.nodes),
        outputs=outputs,
        scalar_outputs=scalar_outputs,
        forms=forms,
        decisive=decisive_nodes(builder.nodes),
        outside=shared_operations(builder.nodes, results),
        symbols=symbols_of(builder.nodes),
        entering=entering_scalars(builder.nodes, results),
        states=tuple(symbol.name for symbol in rule.states),
        scalar_states=tuple(symbol.name for symbol in rule.scalars),
        hyper=tuple(symbol.name for symbol in rule.hyper),
        needs_objective=needs_objective(rule),
    )


class _Builder:
    """Numbers each distinct operation once, in order of evaluation."""

    def __init__(self, rule: Rule) -> None:
        self.nodes: list[Node] = []
        self._indices: dict[Any, int] = {}
        self._index: dict[Node, int] = {}
        self._elementwise = {symbol.name for symbol in rule.states} | {"theta", "g"}
        self._counted = {symbol.name for symbol in rule.scalars} | {"t"}
        self._constants = {symbol.name: value for symbol, value in rule.constants.items()}
        # SymPy flattens theta - (mu*v + lr*g) into one sum, whose bound would not cover a new state that is rounded
        # when it is stored: new states that are sums are put back as one term each.
        step = {symbol: on_quadratic(expression) for symbol, expression in rule.step.items()}
        self._sums = [e for symbol, e in step.items() if symbol.name != "theta" and isinstance(e, sympy.Add)]
        # So are new scalar states that are products: they are rounded to the format they are stored in before use.
        self._stored_products = [
            rule.step[symbol] for symbol in rule.scalars if isinstance(rule.step[symbol], sympy.Mul)
        ]

    def build(self, expression: Any) -> int:
        """Return the index of the node that evaluates ``expression``."""
        if expression not in self._indices:
            self._indices[expression] = self._add(self._node(expression))
        return self._indices[expression]

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
        raise ValueError(f"no bound is defined for {type(expression).__name__} in {expression}")

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
        """Return how a sum is a·old + (1 - a)·new with a scalar weight; None where it is no such average."""
        if len(expression.args) != 2:
            return None
        for retained, fresh in (expression.args, expression.args[::-1]):
            for weight in sympy.Mul.make_args(fresh):
                factor = 1 - weight
                old, new = retained / factor, fresh / weight
                if not isinstance(weight, sympy.Add) or factor not in sympy.Mul.make_args(retained):
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
        for total in self._stored_products:
            expression_factors, total_factors = set(sympy.Mul.make_args(expression)), set(total.args)
            if total_factors < expression_factors:
                factors[self.build(total)] = 1
                expression = sympy.Mul(*(expression_factors - total_factors))
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
                    raise ValueError(f"no bound is defined for the elementwise power {factor}")
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
                raise ValueError(f"no bound is defined for the condition {condition}")
            left, right = self.build(condition.lhs), self.build(condition.rhs)
            touched += [left, right]
            branches.append(((COMPARISONS[type(condition)], left, right), index))
        if branches[-1][0] is not None:
            raise ValueError(f"{expression} has no branch for the remaining cases")
        return Node("select", *self._scalar(*touched), branches=tuple(branches))


@lru_cache(maxsize=256)
def program_of(rule: Rule) -> Program:
    """Return the rule's program, compiled once."""
    return compile_rule(rule)
