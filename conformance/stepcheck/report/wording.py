"""How reports write verdicts, numbers, cells and long lines."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

from stepcheck.certification.certificate import CellResult, Worst
from stepcheck.certification.ratio_text import format_ratio as format_ratio
from stepcheck_reference.verdict import NO_CLAIM, Verdict

WIDTH = 100
"""Characters of a line."""

MARKS = {
    Verdict.HOLDS: "✓",
    Verdict.BROKEN: "✗",
    Verdict.EXPECTED_BROKEN: "!",
    Verdict.VACUOUS: "∅",
    Verdict.NOT_APPLICABLE: "–",
    Verdict.NOT_RUN: "·",
}
"""The sign of each verdict, in the order in which reports name them."""


def error_size(worst: Worst | None) -> str:
    """Return how large an error is, as in "25 radii"; "" where no radius measures it."""
    return f"{format_ratio(worst.ratio)} radii" if worst is not None and math.isfinite(float(worst.ratio)) else ""


def verdict_name(verdict: Verdict) -> str:
    """Return a verdict in words, as in "expected broken"."""
    return verdict.value.replace("_", " ")


def plural(number: int, noun: str) -> str:
    """Return "1 cell", "2 cells"; the plural of "class" is "classes"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{'es' if noun.endswith('s') else 's'}"


def thousands(number: int) -> str:
    """Return a number with its thousands separated by spaces."""
    return f"{number:,}".replace(",", " ")


def last_name(target: str) -> str:
    """Return the last part of a target, as in "AdamW" of "torch.optim.AdamW" and of "file.py:AdamW"."""
    return target.rpartition(":")[2].rpartition(".")[2]


def class_name(cell: CellResult) -> str:
    """Return the last part of a cell's target."""
    return last_name(cell.target)


def describe_cells(cells: Sequence[CellResult], everything: Sequence[CellResult]) -> str:
    """Return which of ``everything`` the ``cells`` are, by what they have in common; an axis they fill is left out.

    As in "4 cells: mode fused, dtypes float32; float64"; one cell is its id.
    """
    if len(cells) == 1:
        return cells[0].id
    parts = []
    targets = {cell.target for cell in cells}
    several = len({cell.target for cell in everything}) > 1
    for name in ("target", "configuration", "mode", "dtype", "device"):
        if name == "configuration" and len(targets) > 1:
            continue  # each class has configurations of its own
        possible = {_axis(cell, name) for cell in everything if name == "target" or cell.target in targets}
        values = list(dict.fromkeys(_axis(cell, name) for cell in cells))
        if set(values) != possible and (name != "target" or several):
            noun = "class" if name == "target" else name
            parts.append(values[0] if len(values) == 1 else f"{plural(2, noun)[2:]} {'; '.join(values)}")
    return f"{len(cells)} cells: {', '.join(parts)}" if parts else f"{len(cells)} cells"


def _axis(cell: CellResult, name: str) -> str:
    return class_name(cell) if name == "target" else str(getattr(cell, name))


def summarize_cells(cells: Sequence[CellResult], everything: Sequence[CellResult]) -> str:
    """Return how many ``cells`` there are and their classes, modes and dtypes, without an axis that they fill."""
    parts = [plural(len(cells), "cell")]
    for values, possible in (
        ([class_name(cell) for cell in cells], [class_name(cell) for cell in everything]),
        ([cell.mode for cell in cells], [cell.mode for cell in everything]),
        ([cell.dtype for cell in cells], [cell.dtype for cell in everything if cell.verdict not in NO_CLAIM]),
    ):
        if set(values) != set(possible):
            parts.append("/".join(dict.fromkeys(values)))
    return " ".join(parts)


def wrap(text: str, indent: str = "", hang: int = 2, indented: str | None = None) -> list[str]:
    """Return ``text`` in lines of at most ``WIDTH`` characters.

    Lines after the first are indented by ``hang`` more, or by ``indented`` where it is given.
    """
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + " " * hang if indented is None else indented,
        break_long_words=False,
        break_on_hyphens=False,
    )
