"""Releases side by side: what each changed against the one before it, as text, Markdown and JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from stepcheck.guard.comparison.difference import CHANGES, Change, Difference
from stepcheck.guard.comparison.grouped import alike
from stepcheck.guard.matrix import Column
from stepcheck.report.guard import check_json, check_markdown, check_text
from stepcheck.report.guard.check_text import MARKS, name_of, row_of
from stepcheck.report.wording import plural, wrap

_NOTHING = "·"
_ORDER = (Change.GONE, Change.CHANGED, Change.ROUNDING, Change.NEW)


def text(columns: Sequence[Column], *, verbose: bool = False) -> str:
    """Return the table, what its marks mean, and what each release changed."""
    parts = ["\n".join(table(columns)), "\n".join(legend(columns))]
    parts += [f"torch {column.version}: {column.missing}" for column in columns if column.missing]
    for column in columns:
        told = check_text.details(alike(column.differences), verbose=verbose)
        if told:
            head = f"torch {column.against} → {column.version}"
            parts += [f"{head}\n{'─' * len(head)}", *told]
    return "\n\n".join(parts)


def table(columns: Sequence[Column]) -> list[str]:
    """Return one row a class and one column a release."""
    rows = [["cells", *(column.version for column in columns)], *_rows(columns)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(columns) + 1)]
    lines = ["  ".join(f"{entry:<{width}}" for entry, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [lines[0], "─" * (sum(widths) + 2 * len(columns)), *lines[1:]]


def _rows(columns: Sequence[Column]) -> list[list[str]]:
    names = dict.fromkeys(
        name for column in columns for name in (*map(name_of, column.cells), *map(row_of, column.differences))
    )
    return [[name, *(entry(column, name) for column in columns)] for name in names]


def entry(column: Column, name: str) -> str:
    """Return what a release did to one class: how many cells it has first, and then what changed."""
    if column.missing:
        return "–"
    cells = sum(count for target, count in column.cells.items() if name_of(target) == name)
    if not column.against:
        return plural(cells, "cell") if cells else _NOTHING
    inside = [each for each in column.differences if row_of(each) == name]
    if not inside:
        return _NOTHING
    counts = Counter(each.change for each in inside)
    told = [f"{MARKS[change]}{counts[change]}" for change in _ORDER if counts[change]]
    return " ".join(told) or (MARKS[Change.IDENTICAL] if cells else _NOTHING)


def legend(columns: Sequence[Column]) -> list[str]:
    """Return what the marks mean; numbers count cells."""
    seen = {each.change for column in columns for each in column.differences}
    lines = wrap("numbers count cells, and each column is held against the one before it")
    for change in Change:
        if change in seen:
            lines += wrap(f"{MARKS[change]} {change}: {CHANGES[change]}")
    if any(column.missing for column in columns):
        lines.append("– it could not be had")
    return lines


def markdown(columns: Sequence[Column]) -> str:
    """Return the same as Markdown."""
    lines = [
        f"| cells | {' | '.join(column.version for column in columns)} |",
        f"|---|{'---|' * len(columns)}",
        *(f"| {' | '.join(row)} |" for row in _rows(columns)),
    ]
    parts = ["\n".join(lines), "  \n".join(legend(columns))]
    parts += [f"**torch {column.version}**: {column.missing}" for column in columns if column.missing]
    for column in columns:
        told = check_markdown.details(alike(column.differences))
        if told:
            parts += [f"## torch {column.against} → {column.version}", *told]
    return "\n\n".join(parts) + "\n"


def to_json(columns: Sequence[Column]) -> str:
    """Return everything as JSON; cells that are identical are counted."""
    return json.dumps(
        [
            {
                "torch": column.version,
                "environment": column.environment,
                "missing": column.missing,
                "against": column.against,
                "cells": column.cells,
                "identical": sum(_same(column.differences)),
                "differences": [
                    check_json.cell(each) for each in column.differences if each.change is not Change.IDENTICAL
                ],
            }
            for column in columns
        ],
        indent=1,
        allow_nan=False,
    )


def _same(differences: Iterable[Difference]) -> Iterable[bool]:
    return (each.change is Change.IDENTICAL for each in differences)
