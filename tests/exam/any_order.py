"""A rule computed in a random evaluation order, every operation rounded, which no oracle may call broken.

Sums and products are computed pairwise in any order, a root of a quotient in one piece or in two, scalars merged before
they are combined with a tensor or not, averages as lerps where the arithmetic has them, and a new value in any of its
forms.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.formats import BINARY64, Format
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.envelope.compiler import program_of
from stepcheck_reference.oracle.envelope.program import Node, Program
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trace, Trajectory

Reals = NDArray[np.float64]

COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
}  # fmt: skip


@dataclass(frozen=True)
class Leaf:
    """One factor or term: a number not yet combined with a tensor, computed in ``form``, or an array."""

    value: Any
    form: Format | None
    under: bool = False


class _Step:
    """One step of one tensor: nodes evaluated once each, every choice drawn from ``generator``."""

    def __init__(
        self, program: Program, arithmetic: Arithmetic, symbol_values: Mapping[str, Any], generator: random.Random
    ) -> None:
        self.program, self.arithmetic, self.symbol_values, self.generator = (
            program,
            arithmetic,
            symbol_values,
            generator,
        )
        self.done: dict[int, Leaf] = {}

    def new(self) -> dict[str, Any]:
        """Return theta and every state after the step, not yet rounded to their storage formats."""
        values: dict[str, Any] = {}
        for name, index in self.program.scalar_outputs.items():
            values[name] = self._stored_scalar(index)
        for name, index in self.program.outputs.items():
            forms = self.program.forms.get(name, ()) if self.arithmetic.forms else ()
            values[name] = self._as_operand(self.leaf(self.generator.choice((index, *forms))))
        return values

    def _stored_scalar(self, index: int) -> float:
        """Return a new scalar state, rounded once to the format it is stored in; later uses see the rounded value."""
        keeping = self.arithmetic.scalar_states or self.arithmetic.counted
        value = self._rounded(self.leaf(index).value, keeping)
        self.done[index] = Leaf(value, self.arithmetic.scalar_format(True))
        return float(value)

    @staticmethod
    def _rounded(value: Any, form: Format) -> Any:
        return np.float64(form.round(np.asarray(value))) if np.ndim(value) == 0 else form.round(value)

    def _as_operand(self, leaf: Leaf) -> Any:
        """Return a scalar as an operand of a tensor operation, and an array unchanged."""
        return leaf.value if leaf.form is None else self._rounded(leaf.value, self.arithmetic.entry)

    def _as_element(self, leaf: Leaf) -> Any:
        """Return a scalar as an element among others, of the tensor's own format."""
        return leaf.value if leaf.form is None else self._rounded(self._as_operand(leaf), self.arithmetic.operations)

    def leaf(self, index: int) -> Leaf:
        if index not in self.done:
            self.done[index] = self._evaluate(self.program.nodes[index])
        return self.done[index]

    def _evaluate(self, node: Node) -> Leaf:
        form = self.arithmetic.scalar_format(node.counted) if node.scalar else None
        if node.kind == "symbol":
            symbol_values = self.symbol_values[node.name]
            return Leaf(self._rounded(symbol_values, form) if form is not None else symbol_values, form)
        if node.kind == "number":
            return Leaf(self._rounded(float(node.number), form or BINARY64), form)
        if node.kind == "sum":
            return Leaf(self._sum(node, form), form)
        if node.kind == "product":
            return Leaf(self._product(node, form), form)
        if node.kind == "root":
            return Leaf(self._root(node, form), form)
        if node.kind == "power":
            base, exponent = (self.leaf(index).value for index in node.arguments)
            return Leaf(self._rounded(np.float64(base) ** np.float64(exponent), form or BINARY64), form)
        if node.kind in ("maximum", "minimum"):
            pick = np.maximum if node.kind == "maximum" else np.minimum
            return Leaf(self._picked(pick, node), form)
        if node.kind == "absolute":
            return Leaf(np.abs(self.leaf(node.arguments[0]).value), form)
        if node.kind == "sign":
            return Leaf(np.sign(self.leaf(node.arguments[0]).value), form)
        return Leaf(self._selected(node), form)

    def _picked(self, pick: Any, node: Node) -> Any:
        leaves = [self.leaf(index) for index in node.arguments]
        self.generator.shuffle(leaves)
        values = [leaf.value if node.scalar else self._as_element(leaf) for leaf in leaves]
        result = values[0]
        for value in values[1:]:
            result = pick(result, value)
        return result

    def _selected(self, node: Node) -> Any:
        result: Any = None
        for condition, index in reversed(node.branches):
            leaf = self.leaf(index)
            value = leaf.value if node.scalar else self._as_element(leaf)
            if condition is None:
                result = value
                continue
            operator, left, right = condition
            result = np.where(COMPARE[operator](self.leaf(left).value, self.leaf(right).value), value, result)
        return np.float64(result) if node.scalar else result

    def _pair(self, leaves: list[Leaf]) -> tuple[Leaf, Leaf]:
        self.generator.shuffle(leaves)
        return leaves.pop(), leaves.pop()

    def _sum(self, node: Node, form: Format | None) -> Any:
        lerps = node.blend is not None and self.arithmetic.lerp and (self.arithmetic.squares or not node.blend.squared)
        if lerps and self.generator.random() < 0.5:
            return self._lerped(node)
        leaves = [self.leaf(index) for index in node.arguments]
        while len(leaves) > 1:
            one, other = self._pair(leaves)
            leaves.append(self._combined(one, other, lambda left, right: left + right, form or self._scalars(node)))
        return leaves[0].value

    def _scalars(self, node: Node) -> Format:
        return self.arithmetic.scalar_format(node.counted)

    def _combined(self, one: Leaf, other: Leaf, operation: Callable[[Any, Any], Any], scalars: Format) -> Leaf:
        """Return two leaves as one, in the format of scalars if both are, else in that of the tensor."""
        if one.form is not None and other.form is not None:
            return Leaf(self._rounded(operation(one.value, other.value), scalars), scalars)
        return Leaf(
            self._rounded(operation(self._as_operand(one), self._as_operand(other)), self.arithmetic.operations), None
        )

    def _lerped(self, node: Node) -> Any:
        blend, operations = node.blend, self.arithmetic.operations
        assert blend is not None
        weight, old = self._as_operand(self.leaf(blend.weight)), self._as_operand(self.leaf(blend.old))
        new = blend.sign * self._as_operand(self.leaf(blend.new))

        def rd(value: Any) -> Any:
            return self._rounded(value, operations)

        if weight < 0.5 or self.arithmetic.increments:
            return rd(old + rd(weight * rd(new - old)))
        return rd(new - rd(rd(new - old) * rd(1 - weight)))

    def _product(self, node: Node, form: Format | None) -> Any:
        leaves = []
        for index, exponent in zip(node.arguments, node.exponents, strict=True):
            leaf = self.leaf(index)
            leaves += [Leaf(leaf.value, leaf.form, exponent < 0)] * abs(exponent)
        scalars = form or self._scalars(node)
        while len(leaves) > 1:
            one, other = self._pair(leaves)
            leaves.append(self._multiplied(one, other, scalars))
        last = leaves[0]
        if last.under:
            last = self._combined(Leaf(1.0, scalars), last, lambda left, right: left / right, scalars)
        return node.sign * (last.value if form is not None else self._as_operand(last))

    def _multiplied(self, one: Leaf, other: Leaf, scalars: Format) -> Leaf:
        if one.under == other.under:
            product = self._combined(one, other, lambda left, right: left * right, scalars)
            return Leaf(product.value, product.form, one.under)
        over, under = (other, one) if one.under else (one, other)
        return self._combined(over, under, lambda left, right: np.divide(left, right), scalars)

    def _root(self, node: Node, form: Format | None) -> Any:
        (index,) = node.arguments
        inside = self.program.nodes[index]
        if form is not None:
            value = np.float64(self.leaf(index).value)
            return self._rounded(np.sqrt(value) if self.generator.random() < 0.5 else value**0.5, form)
        if inside.kind == "product" and inside.sign > 0 and self.generator.random() < 0.5:
            leaves = []
            for part, exponent in zip(inside.arguments, inside.exponents, strict=True):
                leaf = self.leaf(part)
                scale = leaf.form or self.arithmetic.operations
                leaves += [Leaf(self._rounded(np.sqrt(leaf.value), scale), leaf.form, exponent < 0)] * abs(exponent)
            while len(leaves) > 1:
                one, other = self._pair(leaves)
                leaves.append(self._multiplied(one, other, self._scalars(inside)))
            if not leaves[0].under:
                return self._as_operand(leaves[0])
        return self._rounded(np.sqrt(self._as_operand(self.leaf(index))), self.arithmetic.operations)


def run(rule: Rule, script: Script, arithmetic: Arithmetic, seed: int) -> Trajectory:
    """Return the trajectory of ``rule`` on a one-tensor ``script``, each step in some order, all states observed."""
    program, generator = program_of(rule), random.Random(seed)
    tensor, hyper = script.tensors[0], dict(script.groups[0].hyper)
    if script.objective is not None:
        hyper["curvature"] = script.objective.curvature
    keeping = arithmetic.scalar_states or arithmetic.counted
    stored = arithmetic.states or arithmetic.storage
    current: dict[str, Any] = {"theta": expand(tensor.initial, tensor.size, tensor.dtype)}
    for symbol, first in rule.init.items():
        value = hyper[symbol_name] if (symbol_name := str(first)) in hyper else float(first)
        current[symbol.name] = np.full(tensor.size, float(stored.round(np.asarray(value))))
    for symbol, first in rule.scalars.items():
        value = hyper[symbol_name] if (symbol_name := str(first)) in hyper else float(first)
        current[symbol.name] = float(keeping.round(np.asarray(value)))
    names = [symbol.name for symbol in (*rule.init, *rule.scalars)]
    rows = {name: [np.atleast_1d(current[name])] for name in names}
    before, after = [], []
    with np.errstate(all="ignore"):
        for count, step in enumerate(script.steps, 1):
            for _, data in step.overwrite:
                current["theta"] = expand(data, tensor.size, tensor.dtype)
            data = step.gradients[0]
            assert data is not None
            before.append(current["theta"])
            gradient = expand(data, tensor.size, tensor.dtype)
            hyper |= script.hyper_at(count)[0]
            new = _Step(program, arithmetic, {**hyper, **current, "g": gradient, "t": float(count)}, generator).new()
            current["theta"] = np.broadcast_to(arithmetic.storage.round(new["theta"]), tensor.size)
            for name in names:
                new_value = new[name] if name in program.scalar_outputs else stored.round(np.asarray(new[name]))
                current[name] = new_value if name in program.scalar_outputs else np.broadcast_to(new_value, tensor.size)
                rows[name].append(np.atleast_1d(current[name]))
            after.append(current["theta"])
    present = np.ones(len(script.steps) + 1, dtype=np.bool_)
    trace = Trace(
        np.array(before), np.array(after), {name: np.array(values) for name, values in rows.items()},
        dict.fromkeys(names, present), np.arange(len(script.steps) + 1, dtype=np.float64),
    )  # fmt: skip
    return Trajectory((trace,), len(script.steps), None, tuple(names))
