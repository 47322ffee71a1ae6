"""Parameters and gradients of a standalone program, in the memory layouts of the script."""

from __future__ import annotations

from stepcheck.standalone.python_source import literal, source_of, wrapped
from stepcheck_implementations.adapters.adapter import Cell
from stepcheck_reference.formats import is_complex
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Data, Tensor


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


def parameter(number: int, item: Tensor, cell: Cell) -> list[str]:
    """Return the definition of parameter ``number``."""
    expression = _placed(item.initial, item, cell, item.layout)
    without = ", requires_grad=False" if cell.mode == "differentiable" else ""
    return wrapped(f"p{number} = torch.nn.Parameter({expression}{without})")


def gradient_of(data: Data | None, item: Tensor, cell: Cell) -> str:
    """Return a gradient in Python.

    A dense parameter's has its strides, as autograd makes it; any other's is contiguous.
    """
    if data is None:
        return "None"
    return _placed(data, item, cell, "contiguous" if item.layout == "sliced" else item.layout)


def _placed(data: Data, item: Tensor, cell: Cell, layout: str) -> str:
    expression = values_of(data, item)
    if cell.device != "cpu":
        expression += f'.to("{cell.device}")'
    return expression if layout == "contiguous" else f"{layout}({expression})"
