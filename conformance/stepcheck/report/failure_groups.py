"""Failures that are alike: one law, output, class and mode, or one known finding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stepcheck.certification.certificate import CellResult, Failure
from stepcheck.report.grid import subject


@dataclass(frozen=True, slots=True)
class Shown:
    """A failure and the cell it is in; ``anchor`` is its own in a page."""

    cell: CellResult
    failure: Failure
    anchor: str


@dataclass(frozen=True, slots=True)
class Alike:
    """Failures that say the same: ``first`` says it best, ``others`` say it again elsewhere."""

    first: Shown
    others: tuple[Shown, ...]

    @property
    def all(self) -> tuple[Shown, ...]:
        """The first and the others."""
        return (self.first, *self.others)

    @property
    def cells(self) -> tuple[CellResult, ...]:
        """The cells they are in, each once."""
        return tuple({shown.cell.id: shown.cell for shown in self.all}.values())


def shown(cells: Sequence[CellResult]) -> tuple[Shown, ...]:
    """Return every failure of ``cells`` in order."""
    every = ((cell, failure) for cell in cells for failure in cell.failures)
    return tuple(Shown(cell, failure, f"failure-{number}") for number, (cell, failure) in enumerate(every, 1))


def new(entries: Iterable[Shown]) -> tuple[Alike, ...]:
    """Return the failures that no known finding covers; the one with the shortest program says it best."""
    groups: dict[tuple[str, ...], list[Shown]] = {}
    for entry in entries:
        if not entry.failure.known_issue:
            key = (subject(entry.cell), entry.failure.code, output(entry.failure), entry.cell.mode)
            groups.setdefault(key, []).append(entry)
    return tuple(
        _alike(group, min(group, key=lambda entry: len(entry.failure.standalone))) for group in groups.values()
    )


def known(entries: Iterable[Shown]) -> tuple[Alike, ...]:
    """Return the failures that known findings cover, a group a finding; the worst says it best."""
    groups: dict[str, list[Shown]] = {}
    for entry in entries:
        if entry.failure.known_issue:
            groups.setdefault(entry.failure.known_issue, []).append(entry)
    return tuple(_alike(group, max(group, key=lambda entry: excess(entry.failure))) for group in groups.values())


def output(failure: Failure) -> str:
    """Return what is wrong: "theta", a state, "count", or the kind of a fault."""
    return failure.worst.output if failure.worst else failure.fault


def excess(failure: Failure) -> float:
    """Return the ratio of the worst element, inf where the subject did not finish."""
    return float(failure.worst.ratio) if failure.worst else float("inf")


def _alike(group: list[Shown], first: Shown) -> Alike:
    return Alike(first, tuple(entry for entry in group if entry is not first))
