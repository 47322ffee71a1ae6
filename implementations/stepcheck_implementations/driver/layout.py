"""Parameters and gradients of a script as torch tensors, in the memory layout it asks for."""

from __future__ import annotations

from collections.abc import Sequence

import torch

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

GUARD = 1.5
"""What lies between the elements of a sliced tensor: finite, so that a step taken there shows."""


def values(data: Data, tensor: Tensor) -> torch.Tensor:
    """Return ``data`` as a contiguous CPU tensor of ``tensor``'s shape and dtype, exactly."""
    return all_values((data,), tensor)[0]


def all_values(data: Sequence[Data], tensor: Tensor) -> torch.Tensor:
    """Return ``data`` stacked in a contiguous CPU tensor of shape (len(data), *tensor.shape), exactly."""
    reals = torch.from_numpy(expand_all(data, tensor.size, tensor.dtype))
    if is_complex(tensor.dtype):
        pairs = reals.reshape(len(data), *tensor.shape, 2)
        return torch.complex(pairs[..., 0], pairs[..., 1]).to(DTYPES[tensor.dtype])
    # A copy also where the dtype stays: expansions are kept, and nobody may write into them.
    return reals.reshape(len(data), *tensor.shape).to(DTYPES[tensor.dtype], copy=True)


def place(plain: torch.Tensor, layout: str, device: str) -> torch.Tensor:
    """Return ``plain`` copied to ``device`` in ``layout``; nothing else shares its memory.

    "transposed" swaps the strides of the last two dimensions, "sliced" leaves ``GUARD`` between elements and
    before the first (``guards`` reads them), "channels_last" is torch's own, for 4-d tensors; a layout that a
    shape cannot have is contiguous.
    """
    if layout == "sliced":
        shape = (*plain.shape[:-1], 2 * plain.shape[-1] + 1) if plain.dim() else (3,)
        base = torch.full(shape, GUARD, dtype=plain.dtype, device=device)
        view = base[..., 1::2] if plain.dim() else base[1]
        return view.copy_(plain)
    if layout == "transposed" and plain.dim() >= 2:
        return plain.mT.clone(memory_format=torch.contiguous_format).to(device).mT
    if layout == "channels_last" and plain.dim() == 4:
        return plain.clone(memory_format=torch.channels_last).to(device)
    return plain.clone(memory_format=torch.contiguous_format).to(device)


def place_gradient(plain: torch.Tensor, layout: str, device: str) -> torch.Tensor:
    """Return ``plain`` as autograd would hand it over for a parameter of ``layout``.

    A dense parameter's gradient has its strides; any other's is contiguous (torch/csrc/autograd/functions/
    accumulate_grad.h, "Gradient Layout Contract").
    """
    return place(plain, "contiguous" if layout == "sliced" else layout, device)


def guards(parameter: torch.Tensor) -> torch.Tensor:
    """Return the elements in between and around those of a "sliced" tensor, which nobody may write."""
    flat = torch.empty(0, dtype=parameter.dtype, device=parameter.device)
    flat.set_(parameter.untyped_storage())
    if parameter.dim() == 0:
        return flat[0::2]
    row = 2 * parameter.shape[-1] + 1
    return flat.reshape(-1, row)[:, 0::2]
