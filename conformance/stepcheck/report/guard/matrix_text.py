"""Releases side by side: what each changed from the one before it, as text, Markdown and JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from stepcheck.guard.comparison.difference import CHANGES, Change
from stepcheck.guard.matrix import Column
from stepcheck.report.guard import check_json, check_markdown, check_text
from stepcheck.report.guard.check_view import MARKS, row_of
from stepcheck.report.wording import plural, wrap

_NOTHING = "·"
_ORDER = (Change.GONE, Change.CHANGED, Change.ROUNDING, Change.NEW)


def render(columns: Sequence[Column], *, verbose: bool = False) -> str:
    """Return the table, what its marks mean, and what each release changed."""
    parts = ["\n".join(table(columns)), "\n".join(_legend(columns))]
    parts += [f"torch {column.version}: {column.missing}" for column in columns if column.missing]
    for column in columns:
        details = check_text.details(column.differences, verbose=verbose)
        if details:
            head = f"torch {column.against} → {column.version}"
            parts += [f"{head}\n{'─' * len(head)}", *details]
    return "\n\n".join(parts)


def render_markdown(columns: Sequence[Column]) -> str:
    """Return the same as Markdown."""
    lines = [
        f"| cells | {' | '.join(column.version for column in columns)} |",
        f"|---|{'---|' * len(columns)}",
        *(f"| {' | '.join(row)} |" for row in _rows(columns)),
    ]
    parts = ["\n".join(lines), "  \n".join(_legend(columns))]
    parts += [f"**torch {column.version}**: {column.missing}" for column in columns if column.missing]
    for column in columns:
        details = check_markdown.details(column.differences)
        if details:
            parts += [f"## torch {column.against} → {column.version}", *details]
    return "\n\n".join(parts) + "\n"


def render_json(columns: Sequence[Column]) -> str:
    """Return everything as JSON; cells that are identical are counted."""
    return json.dumps(
        [
            {
                "torch": column.version,
                "environment": column.environment,
                "missing": column.missing,
                "against": column.against,
                "cells": column.cells,
                "identical": sum(each.change is Change.IDENTICAL for each in column.differences),
                "differences": [
                    check_json.cell_to_json(each) for each in column.differences if each.change is not Change.IDENTICAL
                ],
            }
            for column in columns
        ],
        indent=1,
        allow_nan=False,
    )


def table(columns: Sequence[Column]) -> list[str]:
    """Return one row a class and one column a release."""
    rows = [["cells", *(column.version for column in columns)], *_rows(columns)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(columns) + 1)]
    lines = ["  ".join(f"{entry:<{width}}" for entry, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [lines[0], "─" * (sum(widths) + 2 * len(columns)), *lines[1:]]


def _rows(columns: Sequence[Column]) -> list[list[str]]:
    names = dict.fromkeys(
        row_of(target)
        for column in columns
        for target in (*column.cells, *(entry.target for entry in column.differences))
    )
    return [[name, *(_entry(column, name) for column in columns)] for name in names]


def _entry(column: Column, name: str) -> str:
    """Return the entry of a release and class: how many cells the first release has, and after that what changed."""
    if column.missing:
        return "–"
    cells = sum(count for target, count in column.cells.items() if row_of(target) == name)
    if not column.against:
        return plural(cells, "cell") if cells else _NOTHING
    counts = Counter(each.change for each in column.differences if row_of(each.target) == name)
    if not counts:
        return _NOTHING
    changes = " ".join(f"{MARKS[change]}{counts[change]}" for change in _ORDER if counts[change])
    return changes or (MARKS[Change.IDENTICAL] if cells else _NOTHING)


def _legend(columns: Sequence[Column]) -> list[str]:
    """Return what the marks mean."""
    occurring = {each.change for column in columns for each in column.differences}
    lines = wrap("numbers count cells; each release is compared with the one before it")
    for change in Change:
        if change in occurring:
            lines += wrap(f"{MARKS[change]} {change}: {CHANGES[change]}")
    if any(column.missing for column in columns):
        lines.append("– not available")
    return lines
