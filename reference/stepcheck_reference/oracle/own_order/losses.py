"""Losses: the operation of an order that moves a result the most by its rounding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import mpmath

from stepcheck_reference.formats import BINARY64, FORMATS
from stepcheck_reference.oracle.envelope.program import Node
from stepcheck_reference.oracle.own_order.order import Order
from stepcheck_reference.oracle.own_order.writing import written_node

_DIGITS = 60
_SHIFT = mpmath.mpf(2) ** -70
"""The relative change of one operation by which its weight in the result is found."""
_CANCELS = 4.0
"""A sum that is so much smaller than its terms loses two bits of them."""


def loss(order: Order, output: str, inputs: Mapping[str, float]) -> str:
    """Return in words which operation of ``order`` loses the most of the new value of ``output`` at ``inputs``.

    An operation counts by what its own rounding changes of the result: its format's unit times the derivative. The last
    one, which any order has, does not count. Returns "" where nothing can be said, as where an input is missing.
    """
    if output not in order.nodes_of:
        return ""
    result = order.nodes_of[output]
    with mpmath.workdps(_DIGITS):
        try:
            values = _values(order, inputs, result)
            within = [index for index in values if index != result and _is_operation(order, index)]
            effects = {index: _effect(order, inputs, result, index) for index in within}
        except (KeyError, ValueError, TypeError, ZeroDivisionError, OverflowError):
            return ""
        if not effects:
            return ""
        worst = max(effects, key=lambda index: effects[index])
        return _said(order, values, worst, result)


def _said(order: Order, values: Mapping[int, Any], worst: int, result: int) -> str:
    nodes, storage = order.program.nodes, order.storage
    node, size = nodes[worst], abs(values[worst])
    text = written_node(order, worst)
    if node.kind == "round":
        return f"{written_node(order, node.arguments[0])} is held in {node.name}"
    if size > storage.largest:
        return f"{text} overflows in {storage.name}"
    if 0 < size < storage.smallest_normal:
        return f"{text} underflows in {storage.name}"
    for index in sorted(_above(nodes, worst, result) & values.keys()):
        if nodes[index].kind in ("sum", "lerp") and values[index] != 0:
            largest = max(abs(values[argument]) for argument in nodes[index].arguments[:2])
            if largest > _CANCELS * abs(values[index]):
                return f"{written_node(order, index)} cancels, from {_short(largest)} to {_short(abs(values[index]))}"
        if nodes[index].kind in ("sum", "lerp") and values[index] == 0:
            return f"{written_node(order, index)} cancels"
    return f"most by the rounding of {text}"


def _short(value: Any) -> str:
    return f"{float(value):.3g}"


def _above(nodes: tuple[Node, ...], index: int, result: int) -> set[int]:
    """Return the operations that ``index`` enters on the way to ``result``, with itself."""
    above = {index}
    for number in range(index + 1, result + 1):
        if above & set(_operands(nodes[number])):
            above.add(number)
    return above


def _operands(node: Node) -> Iterator[int]:
    yield from node.arguments
    for condition, branch in node.branches:
        yield branch
        yield from condition[1:] if condition is not None else ()


def _is_operation(order: Order, index: int) -> bool:
    node = order.program.nodes[index]
    exact = node.kind == "product" and len(node.arguments) == 1 and node.exponents == (1,)
    return node.kind not in ("symbol", "number", "select", "sign", "absolute", "maximum", "minimum") and not exact


def _effect(order: Order, inputs: Mapping[str, float], result: int, index: int) -> Any:
    node = order.program.nodes[index]
    form = FORMATS[node.name] if node.kind == "round" else BINARY64 if node.scalar else order.storage
    plain = _values(order, inputs, result)[result]
    moved = _values(order, inputs, result, index)[result]
    return abs(moved - plain) / _SHIFT * form.unit_roundoff


def _values(order: Order, inputs: Mapping[str, float], result: int, moved: int = -1) -> dict[int, Any]:
    """Return the exact value of every operation that ``result`` takes; that of ``moved`` is relatively off."""
    nodes = order.program.nodes
    values: dict[int, Any] = {}
    waiting = [result]
    while waiting:
        index = waiting[-1]
        missing = [operand for operand in _operands(nodes[index]) if operand not in values]
        if missing and index not in values:
            waiting += missing
            continue
        waiting.pop()
        if index not in values:
            value = _value(nodes[index], values, inputs)
            values[index] = value * (1 + _SHIFT) if index == moved else value
    return values


def _value(node: Node, values: Mapping[int, Any], inputs: Mapping[str, float]) -> Any:
    arguments = [values[index] for index in node.arguments]
    if node.kind == "symbol":
        return mpmath.mpf(inputs[node.name])
    if node.kind == "number":
        return mpmath.mpf(node.number.numerator) / node.number.denominator
    if node.kind == "sum":
        return mpmath.fsum(arguments)
    if node.kind == "product":
        factors = (value**exponent for value, exponent in zip(arguments, node.exponents, strict=True))
        return node.sign * mpmath.fprod(factors)
    if node.kind == "root":
        return mpmath.sqrt(max(arguments[0], mpmath.mpf(0)))
    if node.kind == "power":
        return mpmath.power(*arguments)
    if node.kind == "lerp":
        start, end, weight = arguments
        return start + weight * (end - start)
    if node.kind in ("maximum", "minimum"):
        return max(arguments) if node.kind == "maximum" else min(arguments)
    if node.kind in ("absolute", "sign"):
        return abs(arguments[0]) if node.kind == "absolute" else mpmath.sign(arguments[0])
    if node.kind == "select":
        return next(values[value] for condition, value in node.branches if _holds(condition, values))
    if node.kind == "round":
        return arguments[0]
    raise ValueError(node.kind)


def _holds(condition: tuple[str, int, int] | None, values: Mapping[int, Any]) -> bool:
    if condition is None:
        return True
    operator, left, right = condition
    gap = values[left] - values[right]
    holds = {"==": gap == 0, "!=": gap != 0, "<": gap < 0, "<=": gap <= 0, ">": gap > 0, ">=": gap >= 0}
    return bool(holds[operator])
