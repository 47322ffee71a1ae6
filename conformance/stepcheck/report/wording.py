"""Words, numbers and lines of a report."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

from stepcheck.certification.certificate import CellResult, Number, Worst
from stepcheck_reference.verdict import Verdict

WIDTH = 100

MARKS = {
    Verdict.HOLDS: "✓",
    Verdict.BROKEN: "✗",
    Verdict.EXPECTED_BROKEN: "!",
    Verdict.VACUOUS: "∅",
    Verdict.NOT_APPLICABLE: "–",
    Verdict.NOT_RUN: "·",
}


def format_ratio(value: Number) -> str:
    """Return a ratio in three figures, as in 0.983 or 1.2e4."""
    exact = float(value)
    if 0.01 <= exact < 1:
        return f"{exact:.3f}"
    if exact == 0 or 1 <= exact < 1000:
        return f"{exact:.3g}"
    return f"{exact:.1e}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")


def error_size(worst: Worst | None) -> str:
    """Return how large an error is, as in "25 radii"; "" where no radius measures it."""
    return f"{format_ratio(worst.ratio)} radii" if worst is not None and math.isfinite(float(worst.ratio)) else ""


def verdict_name(verdict: Verdict) -> str:
    """Return a verdict without underscores."""
    return verdict.value.replace("_", " ")


def plural(number: int, noun: str) -> str:
    """Return "1 cell", "2 cells"; the plural of "class" is "classes"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{'es' if noun.endswith('s') else 's'}"


def thousands(number: int) -> str:
    """Return a number with its thousands apart."""
    return f"{number:,}".replace(",", " ")


def class_name(cell: CellResult) -> str:
    """Return the last part of a cell's target."""
    return cell.target.rpartition(":")[2].rpartition(".")[2]


def describe_cells(cells: Sequence[CellResult], everything: Sequence[CellResult]) -> str:
    """Return where ``cells`` are, by what they have in common; an axis that they fill is left out."""
    if len(cells) == 1:
        return cells[0].id
    parts = []
    targets = {cell.target for cell in everything}
    for name in ("target", "configuration", "mode", "dtype", "device"):
        if name == "configuration" and len({cell.target for cell in cells}) > 1:
            continue  # each class has configurations of its own
        there = [cell for cell in everything if name == "target" or cell.target in {cell.target for cell in cells}]
        values = list(dict.fromkeys(_axis(cell, name) for cell in cells))
        if set(values) != {_axis(cell, name) for cell in there} and (name != "target" or len(targets) > 1):
            noun = "class" if name == "target" else name
            parts.append(values[0] if len(values) == 1 else f"{plural(2, noun)[2:]} {'; '.join(values)}")
    return f"{len(cells)} cells: {', '.join(parts)}" if parts else f"{len(cells)} cells"


def _axis(cell: CellResult, name: str) -> str:
    return class_name(cell) if name == "target" else str(getattr(cell, name))


def row(name: str, text: str) -> list[str]:
    """Return the lines of one row of a summary."""
    return wrap(text, f"{name:<15}", indented=" " * 15)


def wrap(text: str, indent: str = "", hang: int = 2, indented: str | None = None) -> list[str]:
    """Return ``text`` in lines of at most ``WIDTH``; those after the first stand ``hang`` further in."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + " " * hang if indented is None else indented,
        break_long_words=False,
        break_on_hyphens=False,
    )
