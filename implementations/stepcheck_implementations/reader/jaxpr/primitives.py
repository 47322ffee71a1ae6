"""Primitives: the expression of each element of what a primitive of JAX returns, by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stepcheck_implementations.reader.jaxpr.folded_graph import FoldedGraph

Primitive = Callable[[FoldedGraph, Mapping[str, Any], list[int]], int]
"""A graph, the primitive's parameters and the entries of its operands; returns the entry of the result."""

_SAME_NAME = (
    *("neg", "abs", "sqrt", "exp", "log", "log1p", "expm1", "sign", "floor", "ceil", "cos", "sin", "tan", "tanh"),
    *("atan2", "add", "sub", "mul", "div", "pow", "max", "min", "lt", "le", "gt", "ge", "eq", "ne"),
    *("and", "or", "xor", "not"),
)
_OTHER_NAME = {"logistic": "sigmoid", "add_any": "add", "rem": "mod", "atan": "atan"}

SHAPES = ("broadcast_in_dim", "squeeze", "reshape", "expand_dims", "transpose", "slice", "concatenate")
REDUCTIONS = ("reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "reduce_and", "reduce_or", "argmax", "argmin")
"""Primitives that leave elements as they are where the result has those of the operand, and no others."""


def _operator(name: str) -> Primitive:
    return lambda graph, _, operands: graph.add(name, *operands)


def _integer_pow(graph: FoldedGraph, parameters: Mapping[str, Any], operands: list[int]) -> int:
    power = int(parameters["y"])
    return operands[0] if power == 1 else graph.add("pow", operands[0], graph.graph.number(power))


def _power(exponent: int) -> Primitive:
    return lambda graph, _, operands: graph.add("pow", operands[0], graph.graph.number(exponent))


def _cbrt(graph: FoldedGraph, _: Mapping[str, Any], operands: list[int]) -> int:
    third = graph.add("div", graph.graph.number(1), graph.graph.number(3))
    root = graph.add("pow", graph.add("abs", operands[0]), third)
    return graph.add("mul", graph.add("sign", operands[0]), root)


def _rsqrt(graph: FoldedGraph, _: Mapping[str, Any], operands: list[int]) -> int:
    return graph.add("div", graph.graph.number(1), graph.add("sqrt", operands[0]))


def _select(graph: FoldedGraph, _: Mapping[str, Any], operands: list[int]) -> int:
    """Return a choice: the first operand is the number of that which is chosen of the others."""
    which, *cases = operands
    if len(cases) == 2:
        return graph.add("where", which, cases[1], cases[0])
    chosen = cases[-1]
    for number in range(len(cases) - 2, -1, -1):
        chosen = graph.add("where", graph.add("eq", which, graph.graph.number(number)), cases[number], chosen)
    return chosen


def _clamp(graph: FoldedGraph, _: Mapping[str, Any], operands: list[int]) -> int:
    low, value, high = operands
    return graph.add("min", graph.add("max", value, low), high)


def _finite(graph: FoldedGraph, _: Mapping[str, Any], operands: list[int]) -> int:
    """Return that it is: a reading is of finite numbers."""
    return graph.graph.number(1)


def _same(graph: FoldedGraph, _: Mapping[str, Any], operands: list[int]) -> int:
    return operands[0]


TABLE: Mapping[str, Primitive] = {
    **{name: _operator(name) for name in _SAME_NAME},
    **{name: _operator(operator) for name, operator in _OTHER_NAME.items()},
    "integer_pow": _integer_pow,
    "square": _power(2),
    "cbrt": _cbrt,
    "rsqrt": _rsqrt,
    "select_n": _select,
    "clamp": _clamp,
    "is_finite": _finite,
    **dict.fromkeys(("copy", "copy_p", "stop_gradient", "real", "reduce_precision"), _same),
}
"""Every primitive that works element by element."""
