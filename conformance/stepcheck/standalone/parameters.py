"""Parameters and gradients of a standalone program, in the memory layouts of the script."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from stepcheck.standalone.python_source import literal, source_of, wrapped
from stepcheck_implementations.adapters.adapter import Cell
from stepcheck_reference.formats import is_complex
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Data, Script, Tensor


def values_of(data: Data, item: Tensor) -> str:
    """Return ``data`` as a contiguous tensor in Python."""
    values = expand(data, item.size, item.dtype).tolist()
    entries: list[object] = [*values]
    if is_complex(item.dtype):
        entries = [complex(values[index], values[index + 1]) for index in range(0, len(values), 2)]
    if len(set(map(repr, entries))) == 1:
        return f"torch.full({source_of(item.shape)}, {literal(entries[0])}, dtype=torch.{item.dtype})"
    flat = f"torch.tensor({source_of(entries)}, dtype=torch.{item.dtype})"
    return flat if len(item.shape) == 1 else f"{flat}.reshape({source_of(item.shape)})"


def parameters(script: Script, cell: Cell) -> list[str]:
    """Return the definitions of the parameters."""
    lines: list[str] = []
    for number, item in enumerate(script.tensors):
        if item.layout != "flat":
            expression = _placed(item.initial, item, cell, item.layout)
            lines += wrapped(f"p{number} = torch.nn.Parameter({expression}{_frozen(item, cell)})")
    for numbers in by_dtype(script, {n for n, item in enumerate(script.tensors) if item.layout == "flat"}):
        names = ", ".join(f"p{number}" for number in numbers)
        lines += wrapped(f"{names}{',' if len(numbers) == 1 else ''} = flat([{_flat(script, numbers, cell)}])")
        for number in numbers:
            lines.append(f"p{number} = torch.nn.Parameter(p{number}{_frozen(script.tensors[number], cell)})")
    return lines


def by_dtype(script: Script, numbers: Collection[int]) -> list[list[int]]:
    """Return ``numbers`` of tensors in groups of one dtype, each of which shares a buffer where they are flat."""
    groups: dict[str, list[int]] = {}
    for number in sorted(numbers):
        groups.setdefault(script.tensors[number].dtype, []).append(number)
    return list(groups.values())


def _flat(script: Script, numbers: Sequence[int], cell: Cell) -> str:
    tensors = [script.tensors[number] for number in numbers]
    return ", ".join(_placed(item.initial, item, cell, "contiguous") for item in tensors)


def _frozen(item: Tensor, cell: Cell) -> str:
    return ", requires_grad=False" if item.frozen or cell.mode == "differentiable" else ""


def layout_of_gradient(item: Tensor) -> str:
    """Return the layout of a parameter's gradients.

    Unless it has one of its own, a dense parameter's gradient has its strides, as autograd makes it, and any other's is
    contiguous.
    """
    own = "" if item.gradient_layout == "overlapping" else item.gradient_layout
    return own or ("contiguous" if item.layout in ("sliced", "flat") else item.layout)


def gradient_of(data: Data | None, item: Tensor, cell: Cell, *, layout: str | None = None) -> str:
    """Return a gradient in Python, in ``layout`` or else in its own."""
    return "None" if data is None else _placed(data, item, cell, layout or layout_of_gradient(item))


def _placed(data: Data, item: Tensor, cell: Cell, layout: str) -> str:
    expression = values_of(data, item)
    if cell.device != "cpu":
        expression += f'.to("{cell.device}")'
    if layout == "flat":
        return f"flat([{expression}])[0]"
    return expression if layout == "contiguous" else f"{layout}({expression})"
