"""Parameters and gradients of a script as torch tensors, in the memory layout that it names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from stepcheck_implementations.driver.portable import (
    between_elements,
    channels_last,
    ends_of_buffer,
    expanded,
    flat,
    overlapping,
    sliced,
    transposed,
    uncoalesced,
)
from stepcheck_reference.formats import is_complex
from stepcheck_reference.scripts.expansion import expand_all
from stepcheck_reference.scripts.script import Data, Tensor

DTYPES: dict[str, torch.dtype] = {
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
    "complex64": torch.complex64,
    "complex128": torch.complex128,
}

_ARRANGED = {"transposed": transposed, "sliced": sliced, "channels_last": channels_last, "expanded": expanded}
_AROUND = {"sliced": between_elements, "flat": ends_of_buffer}


def values(data: Data, tensor: Tensor) -> torch.Tensor:
    """Return ``data`` as a contiguous CPU tensor of ``tensor``'s shape and dtype, exactly."""
    return all_values((data,), tensor)[0]


def all_values(data: Sequence[Data], tensor: Tensor) -> torch.Tensor:
    """Return ``data`` stacked in a contiguous CPU tensor of shape (len(data), *tensor.shape), exactly."""
    reals = torch.from_numpy(expand_all(data, tensor.size, tensor.dtype))
    if is_complex(tensor.dtype):
        pairs = reals.reshape(len(data), *tensor.shape, 2)
        return torch.complex(pairs[..., 0], pairs[..., 1]).to(DTYPES[tensor.dtype])
    # A copy even where the dtype is the same: expansions are cached, and must not be written into.
    return reals.reshape(len(data), *tensor.shape).to(DTYPES[tensor.dtype], copy=True)


def place(plain: torch.Tensor, layout: str, device: str) -> torch.Tensor:
    """Return ``plain`` copied to ``device`` in ``layout``; nothing else shares its memory.

    ``portable`` defines the layouts; one that a shape cannot have is contiguous.
    """
    if layout == "flat":
        return flat([plain.to(device)])[0]
    if layout in _ARRANGED:
        return _ARRANGED[layout](plain.to(device))
    return plain.clone(memory_format=torch.contiguous_format).to(device)


def place_all(plain: Sequence[torch.Tensor | None], layouts: Sequence[str], device: str) -> list[torch.Tensor | None]:
    """Return each of ``plain`` as ``place`` does, None where it is None; flat tensors of one dtype share a buffer."""
    placed = [
        None if one is None or layout == "flat" else place(one, layout, device)
        for one, layout in zip(plain, layouts, strict=True)
    ]
    together: dict[torch.dtype, dict[int, torch.Tensor]] = {}
    for index, (one, layout) in enumerate(zip(plain, layouts, strict=True)):
        if one is not None and layout == "flat":
            together.setdefault(one.dtype, {})[index] = one.to(device)
    for members in together.values():
        for index, view in zip(members, flat(list(members.values())), strict=True):
            placed[index] = view
    return placed


def sparse(gradient: torch.Tensor, tensor: Tensor) -> torch.Tensor:
    """Return a tensor's dense ``gradient`` as a sparse one; one of a 0-d tensor stays as it is."""
    if gradient.dim() == 0:
        return gradient
    return overlapping(gradient) if tensor.gradient_layout == "overlapping" else uncoalesced(gradient)


def gradient_layout(tensor: Tensor) -> str:
    """Return the layout of a tensor's gradients: the one that it names, or else as autograd accumulates them.

    Then a dense parameter's gradient has its strides; any other's is contiguous (torch/csrc/autograd/functions/
    accumulate_grad.h, "Gradient Layout Contract").
    """
    own = "" if tensor.gradient_layout == "overlapping" else tensor.gradient_layout
    return own or ("contiguous" if tensor.layout in ("sliced", "flat") else tensor.layout)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A view of the memory around a tensor's elements, its layout, and the bytes of its storage."""

    memory: torch.Tensor
    layout: str
    size: int


def all_surroundings(placed: Sequence[torch.Tensor | None], layouts: Sequence[str]) -> list[Surroundings | None]:
    """Return the memory around each tensor's elements that must stay as it is, None where there is none."""
    rows: list[Surroundings | None] = []
    for values, layout in zip(placed, layouts, strict=True):
        around = _AROUND.get(layout)
        memory = None if around is None or values is None else around(values.detach())
        rows.append(None if memory is None else Surroundings(memory, layout, memory.untyped_storage().nbytes()))
    return rows
