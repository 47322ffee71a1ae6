"""A ledger of tensors: their values row after row, all of a row copied together, as many small copies are slow."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from stepcheck_reference.formats import is_complex
from stepcheck_reference.scripts.script import Tensor

_NARROW = (torch.float16, torch.bfloat16, torch.float32, torch.complex64, torch.complex32)
"""What binary32 holds exactly."""

_Kind = tuple[torch.dtype, torch.device]
_Shape = tuple[tuple[torch.dtype, torch.device, int] | None, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Rows in which one tensor had the same dtype and number of elements, or was not there: ``values`` is None then.

    ``values`` has shape (rows, reals) in float32 or float64, with real and imaginary parts alternating.
    """

    rows: int
    elements: int = 0
    is_complex: bool = False
    values: NDArray[Any] | None = None


class TraceBuffer:
    """Rows of as many tensors as the first row has, each of which may be missing in some."""

    def __init__(self) -> None:
        self._parts: list[_Part] = []

    def write(self, values: Sequence[torch.Tensor | None]) -> None:
        """Add a row: the values that ``values`` have now."""
        shape = tuple(None if value is None else (value.dtype, value.device, value.numel()) for value in values)
        if not self._parts or self._parts[-1].shape != shape:
            self._parts.append(_Part(shape))
        self._parts[-1].write(values)

    def last(self, place: int) -> torch.Tensor:
        """Return the values of one tensor in the last row, flat; it must be there."""
        return self._parts[-1].last(place)

    def blocks(self, place: int, rows: int) -> Iterator[Block]:
        """Yield the first ``rows`` rows of one tensor, as many together as are alike."""
        for part in self._parts:
            block = part.block(place, rows)
            rows -= block.rows
            if block.rows:
                yield block


class _Part:
    """Rows of one shape."""

    def __init__(self, shape: _Shape) -> None:
        self.shape = shape
        self.members: dict[_Kind, list[int]] = {}
        self.begins: list[int] = []
        ends: dict[_Kind, int] = {}
        for place, entry in enumerate(shape):
            self.begins.append(0)
            if entry is not None:
                kind, elements = entry[:2], entry[2]
                self.members.setdefault(kind, []).append(place)
                self.begins[place] = ends.get(kind, 0)
                ends[kind] = self.begins[place] + elements
        self.rows = 0
        self.written: dict[_Kind, list[torch.Tensor]] = {kind: [] for kind in self.members}
        self.whole: dict[_Kind, NDArray[Any]] = {}

    def write(self, values: Sequence[Any]) -> None:
        with torch.no_grad():
            for kind, places in self.members.items():
                self.written[kind].append(torch.cat([values[place].reshape(-1) for place in places]))
        self.rows += 1

    def last(self, place: int) -> torch.Tensor:
        entry = self.shape[place]
        assert entry is not None
        begin = self.begins[place]
        return self.written[entry[:2]][-1][begin : begin + entry[2]]

    def block(self, place: int, rows: int) -> Block:
        rows = min(rows, self.rows)
        entry = self.shape[place]
        if entry is None:
            return Block(rows)
        dtype, _, elements = entry
        reals = 2 if dtype.is_complex else 1
        begin = self.begins[place] * reals
        return Block(rows, elements, dtype.is_complex, self._whole(entry[:2])[:rows, begin : begin + elements * reals])

    def _whole(self, kind: _Kind) -> NDArray[Any]:
        if kind not in self.whole:
            stacked = torch.stack(self.written[kind]).cpu()
            if stacked.is_complex():
                stacked = torch.view_as_real(stacked.resolve_conj())
            stacked = stacked.to(torch.float32 if kind[0] in _NARROW else torch.float64)
            self.whole[kind] = stacked.reshape(self.rows, -1).numpy() if stacked.numel() else _nothing(self.rows, kind)
        return self.whole[kind]


def _nothing(rows: int, kind: _Kind) -> NDArray[Any]:
    return np.zeros((rows, 0), np.float32 if kind[0] in _NARROW else np.float64)


def rows_of(blocks: Sequence[Block], tensor: Tensor) -> NDArray[Any]:
    """Return a parameter's rows as an array of shape (rows, size)."""
    there = [block.values for block in blocks if block.values is not None]
    return there[0] if len(there) == 1 else np.concatenate([np.zeros((0, tensor.size), _kind(tensor)), *there])


def state_rows(blocks: Sequence[Block], tensor: Tensor) -> NDArray[Any]:
    """Return a state's rows as an array of shape (rows, size), or (rows, 1) where all are scalars.

    Rows that were not there yet are 0. One real state for each complex element stands for both its reals.
    """
    rows = sum(block.rows for block in blocks) or 1
    shown = [block for block in blocks if block.values is not None]
    there = [block.values for block in blocks if block.values is not None]
    if not there:
        return np.broadcast_to(np.zeros((), _kind(tensor)), (rows, tensor.size))
    elements = math.prod(tensor.shape)
    scalar = elements != 1 and all(block.elements == 1 for block in shown)
    width = (2 if any(block.is_complex for block in shown) else 1) if scalar else tensor.size
    if len(blocks) == 1 and there[0].shape[1] == width:
        return there[0]
    whole = np.zeros((rows, width), np.result_type(*there))
    begin = 0
    for block in blocks:
        if block.values is not None:
            doubled = is_complex(tensor.dtype) and not block.is_complex and block.elements == elements
            whole[begin : begin + block.rows] = np.repeat(block.values, 2, axis=1) if doubled else block.values
        begin += block.rows
    return whole


def _kind(tensor: Tensor) -> type[np.floating[Any]]:
    """Return the dtype in which the reals of ``tensor`` are held exactly."""
    return np.float64 if tensor.dtype in ("float64", "complex128") else np.float32
