"""NumPy operations: for each function of NumPy that is read, the expression that it computes of its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from stepcheck_implementations.reader.operations import creation, elementwise
from stepcheck_implementations.reader.operations.elementwise import Operation
from stepcheck_implementations.reader.tensor_entries import TensorEntries


def _named(name: str) -> Operation:
    """Return the operation of torch that has the same name."""
    return elementwise.TABLE[name]


def _single(operator: str) -> Operation:
    def operation(known: TensorEntries, x: Any) -> int:
        return known.graph.add(operator, known.of(x))

    return operation


def _double(operator: str) -> Operation:
    def operation(known: TensorEntries, x: Any, y: Any) -> int:
        return known.graph.add(operator, known.of(x), known.of(y))

    return operation


def _power_of_two(known: TensorEntries, x: Any) -> int:
    return known.graph.add("pow", known.graph.number(2), known.of(x))


def _cube_root(known: TensorEntries, x: Any) -> int:
    """Return the real cube root, of negative numbers too."""
    graph, entry = known.graph, known.of(x)
    third = graph.add("div", graph.number(1), graph.number(3))
    root = graph.add("pow", graph.add("abs", entry), third)
    return graph.add("mul", graph.add("sign", entry), root)


def _where(known: TensorEntries, *args: Any) -> int | None:
    return elementwise.WHERE(known, *args) if len(args) == 3 else None


def _clip(known: TensorEntries, a: Any, a_min: Any = None, a_max: Any = None, **keys: Any) -> int | None:
    lowest, highest = keys.get("min", a_min), keys.get("max", a_max)
    return _named("clamp")(known, a, lowest, highest)


def _round(known: TensorEntries, a: Any, decimals: int = 0) -> int | None:
    return known.graph.add("round", known.of(a)) if decimals == 0 else None


def _same(known: TensorEntries, a: Any, *_: Any, **__: Any) -> int:
    return known.of(a)


def _view(known: TensorEntries, a: Any, *kinds: Any) -> int | None:
    """Return the same elements, unless their memory is taken for numbers of another format."""
    return known.of(a) if all(isinstance(kind, type) and issubclass(kind, np.ndarray) for kind in kinds) else None


def _copyto(known: TensorEntries, destination: Any, source: Any, casting: Any = None, where: Any = True) -> int:
    entry = known.of(source)
    return entry if where is True else known.graph.add("where", known.of(where), entry, known.of(destination))


def _uninitialised(known: TensorEntries, *_: Any, **__: Any) -> int:
    return known.graph.add("opaque", "memory that nothing was written into")


UFUNCS: Mapping[str, Operation] = {
    **{name: _named(name) for name in ("add", "subtract", "multiply", "divide", "true_divide", "float_power")},
    **{name: _named(name) for name in ("negative", "positive", "absolute", "sign", "sqrt", "square", "reciprocal")},
    **{name: _named(name) for name in ("exp", "expm1", "log", "log1p", "log2", "log10", "cos", "sin", "tan", "tanh")},
    **{name: _named(name) for name in ("floor", "ceil", "trunc", "arctan", "maximum", "minimum", "fmax", "fmin")},
    **{name: _named(name) for name in ("less", "less_equal", "greater", "greater_equal", "not_equal", "hypot")},
    **{name: _named(name) for name in ("logical_and", "logical_or", "logical_xor", "logical_not", "invert")},
    **{name: _named(name) for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "remainder", "fmod")},
    **{name: _named(name) for name in ("floor_divide", "heaviside", "isnan", "isinf", "isfinite")},
    "fabs": _single("abs"),
    "rint": _single("round"),
    "conjugate": _same,
    "power": _double("pow"),
    "equal": _double("eq"),
    "arctan2": _double("atan2"),
    "exp2": _power_of_two,
    "cbrt": _cube_root,
    "clip": _clip,
}
"""Elementwise functions, by name."""

_SAME = (
    *("copy", "astype", "flatten", "ravel", "reshape", "conj", "conjugate", "squeeze", "transpose", "swapaxes"),
    *("expand_dims", "moveaxis", "broadcast_to", "atleast_1d", "atleast_2d", "nan_to_num", "real", "real_if_close"),
    *("ascontiguousarray", "asfortranarray", "require", "asarray", "asanyarray", "array"),
)
"""Functions whose result has the elements of their argument; a cast changes rounding and not the formula."""

FUNCTIONS: Mapping[str, Operation] = {
    **dict.fromkeys(_SAME, _same),
    **{name: creation.TABLE[name] for name in ("zeros_like", "ones_like", "full_like")},
    "empty_like": _uninitialised,
    "view": _view,
    "where": _where,
    "clip": _clip,
    "round": _round,
    "around": _round,
    "copyto": _copyto,
}
"""Functions and methods that are no ufuncs."""

WRITES = ("copyto",)
"""Functions that overwrite their first argument."""

FORM = ("out", "dtype", "order", "subok", "casting", "copy", "shape", "axis", "like", "device")
"""Arguments that say what the result is kept in, and not which numbers it has."""

ABOUT = ("shape", "ndim", "size", "result_type", "can_cast", "iscomplexobj", "isrealobj", "may_share_memory")
"""Functions whose answer does not depend on the elements."""
