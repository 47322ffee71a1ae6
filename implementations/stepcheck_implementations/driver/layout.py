"""Parameters and gradients of a script as torch tensors, in the memory layout that it names."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from stepcheck_implementations.driver.portable import channels_last, sliced, transposed
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

_ARRANGED = {"transposed": transposed, "sliced": sliced, "channels_last": channels_last}


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

    ``portable`` defines "transposed", "sliced" and "channels_last"; a layout that a shape cannot have is contiguous.
    """
    if layout in _ARRANGED:
        return _ARRANGED[layout](plain.to(device))
    return plain.clone(memory_format=torch.contiguous_format).to(device)


def place_gradient(plain: torch.Tensor, layout: str, device: str) -> torch.Tensor:
    """Return ``plain`` as autograd accumulates it for a parameter of ``layout``.

    A dense parameter's gradient has its strides; any other's is contiguous (torch/csrc/autograd/functions/
    accumulate_grad.h, "Gradient Layout Contract").
    """
    return place(plain, "contiguous" if layout == "sliced" else layout, device)
