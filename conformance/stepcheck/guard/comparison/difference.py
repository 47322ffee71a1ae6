"""Differences between two recordings of one cell, and the class of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Change(StrEnum):
    """The class of a cell, from harmless to severe; ``CHANGES`` says what each claims."""

    IDENTICAL = "identical"
    ROUNDING = "rounding"
    NEW = "new"
    CHANGED = "changed"
    GONE = "gone"


CHANGES = {
    Change.IDENTICAL: "all numbers are bitwise identical, and everything else is the same",
    Change.ROUNDING: "numbers changed, but stay inside the envelope of the rule",
    Change.CHANGED: "a number left the envelope or has none, or states, errors, warnings or the API changed",
    Change.NEW: "did not exist before, or was refused",
    Change.GONE: "no longer exists, or is refused",
}

_ORDER = tuple(Change)


def worst(changes: Iterable[Change]) -> Change:
    """Return the class of a whole from those of its parts."""
    return max(changes, key=_ORDER.index, default=Change.IDENTICAL)


@dataclass(frozen=True, slots=True)
class Point:
    """One way in which two recordings differ: ``change`` is its class, ``message`` describes it in a line.

    ``summary`` is the part of the message that other cells may share, as in "leaves the envelope"; "" means that the
    whole message is. ``api`` marks a difference in the class's interface or messages rather than in its numbers;
    ``law`` is the code of the law concerned, "" for none. ``ulps`` and ``radii`` measure how far a number is from the
    old one where the two runs first diverge: in units in the last place, and in radii of the envelope (nan: there is
    none).
    """

    change: Change
    message: str
    summary: str = ""
    api: bool = False
    law: str = ""
    ulps: float = 0.0
    radii: float = 0.0

    @property
    def headline(self) -> str:
        """The description that points of several cells are grouped by."""
        return self.summary or self.message


@dataclass(frozen=True, slots=True)
class Difference:
    """A cell compared: its class, and the points in which it differs, the most severe first.

    ``compared`` counts the numbers that were compared, and ``differing`` those that are not bitwise identical.
    ``accepted`` is the reason for which the change was accepted, "" where it was not.
    """

    cell: str
    kind: str
    target: str
    change: Change
    points: tuple[Point, ...] = ()
    compared: int = 0
    differing: int = 0
    accepted: str = ""

    @property
    def ulps(self) -> float:
        """The largest distance of a number where two runs first diverge, in units in the last place."""
        return max((point.ulps for point in self.points), default=0.0)

    @property
    def radii(self) -> float:
        """The same in radii of the envelope."""
        return max((point.radii for point in self.points if point.radii == point.radii), default=0.0)

    @property
    def api(self) -> bool:
        """Whether the interface or messages differ."""
        return any(point.api for point in self.points)


def difference(
    cell: str, kind: str, target: str, points: Iterable[Point], compared: int = 0, differing: int = 0
) -> Difference:
    """Return a cell with its ``points``, the worst first, and the class of the worst."""
    ordered = sorted(points, key=lambda point: (-_ORDER.index(point.change), point.api, -point.ulps))
    change = worst(point.change for point in ordered)
    return Difference(cell, kind, target, change, tuple(ordered), compared, differing)
