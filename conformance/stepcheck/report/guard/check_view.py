"""The result of a check as reports show it: a table of classes, and differences by optimizer class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from stepcheck.guard.comparison.difference import CHANGES, Change, Difference
from stepcheck.guard.comparison.grouped import DifferenceGroup, grouped
from stepcheck.report.wording import format_ratio

ACCEPTED = "accepted"
SEVERAL = "several classes"
MARKS = {
    Change.IDENTICAL: "✓",
    Change.ROUNDING: "≈",
    Change.CHANGED: "✗",
    Change.NEW: "+",
    Change.GONE: "−",
}


@dataclass(frozen=True, slots=True)
class CheckTable:
    """How many cells of each class there are: a row a target and a column a class."""

    heads: tuple[str, ...]
    rows: dict[str, Counter[str]]

    @property
    def total(self) -> Counter[str]:
        """The sum of all rows."""
        return sum(self.rows.values(), Counter())

    def entries(self, row: Counter[str]) -> list[str]:
        """Return the entries of a row; none is "·"."""
        return [str(row[head] or "·") for head in self.heads]


def check_table(differences: Sequence[Difference]) -> CheckTable:
    """Return the table of ``differences``."""
    rows: dict[str, Counter[str]] = {}
    for entry in differences:
        rows.setdefault(row_of(entry.target), Counter())[column_of(entry)] += 1
    heads = [name for name in (*Change, ACCEPTED) if any(row[name] for row in rows.values())]
    return CheckTable(tuple(heads), rows)


def column_of(entry: Difference) -> str:
    """Return the class that a cell is counted in."""
    return ACCEPTED if entry.accepted else entry.change.value


def row_of(target: str) -> str:
    """Return the row of a target: its class, or "schedules" for every scheduler."""
    name = target.removeprefix("torch.optim.")
    return "schedules" if name.startswith(("lr_scheduler", "swa_utils.")) else name


def meanings(differences: Sequence[Difference]) -> list[tuple[str, str]]:
    """Return (mark and class, what it claims) of each class that occurs."""
    occurring = {entry.change for entry in differences if not entry.accepted}
    return [(f"{MARKS[change]} {change}", CHANGES[change]) for change in Change if change in occurring]


def sections(differences: Sequence[Difference]) -> dict[str, list[DifferenceGroup]]:
    """Return the groups of ``differences`` by row, the most severe first."""
    by_row: dict[str, list[DifferenceGroup]] = {}
    for group in grouped(differences):
        by_row.setdefault(row_of(group.worst.target) if group.target else SEVERAL, []).append(group)
    return by_row


def headline(group: DifferenceGroup) -> str:
    """Return how the cells of a group differ, with the code of the law."""
    return f"{group.point.law} {group.point.headline}".lstrip()


def worst_case(group: DifferenceGroup) -> str:
    """Return the group's worst point: the number, its values and the distance; "" where the headline says it all."""
    point = group.point
    if not point.summary or point.summary == point.message:
        return ""
    return point.message.removesuffix(f": {point.summary}") + _distance(group)


def _distance(group: DifferenceGroup) -> str:
    """Return how far the worst number is from the old one where the two runs diverge."""
    point = group.point
    parts = [f"{format_ratio(point.ulps)} ulp"] if point.ulps else []
    if point.radii == point.radii and point.radii:
        parts.append(f"{format_ratio(point.radii)} radii")
    return f" ({', '.join(parts)})" if parts else ""
