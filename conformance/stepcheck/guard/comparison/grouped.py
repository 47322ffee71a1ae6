"""Differences that many cells share, grouped so that a report shows each once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stepcheck.guard.comparison.difference import Change, Difference, Point
from stepcheck.guard.corpus.cell_spec import API, CHECKPOINT, VARIANTS

_CELL = re.compile(
    r"(?P<name>.+)\[(?P<configuration>[^\]]*)\] (?P<mode>\S+) (?P<dtype>\S+) (?P<device>\S+)"
    rf"(?: {CHECKPOINT}| {VARIANTS})?"
)
_ORDER = (Change.GONE, Change.CHANGED, Change.ROUNDING, Change.NEW, Change.IDENTICAL)
_FEW = 3
"""Values of an axis up to which they are named, and classes from which a shared API difference is joined."""


@dataclass(frozen=True, slots=True)
class DifferenceGroup:
    """Cells of one target and kind that differ in one way; ``point`` is the worst of their points, in cell ``worst``.

    ``target`` is "" where the APIs of several classes differ in the same way.
    """

    target: str
    kind: str
    point: Point
    worst: Difference
    cells: tuple[Difference, ...]

    @property
    def change(self) -> Change:
        """The class of the point."""
        return self.point.change

    @property
    def where(self) -> str:
        """The cells in words: the one there is, or how many and what they have in common."""
        if not self.target:
            names = list(dict.fromkeys(entry.target.rpartition(".")[2] for entry in self.cells))
            return f"{len(names)} classes ({', '.join(names)})"
        return where(self.cells, "checkpoints" if self.kind == CHECKPOINT else "cells")


_Key = tuple[str, str, Change, str, str]
"""Target, kind, class, law and headline: what the points of one group have in common."""
_Pairs = list[tuple[Difference, Point]]


def grouped(differences: Iterable[Difference]) -> list[DifferenceGroup]:
    """Return the groups of ``differences``, those of cells that are gone first; accepted cells are left out.

    Within a class, differences of numbers come before those of the API.
    """
    groups: dict[_Key, _Pairs] = {}
    for entry in differences:
        if not entry.accepted:
            for point in entry.points:
                key = (entry.target, entry.kind, point.change, point.law, point.headline)
                groups.setdefault(key, []).append((entry, point))
    result = []
    for (target, kind, *_), pairs in _across_classes(groups).items():
        worst, point = max(pairs, key=lambda pair: (pair[1].radii == pair[1].radii, pair[1].radii, pair[1].ulps))
        cells = {entry.cell: entry for entry, _ in pairs}
        result.append(DifferenceGroup(target, kind, point, worst, tuple(cells.values())))
    return sorted(result, key=lambda group: (_ORDER.index(group.change), group.point.api))


def _across_classes(groups: dict[_Key, _Pairs]) -> dict[_Key, _Pairs]:
    """Return ``groups`` with API differences that at least ``_FEW`` classes share joined under no target."""
    shared: dict[_Key, list[_Key]] = {}
    for key in groups:
        if key[1] == API:
            shared.setdefault(("", *key[1:]), []).append(key)
    joined = dict(groups)
    for key, keys in shared.items():
        if len(keys) >= _FEW:
            joined[key] = [pair for each in keys for pair in joined.pop(each)]
    return joined


def where(cells: Sequence[Difference], noun: str = "cells") -> str:
    """Return ``cells`` in words; ``noun`` is what several are called."""
    if len(cells) == 1:
        return cells[0].cell
    parts = [_CELL.fullmatch(entry.cell) for entry in cells]
    if not all(parts):
        return f"{len(cells)} {noun}, such as {cells[0].cell}"
    axes = []
    for axis in ("configuration", "mode", "dtype", "device"):
        values = list(dict.fromkeys(part[axis] for part in parts if part))
        if len(values) <= _FEW:
            axes.append(", ".join(values))
    name = parts[0]["name"] if parts[0] else ""
    return f"{len(cells)} {noun} of {name}" + (f" ({'; '.join(axes)})" if axes else "")
