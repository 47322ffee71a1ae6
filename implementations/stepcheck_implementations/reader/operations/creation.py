"""Creation: what a tensor is filled with that is made, filled or overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from stepcheck_implementations.reader.operations.elementwise import Operation
from stepcheck_implementations.reader.tensor_entries import TensorEntries


def _filled(value: float) -> Operation:
    def operation(known: TensorEntries, *_: Any, **__: Any) -> int:
        return known.graph.number(value)

    return operation


def _full(known: TensorEntries, _: Any, fill_value: Any = None, *more: Any, **__: Any) -> int:
    return known.of(fill_value)


def _given(known: TensorEntries, data: Any, *_: Any, **__: Any) -> int | None:
    return _one_value(known, data)


def _new_tensor(known: TensorEntries, _: Any, data: Any, *more: Any, **__: Any) -> int | None:
    return _one_value(known, data)


def _one_value(known: TensorEntries, data: Any) -> int | None:
    """Return the entry of ``data`` where it is one number, or several that are the same expression."""
    if isinstance(data, (list, tuple)):
        entries = {_one_value(known, entry) for entry in data}
        return entries.pop() if len(entries) == 1 else None
    return known.of(data) if isinstance(data, (int, float, torch.Tensor, np.ndarray)) else None


def _copy(known: TensorEntries, _: Any, source: Any, *more: Any, **__: Any) -> int:
    return known.of(source)


def _fill(known: TensorEntries, *args: Any, value: Any = None, val: Any = None, **__: Any) -> int:
    given = [*args[1:], *(entry for entry in (value, val) if entry is not None)]
    return known.of(given[0])


TABLE: Mapping[str, Operation] = {
    **{name: _filled(0) for name in ("zeros", "zeros_like", "new_zeros")},
    **{name: _filled(1) for name in ("ones", "ones_like", "new_ones")},
    "full": _full,
    "full_like": _full,
    "new_full": _full,
    "tensor": _given,
    "as_tensor": _given,
    "scalar_tensor": _given,
    "new_tensor": _new_tensor,
}
"""Functions that make a tensor."""

WRITES: Mapping[str, Operation] = {
    "copy_": _copy,
    "set_": _copy,
    "fill_": _fill,
    "constant_": _fill,
    "zero_": _filled(0),
    "zeros_": _filled(0),
    "ones_": _filled(1),
}
"""Functions that overwrite their first argument whatever it was."""
