"""Trace buffers: values of many tensors, row after row; a row is copied at once, because small copies are slow."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from stepcheck_implementations.driver.observing import bound_operations as bound
from stepcheck_reference.formats import is_complex
from stepcheck_reference.scripts.script import Tensor

_NARROW = (torch.float16, torch.bfloat16, torch.float32, torch.complex64, torch.complex32)
"""The dtypes whose values binary32 represents exactly."""

_Kind = tuple[torch.dtype, torch.device]
_Shape = tuple[tuple[torch.dtype, torch.device, int] | None, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Rows in which one tensor has the same dtype and number of elements, or is missing: then ``values`` is None.

    ``values`` has shape (rows, reals) in float32 or float64, with real and imaginary parts alternating; ``dtype`` is
    the name of the tensor's own.
    """

    rows: int
    elements: int = 0
    is_complex: bool = False
    values: NDArray[Any] | None = None
    dtype: str = ""


class TraceBuffer:
    """Rows of the same number of tensors, each of which may be missing in some."""

    def __init__(self) -> None:
        self._sections: list[_Section] = []

    def write(self, values: Sequence[torch.Tensor | None]) -> None:
        """Add a row: copies of ``values``."""
        shape = tuple(None if value is None else (value.dtype, value.device, bound.numel(value)) for value in values)
        if not self._sections or self._sections[-1].shape != shape:
            self._sections.append(_Section(shape))
        self._sections[-1].write(values)

    def last(self, column: int) -> torch.Tensor:
        """Return the values of one tensor in the last row, flat; it must not be missing."""
        return self._sections[-1].last(column)

    def blocks(self, column: int, rows: int) -> Iterator[Block]:
        """Yield the first ``rows`` rows of one tensor, grouped where dtype and size stay."""
        for section in self._sections:
            block = section.block(column, rows)
            rows -= block.rows
            if block.rows:
                yield block


class _Section:
    """Consecutive rows whose tensors have the same dtypes, devices and sizes; tensors of one kind share an array."""

    def __init__(self, shape: _Shape) -> None:
        self.shape = shape
        self.members: dict[_Kind, list[int]] = {}
        self.begins: list[int] = []
        ends: dict[_Kind, int] = {}
        for column, entry in enumerate(shape):
            self.begins.append(0)
            if entry is not None:
                kind, elements = entry[:2], entry[2]
                self.members.setdefault(kind, []).append(column)
                self.begins[column] = ends.get(kind, 0)
                ends[kind] = self.begins[column] + elements
        self.rows = 0
        self.written: dict[_Kind, list[torch.Tensor]] = {kind: [] for kind in self.members}
        self.arrays: dict[_Kind, NDArray[Any]] = {}

    def write(self, values: Sequence[Any]) -> None:
        with bound.no_grad():
            copies = [
                bound.cat([bound.reshape(values[column], -1) for column in columns])
                for columns in self.members.values()
            ]
        for kind, copied in zip(self.members, copies, strict=True):
            self.written[kind].append(copied)
        self.rows += 1

    def last(self, column: int) -> torch.Tensor:
        entry = self.shape[column]
        assert entry is not None
        begin = self.begins[column]
        return self.written[entry[:2]][-1][begin : begin + entry[2]]

    def block(self, column: int, rows: int) -> Block:
        rows = min(rows, self.rows)
        entry = self.shape[column]
        if entry is None:
            return Block(rows)
        dtype, _, elements = entry
        reals = 2 if dtype.is_complex else 1
        begin = self.begins[column] * reals
        values = self._array(entry[:2])[:rows, begin : begin + elements * reals]
        return Block(rows, elements, dtype.is_complex, values, str(dtype).removeprefix("torch."))

    def _array(self, kind: _Kind) -> NDArray[Any]:
        if kind not in self.arrays:
            stacked = bound.cpu(bound.stack(self.written[kind]))
            if kind[0].is_complex:
                stacked = bound.view_as_real(bound.resolve_conj(stacked))
            stacked = bound.to(stacked, torch.float32 if kind[0] in _NARROW else torch.float64)
            some = bound.numel(stacked)
            flat = bound.reshape(stacked, (self.rows, -1)) if some else stacked
            self.arrays[kind] = bound.as_numpy(flat) if some else _empty(self.rows, kind)
        return self.arrays[kind]


def _empty(rows: int, kind: _Kind) -> NDArray[Any]:
    return bound.zeros((rows, 0), np.float32 if kind[0] in _NARROW else np.float64)


def parameter_rows(blocks: Sequence[Block], tensor: Tensor) -> NDArray[Any]:
    """Return a parameter's rows as an array of shape (rows, size)."""
    rows = [block.values for block in blocks if block.values is not None]
    return rows[0] if len(rows) == 1 else bound.concatenate([bound.zeros((0, tensor.size), _kind(tensor)), *rows])


def state_rows(blocks: Sequence[Block], tensor: Tensor) -> NDArray[Any]:
    """Return a state's rows as an array of shape (rows, size), or (rows, 1) where all are scalars.

    Rows in which it is missing are 0. A real state of a complex tensor has each number twice, for both reals.
    """
    rows = sum(block.rows for block in blocks) or 1
    shown = [block for block in blocks if block.values is not None]
    values = [block.values for block in blocks if block.values is not None]
    if not values:
        return bound.broadcast_to(bound.zeros((), _kind(tensor)), (rows, tensor.size))
    elements = math.prod(tensor.shape)
    scalar = elements != 1 and all(block.elements == 1 for block in shown)
    width = (2 if any(block.is_complex for block in shown) else 1) if scalar else tensor.size
    if len(blocks) == 1 and values[0].shape[1] == width:
        return values[0]
    joined = bound.zeros((rows, width), bound.result_type(*values))
    begin = 0
    for block in blocks:
        if block.values is not None:
            doubled = is_complex(tensor.dtype) and not block.is_complex and block.elements == elements
            joined[begin : begin + block.rows] = bound.repeat(block.values, 2, axis=1) if doubled else block.values
        begin += block.rows
    return joined


def _kind(tensor: Tensor) -> type[np.floating[Any]]:
    """Return the NumPy dtype that represents the reals of ``tensor`` exactly."""
    return np.float64 if tensor.dtype in ("float64", "complex128") else np.float32
