"""Parameters and gradients of a standalone program, in the memory layouts of the script."""

from __future__ import annotations

from collections.abc import Iterable

from stepcheck.standalone.source import literal, shape_of, wrapped, written
from stepcheck_implementations.adapters.adapter import Cell
from stepcheck_reference.formats import is_complex
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Data, Tensor

GUARD = 1.5
"""What stands between the elements of a strided parameter; a number, because nan would survive a stray update."""


def layouts(tensors: Iterable[Tensor]) -> list[str]:
    """Return the definitions of the memory layouts that ``tensors`` have."""
    used = {item.layout for item in tensors}
    lines: list[str] = []
    if "transposed" in used:
        lines += [
            "def transposed(x):  # the same values, last two axes swapped in memory",
            "    return x.mT.contiguous().mT if x.dim() > 1 else x.clone()",
            "",
        ]
    if "sliced" in used:
        lines += [
            "def sliced(x):  # the same values, every second element of a larger buffer",
            "    shape = (*x.shape[:-1], 2 * x.shape[-1] + 1) if x.dim() else (3,)",
            f"    base = torch.full(shape, {GUARD!r}, dtype=x.dtype, device=x.device)",
            "    return (base[..., 1::2] if x.dim() else base[1]).copy_(x)",
            "",
        ]
    if "channels_last" in used:
        lines += [
            "def channels_last(x):",
            "    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x.clone()",
            "",
        ]
    return ["", *lines, ""] if lines else []


def values_of(data: Data, item: Tensor) -> str:
    """Return ``data`` as a contiguous tensor in Python."""
    values = expand(data, item.size, item.dtype).tolist()
    entries: list[object] = [*values]
    if is_complex(item.dtype):
        entries = [complex(values[at], values[at + 1]) for at in range(0, len(values), 2)]
    if len(set(map(repr, entries))) == 1:
        return f"torch.full({shape_of(item.shape)}, {literal(entries[0])}, dtype=torch.{item.dtype})"
    flat = f"torch.tensor({written(entries)}, dtype=torch.{item.dtype})"
    return flat if len(item.shape) == 1 else f"{flat}.reshape({shape_of(item.shape)})"


def tensor_of(number: int, item: Tensor, cell: Cell) -> list[str]:
    """Return the definition of parameter ``number``."""
    expression = _placed(item.initial, item, cell, item.layout)
    without = ", requires_grad=False" if cell.mode == "differentiable" else ""
    return wrapped(f"p{number} = torch.nn.Parameter({expression}{without})")


def _placed(data: Data, item: Tensor, cell: Cell, layout: str) -> str:
    expression = values_of(data, item)
    if cell.device != "cpu":
        expression += f'.to("{cell.device}")'
    return expression if layout == "contiguous" else f"{layout}({expression})"


def gradient_of(data: Data | None, item: Tensor, cell: Cell) -> str:
    """A dense parameter's gradient has its strides, as autograd makes it; any other's is contiguous."""
    if data is None:
        return "None"
    return _placed(data, item, cell, "contiguous" if item.layout == "sliced" else item.layout)
