"""Nodes: the entries of a reading as operations of a program, each with the operands that the code gave it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from stepcheck_reference.formats import FORMATS, Format
from stepcheck_reference.oracle.envelope.program import Blend, Node
from stepcheck_reference.oracle.own_order.variants import Condition, NotOrdered, TooNarrow, count_shift

_RELATIONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}

_ROUNDINGS_OF_A_POWER = 4
"""A power in a narrow format is good to two units in the last place: CUDA C++ Programming Guide, 7.5.1, powf."""


class OrderBuilder:
    """Adds operations to ``nodes``, those of a rule; ``entries`` and ``letters`` are those of an order."""

    def __init__(
        self,
        nodes: Sequence[Node],
        entries: Sequence[Sequence[Any]],
        letters: Mapping[tuple[str, str], str],
        storage: Format,
    ) -> None:
        self.nodes = list(nodes)
        self.entries, self.letters, self.storage = entries, letters, storage
        self._index = {node: index for index, node in enumerate(self.nodes)}
        self._built: dict[int, int] = {}
        self._narrow: dict[int, str] = {}

    def chosen(self, variants: Sequence[tuple[Condition, int]]) -> int:
        """Return the node of the first of ``variants`` whose condition holds, else of the last."""
        result = self.build(variants[-1][1])
        for condition, entry in reversed(variants[:-1]):
            value = self.build(entry)
            if condition is None:
                result = self._select(("==", self._symbol("t"), self._number(Fraction(1))), value, result)
            else:
                holds, truth = condition
                result = self._where(holds, value, result) if truth else self._where(holds, result, value)
        return result

    def build(self, number: int) -> int:
        """Return the node of entry ``number``."""
        waiting = [number]
        while waiting:  # no recursion: a step may have thousands of operations
            top = waiting[-1]
            operator, *operands = self.entries[top]
            below = [] if operator in ("number", "symbol", "opaque") else operands
            missing = [operand for operand in below if operand not in self._built and not self._is_condition(operand)]
            missing += [each for operand in below for each in self._compared(operand) if each not in self._built]
            if missing and top not in self._built:
                waiting += missing
                continue
            waiting.pop()
            if top not in self._built:
                self._built[top] = self._node(top, operator, operands)
        return self._built[number]

    def _is_condition(self, number: int) -> bool:
        return self.entries[number][0] in (*_RELATIONS, "and", "or", "not")

    def _compared(self, number: int) -> list[int]:
        """Return what the comparisons below a condition compare."""
        operator, *operands = self.entries[number]
        if operator in _RELATIONS:
            return list(operands)
        if operator in ("and", "or", "not"):
            return [each for operand in operands for each in (self._compared(operand) or [operand])]
        return []

    def _add(self, node: Node) -> int:
        if node not in self._index:
            self._index[node] = len(self.nodes)
            self.nodes.append(node)
        return self._index[node]

    def _kind(self, *indices: int) -> tuple[bool, bool]:
        nodes = [self.nodes[index] for index in indices]
        return all(node.scalar for node in nodes), any(node.counted for node in nodes)

    def _number(self, value: Fraction) -> int:
        return self._add(Node("number", True, number=value))

    def _symbol(self, name: str) -> int:
        for node in self.nodes:
            if node.kind == "symbol" and node.name == name:
                return self._index[node]
        scalar = name not in ("theta", "g")
        return self._add(Node("symbol", scalar, name == "t", name=name))

    def _node(self, number: int, operator: str, operands: Sequence[Any]) -> int:
        shift = count_shift(self.entries, number)
        if shift is not None:
            count = self._symbol("t")
            return count if shift == 0 else self._sum(count, self._number(Fraction(shift)))
        if operator == "number":
            value = float(operands[0])
            if not math.isfinite(value):
                raise NotOrdered(f"the number {operands[0]}")
            return self._number(Fraction(value))
        if operator == "symbol":
            kind, name = operands
            if kind in ("theta", "g", "t"):
                return self._symbol(kind)
            if (kind, name) not in self.letters:
                raise NotOrdered(f"{name}, which is nothing of the rule")
            return self._symbol(self.letters[kind, name])
        if operator == "opaque":
            raise NotOrdered(operands[0])
        if operator == "where":
            return self._where(operands[0], *(self._built[operand] for operand in operands[1:]))
        if self._is_condition(number):
            return self._where(number, self._number(Fraction(1)), self._number(Fraction(0)))
        built = [
            self._where(operand, self._number(Fraction(1)), self._number(Fraction(0)))
            if self._is_condition(operand)
            else self._built[operand]
            for operand in operands
        ]
        return self._operation(operator, built)

    def _operation(self, operator: str, built: Sequence[int]) -> int:
        if operator == "add":
            return self._sum(*built)
        if operator == "sub":
            return self._sum(built[0], self._negated(built[1]))
        if operator == "neg":
            return self._negated(built[0])
        if operator == "mul":
            return self._product(*built)
        if operator == "div":
            return self._product(built[0], built[1], -1)
        if operator == "sqrt":
            return self._add(Node("root", *self._kind(built[0]), (built[0],)))
        if operator == "pow":
            return self._power(*built)
        if operator in ("max", "min"):
            return self._add(Node("maximum" if operator == "max" else "minimum", *self._kind(*built), tuple(built)))
        if operator in ("abs", "sign"):
            return self._add(Node("absolute" if operator == "abs" else "sign", *self._kind(built[0]), (built[0],)))
        if operator == "lerp":
            return self._lerp(*built)
        if operator.startswith("round "):
            return self._rounded(built[0], operator.removeprefix("round "))
        raise NotOrdered(operator)

    def _sum(self, one: int, other: int) -> int:
        if one == other:
            return self._product(self._number(Fraction(2)), one)
        return self._add(Node("sum", *self._kind(one, other), (one, other)))

    def _negated(self, index: int) -> int:
        return self._add(Node("product", *self._kind(index), (index,), (1,), sign=-1))

    def _product(self, one: int, other: int, exponent: int = 1) -> int:
        """Return a product or quotient; a scalar that multiplies one of tensors enters it in any order.

        ``addcdiv`` computes value·(a/b) as (value·a)/b or as value·(a/b), which round as often.
        """
        factors, sign = {one: 1}, 1
        inner = self.nodes[other]
        elementwise = not any(self.nodes[index].scalar for index in inner.arguments)
        if exponent == 1 and self.nodes[one].scalar and inner.kind == "product" and not inner.scalar and elementwise:
            factors |= dict(zip(inner.arguments, inner.exponents, strict=True))
            sign = inner.sign
        else:
            factors[other] = factors.get(other, 0) + exponent
        if 0 in factors.values():
            raise NotOrdered("a number divided by itself")
        return self._add(Node("product", *self._kind(*factors), tuple(factors), tuple(factors.values()), sign))

    def _power(self, base: int, exponent: int) -> int:
        node = self.nodes[exponent]
        if node.kind == "product" and node.sign < 0 and len(node.arguments) == 1:
            inner = self.nodes[node.arguments[0]]
            power = -inner.number if inner.kind == "number" else None
        else:
            power = node.number if node.kind == "number" else None
        if power is not None and power.denominator == 1 and 0 < abs(power) <= 8:
            return self._add(Node("product", *self._kind(base), (base,), (int(power),)))
        if power is not None and abs(power) == Fraction(1, 2):
            root = self._add(Node("root", *self._kind(base), (base,)))
            return root if power > 0 else self._add(Node("product", *self._kind(root), (root,), (-1,)))
        if not self._kind(base, exponent)[0]:
            raise NotOrdered("a power of a tensor")
        return self._add(Node("power", *self._kind(base, exponent), (base, exponent)))

    def _lerp(self, start: int, end: int, weight: int) -> int:
        """Return start + weight·(end - start) as ``torch.lerp`` computes it."""
        if not self.nodes[weight].scalar:
            raise NotOrdered("torch.lerp by a tensor of weights")
        if self._kind(start, end)[0]:
            return self._sum(start, self._product(weight, self._sum(end, self._negated(start))))
        blend = Blend(weight, start, end, 1, False)
        return self._add(Node("lerp", False, self.nodes[weight].counted, (start, end, weight), blend=blend))

    def _rounded(self, index: int, name: str) -> int:
        """Return a node in the format ``name``.

        Tensors in fewer bits than the parameters have are no order of the rule's operations; neither is a
        hyper-parameter, which is another one then, unless it is an operand of what depends on t and is computed so.
        """
        form, node = FORMATS[name], self.nodes[index]
        narrow = form.precision < self.storage.precision
        if narrow and not node.scalar:
            raise TooNarrow(f"tensors go through {name}")
        while narrow and node.kind == "product" and len(node.arguments) == 1 and node.exponents == (1,):
            node = self.nodes[node.arguments[0]]
        said = f"{node.name} is rounded to {name}" if narrow and node.kind == "symbol" and not node.counted else ""
        if node.kind == "number":
            value = float(node.number)
            if float(form.round(np.asarray(value))) == value:
                return index
            said = f"{value:g} is rounded to {name}" if narrow else ""
        for _ in range(_ROUNDINGS_OF_A_POWER if self.nodes[index].kind == "power" else 1):
            index = self._add(Node("round", *self._kind(index), (index,), name=name))
        if said:
            self._narrow[index] = said
        return index

    def check(self) -> None:
        """Raise TooNarrow where a hyper-parameter that was rounded is one of the rule's."""
        for index, node in enumerate(self.nodes):
            operands = (*node.arguments, *(value for _, value in node.branches))
            said = next((self._narrow[operand] for operand in operands if operand in self._narrow), "")
            if not said or index in self._narrow or (node.scalar and node.counted):
                continue
            if node.kind != "round" and not (node.kind == "product" and len(node.arguments) == 1 and node.scalar):
                raise TooNarrow(said)
            self._narrow[index] = said

    def check_kept(self, index: int, kept: Format, name: str) -> None:
        """Raise TooNarrow where the new value of state ``name`` is rounded to less than the format it is kept in."""
        waiting = [index]
        while waiting:
            node = self.nodes[waiting.pop()]
            if node.kind == "select":
                waiting += [value for _, value in node.branches]
            elif node.kind == "round" and FORMATS[node.name].precision < kept.precision:
                raise TooNarrow(f"{name} is kept in {kept.name} and rounded to {node.name}")

    def _where(self, condition: int, value: int, otherwise: int) -> int:
        operator, *operands = self.entries[condition]
        if operator in _RELATIONS:
            left, right = (self.build(operand) for operand in operands)
            return self._select((_RELATIONS[operator], left, right), value, otherwise)
        if operator == "not":
            return self._where(operands[0], otherwise, value)
        if operator == "and":
            return self._where(operands[0], self._where(operands[1], value, otherwise), otherwise)
        if operator == "or":
            return self._where(operands[0], value, self._where(operands[1], value, otherwise))
        return self._select(("!=", self.build(condition), self._number(Fraction(0))), value, otherwise)

    def _select(self, condition: tuple[str, int, int], value: int, otherwise: int) -> int:
        if value == otherwise:
            return value
        kinds = self._kind(condition[1], condition[2], value, otherwise)
        return self._add(Node("select", *kinds, branches=((condition, value), (None, otherwise))))
