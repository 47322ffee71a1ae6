"""A ledger of tensors: their values row after row, all of a row copied together, as many small copies are slow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

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


class Ledger:
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
