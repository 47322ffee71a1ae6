"""Alike: points that many cells have in common, told once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stepcheck.guard.comparison.difference import Change, Difference, Point
from stepcheck.guard.corpus.spec import CHECKPOINT, OTHER_WAYS, SURFACE

_CELL = re.compile(
    r"(?P<name>.+)\[(?P<configuration>[^\]]*)\] (?P<mode>\S+) (?P<dtype>\S+) (?P<device>\S+)"
    rf"(?: checkpoint| {OTHER_WAYS})?"
)


_ORDER = (Change.GONE, Change.CHANGED, Change.ROUNDING, Change.NEW, Change.IDENTICAL)


@dataclass(frozen=True, slots=True)
class Alike:
    """Cells of one target and kind that differ in one way; ``point`` is the worst of theirs, at ``worst``.

    ``target`` is "" where several classes say or offer something otherwise alike.
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


def alike(differences: Iterable[Difference]) -> list[Alike]:
    """Return what ``differences`` differ in, what is no longer there first; those that were accepted are left out.

    Of one class, numbers come before what is said.
    """
    found: dict[_Key, _Pairs] = {}
    for entry in differences:
        if not entry.accepted:
            for point in entry.points:
                key = (entry.target, entry.kind, point.change, point.law, point.common)
                found.setdefault(key, []).append((entry, point))
    found = _across_classes(found)
    groups = []
    for (target, kind, *_), pairs in found.items():
        worst, point = max(pairs, key=lambda pair: (pair[1].radii == pair[1].radii, pair[1].radii, pair[1].ulps))
        cells = {entry.cell: entry for entry, _ in pairs}
        groups.append(Alike(target, kind, point, worst, tuple(cells.values())))
    return sorted(groups, key=lambda group: (_ORDER.index(group.change), group.point.api))


_Key = tuple[str, str, Change, str, str]
_Pairs = list[tuple[Difference, Point]]


def _across_classes(found: dict[_Key, _Pairs]) -> dict[_Key, _Pairs]:
    """Return ``found`` with what as many as ``_FEW`` classes offer or say otherwise alike joined under no target."""
    alike: dict[_Key, list[_Key]] = {}
    for key in found:
        if key[1] == SURFACE:
            alike.setdefault(("", *key[1:]), []).append(key)
    joined = dict(found)
    for key, keys in alike.items():
        if len(keys) >= _FEW:
            joined[key] = [pair for each in keys for pair in joined.pop(each)]
    return joined


def where(cells: Sequence[Difference], noun: str = "cells") -> str:
    """Return ``cells`` in words; ``noun`` is what several are called."""
    if len(cells) == 1:
        return cells[0].cell
    parts = [_CELL.fullmatch(entry.cell) for entry in cells]
    if not all(parts):
        return f"{len(cells)} {noun}, as {cells[0].cell}"
    told = []
    for axis in ("configuration", "mode", "dtype", "device"):
        values = list(dict.fromkeys(part[axis] for part in parts if part))
        if len(values) <= _FEW:
            told.append(", ".join(values))
    name = parts[0]["name"] if parts[0] else ""
    return f"{len(cells)} {noun} of {name}" + (f" ({'; '.join(told)})" if told else "")


_FEW = 3
"""Values of an axis up to which they are named."""
