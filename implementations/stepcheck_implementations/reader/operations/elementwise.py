"""Elementwise operations: the expression of each element of the result, by the function's name without underscores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from stepcheck_implementations.reader.operations import rounding
from stepcheck_implementations.reader.tensor_entries import TensorEntries

Operation = Callable[..., int | None]
"""Entries of tensors, and a call's arguments; returns the entry of the result, None where the call is not read."""

_UNARY = {
    **{name: name for name in ("neg", "abs", "sqrt", "exp", "log", "sign", "floor", "ceil", "cos", "sin", "tan")},
    **{name: name for name in ("tanh", "atan", "expm1", "log1p", "sigmoid", "log2", "log10", "trunc", "round")},
    "negative": "neg",
    "absolute": "abs",
    "sgn": "sign",
    "arctan": "atan",
    "logical_not": "not",
    "bitwise_not": "not",
    "invert": "not",
}
_BINARY = {
    "mul": "mul",
    "multiply": "mul",
    "true_divide": "div",
    "pow": "pow",
    "float_power": "pow",
    "maximum": "max",
    "minimum": "min",
    "fmax": "max",
    "fmin": "min",
    "clamp_min": "max",
    "clamp_max": "min",
    **{name: name for name in ("lt", "le", "gt", "ge", "eq", "ne", "atan2")},
    "less": "lt",
    "less_equal": "le",
    "greater": "gt",
    "greater_equal": "ge",
    "not_equal": "ne",
    "logical_and": "and",
    "logical_or": "or",
    "logical_xor": "xor",
    "and": "and",
    "or": "or",
    "xor": "xor",
    "bitwise_and": "and",
    "bitwise_or": "or",
    "bitwise_xor": "xor",
    "remainder": "mod",
    "fmod": "fmod",
    "floor_divide": "floordiv",
    "floordiv": "floordiv",
    "mod": "mod",
    "truediv": "div",
}


def _unary(operator: str) -> Operation:
    def operation(known: TensorEntries, x: Any, **_: Any) -> int:
        return known.graph.add(operator, known.of(x))

    return operation


def _binary(operator: str, *, reflected: bool = False) -> Operation:
    def operation(known: TensorEntries, x: Any, y: Any, **_: Any) -> int:
        one, other = known.of(x), known.of(y)
        return known.graph.add(operator, *((other, one) if reflected else (one, other)))

    return operation


def _sum(operator: str, *, reflected: bool = False) -> Operation:
    """Return addition or subtraction; ``add(x, alpha, y)`` is an old form of ``add(x, y, alpha=alpha)``."""

    def operation(known: TensorEntries, x: Any, y: Any, *more: Any, alpha: Any = None, **_: Any) -> int:
        if more:
            y, alpha = more[0], y
        one, other = known.of(x), known.of(y)
        if alpha is not None and not _is_one(alpha):
            other = known.graph.add("mul", rounding.alpha(known, alpha, x), other)
        return known.graph.add(operator, *((other, one) if reflected else (one, other)))

    return operation


def _is_one(value: Any) -> bool:
    return type(value) in (int, float) and value == 1


def _div(known: TensorEntries, x: Any, y: Any, *, rounding_mode: str | None = None, **_: Any) -> int | None:
    quotient = known.graph.add("div", known.of(x), known.of(y))
    if rounding_mode is None:
        return quotient
    return known.graph.add("floor" if rounding_mode == "floor" else "trunc", quotient)


def _scaled(operator: str) -> Operation:
    """Return x + value·(a op b); ``addcmul(x, value, a, b)`` is an old form of ``addcmul(x, a, b, value=value)``."""

    def operation(known: TensorEntries, x: Any, a: Any, b: Any, *more: Any, value: Any = None, **keys: Any) -> int:
        if more:
            if isinstance(b, torch.Tensor) and not isinstance(a, torch.Tensor):
                value, a, b = a, b, more[0]
            else:
                value = more[0]
        value = keys.get("scalars", value)
        graph = known.graph
        term = graph.add(operator, known.of(a), known.of(b))
        if value is not None and not _is_one(value):
            term = graph.add("mul", known.of(value), term)
        return graph.add("add", known.of(x), term)

    return operation


def _lerp(known: TensorEntries, x: Any, end: Any, weight: Any, **_: Any) -> int:
    return known.graph.add("lerp", known.of(x), known.of(end), known.of(weight))


def _clamp(known: TensorEntries, x: Any, min: Any = None, max: Any = None, **_: Any) -> int:
    entry = known.of(x)
    for bound, operator in ((min, "max"), (max, "min")):
        if bound is not None:
            entry = known.graph.add(operator, entry, known.of(bound))
    return entry


def _larger(operator: str) -> Operation:
    """Return ``max`` or ``min`` of two tensors; of one it is a reduction, which is not read."""

    def operation(known: TensorEntries, x: Any, *more: Any, other: Any = None, **_: Any) -> int | None:
        second = more[0] if more else other
        if not isinstance(second, torch.Tensor):
            return None
        return known.graph.add(operator, known.of(x), known.of(second))

    return operation


def _where(known: TensorEntries, condition: Any, *more: Any, input: Any = None, other: Any = None) -> int | None:
    values = [*more, *(value for value in (input, other) if value is not None)]
    if len(values) != 2:
        return None
    return known.graph.add("where", known.of(condition), *(known.of(value) for value in values))


def _where_of(known: TensorEntries, x: Any, condition: Any, other: Any) -> int | None:
    if not isinstance(condition, torch.Tensor) or condition.dtype != torch.bool:
        return _where(known, x, condition, other)
    return known.graph.add("where", known.of(condition), known.of(x), known.of(other))


def _square(known: TensorEntries, x: Any, **_: Any) -> int:
    return known.graph.add("pow", known.of(x), known.graph.number(2))


def _reciprocal(known: TensorEntries, x: Any, **_: Any) -> int:
    return known.graph.add("div", known.graph.number(1), known.of(x))


def _rsqrt(known: TensorEntries, x: Any, **_: Any) -> int:
    return known.graph.add("div", known.graph.number(1), known.graph.add("sqrt", known.of(x)))


def _hypot(known: TensorEntries, x: Any, y: Any, **_: Any) -> int:
    graph = known.graph
    squares = (graph.add("pow", known.of(value), graph.number(2)) for value in (x, y))
    return graph.add("sqrt", graph.add("add", *squares))


def _heaviside(known: TensorEntries, x: Any, values: Any, **_: Any) -> int:
    graph, entry, zero = known.graph, known.of(x), known.graph.number(0)
    step = graph.add("where", graph.add("gt", entry, zero), graph.number(1), zero)
    return graph.add("where", graph.add("eq", entry, zero), known.of(values), step)


def _relu(known: TensorEntries, x: Any, **_: Any) -> int:
    return known.graph.add("max", known.of(x), known.graph.number(0))


def _finite(truth: int) -> Operation:
    """Return a test for nan or infinity: a reading is of finite numbers."""

    def operation(known: TensorEntries, x: Any, **_: Any) -> int:
        return known.graph.number(truth)

    return operation


def _all(known: TensorEntries, x: Any, *_: Any, **__: Any) -> int | None:
    """Return ``any`` or ``all`` of a literal; of anything else they are reductions, which are not read."""
    entry = known.of(x)
    return entry if known.graph.entries[entry][0] == "number" else None


def _same(known: TensorEntries, x: Any, *_: Any, **__: Any) -> int:
    return known.of(x)


SAME = (
    *("clone", "detach", "contiguous", "to", "type_as", "float", "double", "half", "bfloat16", "type", "cpu", "cuda"),
    *("positive", "alias", "view_as", "reshape", "flatten", "ravel", "expand_as", "expand", "broadcast_to", "real"),
    *("unsqueeze", "squeeze", "requires_grad", "nan_to_num", "resolve_conj", "resolve_neg", "conj", "pos", "view"),
    *("to_dense", "coalesce", "lift_fresh", "deepcopy", "pin_memory", "reshape_as", "conj_physical", "nan_to_num"),
)
"""Functions whose result has the elements of their argument; a cast changes rounding and not the formula."""

TABLE: Mapping[str, Operation] = {
    **{name: _unary(operator) for name, operator in _UNARY.items()},
    **{name: _binary(operator) for name, operator in _BINARY.items()},
    **{f"r{name}": _binary(_BINARY[name], reflected=True) for name in ("mul", "pow", "truediv", "floordiv", "mod")},
    **{f"r{name}": _binary(_BINARY[name], reflected=True) for name in ("and", "or", "xor")},
    **{name: _sum("add") for name in ("add", "radd")},
    **{name: _sum("sub") for name in ("sub", "subtract")},
    "rsub": _sum("sub", reflected=True),
    "div": _div,
    "divide": _div,
    "rdiv": _binary("div", reflected=True),
    "idiv": _div,
    "addcmul": _scaled("mul"),
    "addcdiv": _scaled("div"),
    "lerp": _lerp,
    "clamp": _clamp,
    "clip": _clamp,
    "max": _larger("max"),
    "min": _larger("min"),
    "square": _square,
    "reciprocal": _reciprocal,
    "rsqrt": _rsqrt,
    "isnan": _finite(0),
    "isinf": _finite(0),
    "isfinite": _finite(1),
    "all": _all,
    "any": _all,
    "hypot": _hypot,
    "heaviside": _heaviside,
    "relu": _relu,
    **dict.fromkeys(SAME, _same),
}
"""Every elementwise operation but ``where``, whose arguments stand in two orders."""

WHERE, WHERE_OF = _where, _where_of
"""``torch.where(condition, x, y)`` and ``x.where(condition, y)``."""
