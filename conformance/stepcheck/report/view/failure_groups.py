"""Failures in groups that say the same: one law, output, class and mode, or one known issue."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from stepcheck.certification.certificate import CellResult, Failure
from stepcheck.certification.failures.exception_text import normalized
from stepcheck.report.view.cell_tables import target_of
from stepcheck.report.wording import class_name, describe_cells, error_size, summarize_cells
from stepcheck_reference.scripts.trajectory import FAULTS


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A failure and the cell it is in; ``anchor`` is its name in a page."""

    cell: CellResult
    failure: Failure
    anchor: str

    @property
    def output(self) -> str:
        """What is wrong: "theta", a state, "count", or the kind of a fault."""
        return self.failure.worst.output if self.failure.worst else self.failure.fault

    @property
    def ratio(self) -> float:
        """The ratio of the worst element, inf where the subject did not finish."""
        return float(self.failure.worst.ratio) if self.failure.worst else math.inf

    @property
    def size(self) -> str:
        """How large the error is, as in "25 radii"; "" where no radius measures it."""
        return error_size(self.failure.worst)

    @property
    def replay_command(self) -> str:
        """What runs the failure again in a fresh process."""
        return f"python -m stepcheck replay {self.failure.token}"


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Failures that say the same: ``first`` represents them, ``others`` are those elsewhere.

    ``where`` names their cells, by what these have in common.
    """

    first: Occurrence
    others: tuple[Occurrence, ...]
    where: str

    @property
    def all(self) -> tuple[Occurrence, ...]:
        """The first and the others."""
        return (self.first, *self.others)

    @property
    def worst(self) -> Occurrence:
        """The one with the largest error."""
        return max(self.all, key=lambda entry: entry.ratio)

    @property
    def issues(self) -> str:
        """The names of the known issues that cover them."""
        return ", ".join(dict.fromkeys(entry.failure.known_issue for entry in self.all))


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: the failures of one law that show it, and the ``laws`` that break with it, code and title of each."""

    group: FailureGroup
    laws: tuple[tuple[str, str], ...]

    @property
    def first(self) -> Occurrence:
        """The failure that represents the cause."""
        return self.group.first


@dataclass(frozen=True, slots=True)
class FixedIssue:
    """A known issue that no longer occurs, and where."""

    name: str
    where: str


def occurrences(cells: Sequence[CellResult]) -> tuple[Occurrence, ...]:
    """Return every failure of ``cells`` in order."""
    pairs = ((cell, failure) for cell in cells for failure in cell.failures)
    return tuple(Occurrence(cell, failure, f"failure-{number}") for number, (cell, failure) in enumerate(pairs, 1))


def failures(cells: Sequence[CellResult]) -> tuple[FailureGroup, ...]:
    """Return the failures that no known issue covers, a group a law, output, class and mode.

    The one with the shortest program represents its group.
    """
    return _groups(
        [entry for entry in occurrences(cells) if not entry.failure.known_issue],
        key=lambda entry: (target_of(entry.cell), entry.failure.code, entry.output, entry.cell.mode),
        rank=lambda entry: -len(entry.failure.standalone),
        where=lambda inside: describe_cells(inside, cells),
    )


def causes(cells: Sequence[CellResult]) -> tuple[Cause, ...]:
    """Return the failures that follow from no other, those of one law and output, or one exception, together.

    The one with the shortest program that fails by itself represents them; causes without such a program come last.
    """
    unexpected = [entry for entry in occurrences(cells) if not entry.failure.known_issue]
    groups = _groups(
        [entry for entry in unexpected if not entry.failure.follows_from],
        key=_cause,
        rank=lambda entry: (entry.failure.standalone_run != "passes", -len(entry.failure.standalone)),
        where=lambda inside: describe_cells(inside, cells),
    )
    ordered = sorted(groups, key=lambda group: group.first.failure.standalone_run == "passes")
    return tuple(Cause(group, _laws_that_follow(group, unexpected)) for group in ordered)


def _cause(entry: Occurrence) -> Hashable:
    failure = entry.failure
    if failure.fault in FAULTS:
        _, _, said = failure.message.partition(f"{failure.fault}, but should be finished (")
        if said:
            return target_of(entry.cell), failure.fault, normalized(said.rpartition(" [")[0])
    return target_of(entry.cell), failure.code, entry.output


def _laws_that_follow(group: FailureGroup, unexpected: Sequence[Occurrence]) -> tuple[tuple[str, str], ...]:
    """Return code and title of the laws whose failures follow from ``group`` in one of its cells."""
    cells = {entry.cell.id for entry in group.all}
    code = group.first.failure.code
    following = [entry.failure for entry in unexpected if entry.failure.follows_from == code and entry.cell.id in cells]
    others = [entry.failure for entry in group.others]
    laws = {failure.code: failure.title for failure in (*others, *following) if failure.code != code}
    return tuple(sorted(laws.items()))


def failures_by_class(cells: Sequence[CellResult]) -> tuple[FailureGroup, ...]:
    """Return the failures that no known issue covers and that follow from no other, a group a class, law and output.

    The worst represents it.
    """
    return _groups(
        [entry for entry in occurrences(cells) if not (entry.failure.known_issue or entry.failure.follows_from)],
        key=lambda entry: (class_name(entry.cell), entry.failure.code, entry.output),
        rank=lambda entry: entry.ratio,
        where=lambda inside: describe_cells(
            inside, [cell for cell in cells if class_name(cell) == class_name(inside[0])]
        ),
    )


def known_issues(cells: Sequence[CellResult]) -> tuple[FailureGroup, ...]:
    """Return the failures that known issues cover, a group an issue; the worst represents it."""
    return _groups(
        [entry for entry in occurrences(cells) if entry.failure.known_issue],
        key=lambda entry: entry.failure.known_issue,
        rank=lambda entry: entry.ratio,
        where=lambda inside: describe_cells(inside, cells),
    )


def known_causes(cells: Sequence[CellResult]) -> tuple[FailureGroup, ...]:
    """Return the failures that known issues cover, those with one explanation together; the worst represents them."""
    return _groups(
        [entry for entry in occurrences(cells) if entry.failure.known_issue],
        key=lambda entry: entry.failure.explanation,
        rank=lambda entry: entry.ratio,
        where=lambda inside: summarize_cells(inside, cells),
    )


def fixed_issues(cells: Sequence[CellResult]) -> tuple[FixedIssue, ...]:
    """Return the known issues that no longer occur."""
    names = dict.fromkeys(name for cell in cells for name in cell.fixed_upstream)
    return tuple(
        FixedIssue(name, describe_cells([cell for cell in cells if name in cell.fixed_upstream], cells))
        for name in names
    )


def _groups(
    entries: Sequence[Occurrence],
    *,
    key: Callable[[Occurrence], Hashable],
    rank: Callable[[Occurrence], Any],
    where: Callable[[Sequence[CellResult]], str],
) -> tuple[FailureGroup, ...]:
    """Return the entries of each ``key``; the first of the highest ``rank`` represents them."""
    groups: dict[Hashable, list[Occurrence]] = {}
    for entry in entries:
        groups.setdefault(key(entry), []).append(entry)
    result = []
    for group in groups.values():
        first = max(group, key=rank)
        others = tuple(entry for entry in group if entry is not first)
        cells = list({entry.cell.id: entry.cell for entry in group}.values())
        result.append(FailureGroup(first, others, where(cells)))
    return tuple(result)
