"""Differences: what two recordings of one cell have not in common, and of which class that is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Change(StrEnum):
    """The class of a cell, from nothing to everything; ``CHANGES`` says what each claims."""

    IDENTICAL = "identical"
    ROUNDING = "rounding"
    NEW = "new"
    CHANGED = "changed"
    GONE = "gone"


CHANGES = {
    Change.IDENTICAL: "every number has the same bits, and all else is the same",
    Change.ROUNDING: "numbers moved, and stay inside the envelope of the rule",
    Change.CHANGED: "a number left the envelope or has none, or states, errors, warnings or the API differ",
    Change.NEW: "it was not there, or was refused",
    Change.GONE: "it is no longer there, or is refused",
}

_ORDER = tuple(Change)


def worst(changes: Iterable[Change]) -> Change:
    """Return the class of a whole from those of its parts."""
    return max(changes, key=_ORDER.index, default=Change.IDENTICAL)


@dataclass(frozen=True, slots=True)
class Point:
    """One way in which two recordings differ: ``change`` is its class, ``what`` says it in a line.

    ``way`` is what many cells may have in common, as "leaves the envelope"; ``what`` where it is "". ``api`` is about
    what a class offers or says and not about its numbers; ``law`` is the code of the law that it is a matter of, "" for
    none. Numbers have moved by ``ulps`` units in the last place where the two runs first part, and by ``radii`` of the
    envelope (nan: there is none).
    """

    change: Change
    what: str
    way: str = ""
    api: bool = False
    law: str = ""
    ulps: float = 0.0
    radii: float = 0.0

    @property
    def common(self) -> str:
        """What tells the same of other cells."""
        return self.way or self.what


@dataclass(frozen=True, slots=True)
class Difference:
    """A cell compared: its class, and the points in which it differs, the most telling first.

    ``reals`` counts the numbers that were compared, and ``moved`` those that are not the same. ``accepted`` is the
    reason for which the change has been accepted, "" where it has not.
    """

    cell: str
    kind: str
    target: str
    change: Change
    points: tuple[Point, ...] = ()
    reals: int = 0
    moved: int = 0
    accepted: str = field(default="")

    @property
    def ulps(self) -> float:
        """The farthest that a number has moved where two runs first part, in units in the last place."""
        return max((point.ulps for point in self.points), default=0.0)

    @property
    def radii(self) -> float:
        """The same in radii of the envelope."""
        return max((point.radii for point in self.points if point.radii == point.radii), default=0.0)

    @property
    def api(self) -> bool:
        """Whether anything but numbers differs."""
        return any(point.api for point in self.points)


def difference(
    cell: str, kind: str, target: str, points: Iterable[Point], reals: int = 0, moved: int = 0
) -> Difference:
    """Return a cell with its ``points``, the worst first, of the class of the worst."""
    ordered = sorted(points, key=lambda point: (-_ORDER.index(point.change), point.api, -point.ulps))
    return Difference(cell, kind, target, worst(point.change for point in ordered), tuple(ordered), reals, moved)
