"""Tensor entries: which expression the elements of each tensor or array are, by the memory that they lie in.

All elements of a tensor are one expression, of the elements at the same place in others. A view of the same elements is
the same expression, in whatever shape; so is a part of them. Memory stays allocated while it is known here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from stepcheck_implementations.reader.carried_numbers import entry_of
from stepcheck_implementations.reader.expression_graph import ExpressionGraph

Region = tuple[int, int]
"""First byte and the one after the last."""
Elements = torch.Tensor | np.ndarray[Any, Any]
"""What has elements."""


class TensorEntries:
    """The entries of ``graph`` that tensors are, and what each memory held when it was first written."""

    def __init__(self, graph: ExpressionGraph) -> None:
        self.graph = graph
        self._regions: dict[int, dict[Region, int]] = {}
        self._writes: dict[int, list[int]] = {}
        self._kept: dict[int, object] = {}

    def get(self, tensor: Elements) -> int | None:
        """Return the entry of ``tensor``, None where it is not known."""
        storage, region = _place(tensor)
        regions = self._regions.get(storage)
        if not regions:
            return None
        if region in regions:
            return regions[region]
        return next((entry for known, entry in regions.items() if _inside(region, known)), None)

    def of(self, value: Any) -> int:
        """Return the entry of a tensor or number; of a tensor that is not known, what it is made of as a literal."""
        if not isinstance(value, (torch.Tensor, np.ndarray)):
            return entry_of(value, self.graph)
        entry = self.get(value)
        if entry is None:
            entry = self._unknown(value)
            self.put(value, entry)
        return entry

    def put(self, tensor: Elements, entry: int) -> None:
        """Let ``tensor`` be ``entry`` from now on, and every view of its memory with it."""
        storage, region = _place(tensor)
        self._kept.setdefault(storage, _owner(tensor) if isinstance(tensor, np.ndarray) else tensor.detach())
        self._writes.setdefault(storage, []).append(entry)
        regions = self._regions.setdefault(storage, {})
        for known in list(regions):
            if known == region or not _overlap(known, region):
                continue
            if _inside(known, region):
                regions[known] = entry
            elif regions[known] != entry:
                regions[known] = self.graph.call("a write into a part of a tensor", regions[known], entry)
        regions[region] = entry

    def forget(self) -> None:
        """Forget what every tensor is: what a step leaves behind is another thing in the next."""
        self._regions.clear()

    def first(self, tensor: Elements) -> int | None:
        """Return what the memory of ``tensor`` held when it was first written, None where it was written only once."""
        writes = self._writes.get(_place(tensor)[0], ())
        return writes[0] if len(writes) > 1 else None

    def same_memory(self, one: Elements, other: Elements) -> bool:
        """Whether two tensors are the same elements."""
        return _place(one) == _place(other)

    def _unknown(self, tensor: Elements) -> int:
        if isinstance(tensor, np.ndarray):
            numbers = tensor.view(np.ndarray).reshape(-1)
            if numbers.size and numbers.dtype.kind in "bif" and bool((numbers == numbers[0]).all()):
                return self.graph.number(numbers[0].item())
            return self.graph.call("an array from elsewhere")
        values = tensor.detach().reshape(-1)
        if tensor.layout == torch.strided and values.numel() and not values.is_complex():
            first = values[0]
            if bool((values == first).all()):
                return self.graph.number(first.item())
        return self.graph.call("a tensor from elsewhere")


def _place(tensor: Elements) -> tuple[int, Region]:
    """Return the storage of ``tensor`` and the bytes of it that its elements span."""
    if isinstance(tensor, np.ndarray):
        return _place_of_array(tensor)
    if tensor.layout != torch.strided:
        return id(tensor), (0, 0)
    storage = tensor.untyped_storage()
    start = int(tensor.storage_offset()) * tensor.element_size()
    extent = 1 + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return storage._cdata, (start, start + int(extent) * tensor.element_size())


def _place_of_array(array: np.ndarray[Any, Any]) -> tuple[int, Region]:
    """Return the same of an array; one that was made from a tensor lies in the storage of that."""
    owner = _owner(array)
    spans = [(size - 1) * stride for size, stride in zip(array.shape, array.strides, strict=True)]
    first = array.__array_interface__["data"][0] + sum(span for span in spans if span < 0)
    last = first + sum(abs(span) for span in spans) + array.itemsize
    if isinstance(owner, torch.Tensor):
        storage = owner.untyped_storage()
        start = storage.data_ptr()
        return storage._cdata, (first - start, last - start)
    return id(owner), (first, last)


def _owner(array: np.ndarray[Any, Any]) -> Any:
    """Return what has the memory of ``array``: an array, or what it was made from."""
    owner: Any = array
    while isinstance(owner, np.ndarray) and owner.base is not None:
        owner = owner.base
    return owner


def _inside(one: Region, other: Region) -> bool:
    return other[0] <= one[0] and one[1] <= other[1]


def _overlap(one: Region, other: Region) -> bool:
    return one[0] < other[1] and other[0] < one[1]
