"""The record of a known issue: what the oracle has confirmed in a released library, with a witness and an explanation.

The witness is replayed first. While it breaks, the cell is examined *around* the issue: ``avoid_trigger`` changes
scripts that would show it, or ``allow`` permits the arithmetic that it amounts to. So a known issue hides nothing:
whatever else breaks is new, and `broken`. A witness that no longer breaks is reported as fixed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from stepcheck_implementations.adapters.adapter import Cell
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.scripts.script import Script


@dataclass(frozen=True, slots=True)
class KnownIssue:
    """One known issue.

    ``torch`` is the range of releases that have it, (first, first without it), each "" where open.
    ``targets`` ... ``devices`` are shell patterns; a cell matches where each has a pattern that does.
    ``code`` and ``outputs`` are the law it breaks and in what ("theta", a state's alphabet name, "count",
    or a fault's kind). ``witness`` breaks it in every matching cell once it has the cell's dtype and hyper-parameters.
    ``avoid_trigger`` returns a script without its trigger, and any other script unchanged; ``allow`` returns
    the arithmetic that the defect amounts to. An issue with neither explains every failure of its law and
    outputs in its cells, so it is the last resort. An issue of another library than torch names its distribution
    as ``library`` and the range of its releases as ``releases``. ``uninitialized`` are states that then hold
    uninitialized memory, so that no two runs are equal. ``avoid_consequence`` changes scripts as ``avoid_trigger``
    does, but only those in which the defect shows as a failure of another kind, and leaves those that it explains.
    ``avoid_chance`` changes scripts in which the defect reads memory that is not the subject's, so that no two runs are
    equal.
    """

    name: str
    explanation: str
    link: str
    torch: tuple[str, str]
    targets: tuple[str, ...]
    code: str
    outputs: tuple[str, ...]
    witness: Script
    configurations: tuple[str, ...] = ("*",)
    modes: tuple[str, ...] = ("*",)
    dtypes: tuple[str, ...] = ("*",)
    devices: tuple[str, ...] = ("*",)
    avoid_trigger: Callable[[Script], Script] | None = None
    avoid_consequence: Callable[[Script], Script] | None = None
    allow: Callable[[Arithmetic], Arithmetic] | None = None
    library: str = ""
    releases: tuple[str, str] = ("", "")
    uninitialized: tuple[str, ...] = ()
    avoid_chance: Callable[[Script], Script] | None = None

    def matches(self, cell: Cell, torch: str) -> bool:
        """Whether the issue is known for ``cell`` in release ``torch``, as in "2.13.0+cpu"."""
        if not _within(torch, self.torch) or (self.library and not _within(installed(self.library), self.releases)):
            return False
        return self.covers(cell)

    def covers(self, cell: Cell) -> bool:
        """Whether the issue is about ``cell`` in the releases that have it."""
        pairs = (
            (cell.target, self.targets),
            (cell.configuration, self.configurations),
            (cell.mode, self.modes),
            (cell.dtype, self.dtypes),
            (cell.device, self.devices),
        )
        return all(any(fnmatchcase(value, pattern) for pattern in patterns) for value, patterns in pairs)

    def shows(self, code: str, output: str) -> bool:
        """Whether a failure of law ``code`` in ``output`` is what this issue's witness shows."""
        return code == self.code and output in self.outputs

    @property
    def bypassed(self) -> bool:
        """Whether cells are examined around the issue, so that it can explain nothing else."""
        return self.avoid_trigger is not None or self.allow is not None

    def script(self, dtype: str, hyper: Iterable[str], fixed_hyper: Mapping[str, float]) -> Script:
        """Return the witness in ``dtype`` with the hyper-parameters of one rule, fixed where ``fixed_hyper`` says.

        So one witness serves every configuration: it gives a value for any hyper-parameter they have.
        """
        tensors = tuple(replace(tensor, dtype=dtype) for tensor in self.witness.tensors)
        groups = tuple(
            replace(group, hyper={name: fixed_hyper.get(name, group.hyper.get(name, 0.0)) for name in hyper})
            for group in self.witness.groups
        )
        return replace(self.witness, tensors=tensors, groups=groups)

    @property
    def reason(self) -> str:
        """The explanation with its link."""
        return f"{self.explanation} ({self.link})" if self.link else self.explanation


def avoid_triggers(issues: Iterable[KnownIssue], script: Script) -> Script:
    """Return ``script`` without the triggers of ``issues``, and without what brings their other consequences."""
    for issue in issues:
        for avoid in (issue.avoid_trigger, issue.avoid_consequence):
            script = script if avoid is None else avoid(script)
    return script


def with_allowances(issues: Iterable[KnownIssue], arithmetic: Arithmetic) -> Arithmetic:
    """Return ``arithmetic`` with what ``issues`` amount to allowed."""
    for issue in issues:
        if issue.allow is not None:
            arithmetic = issue.allow(arithmetic)
    return arithmetic


def _within(version: str, releases: tuple[str, str]) -> bool:
    """Whether ``version`` lies in ``releases``: (first, first without), each "" where open."""
    first, without = releases
    late = bool(without) and release(version) >= release(without)
    return not late and not (first and release(version) < release(first))


@cache
def installed(distribution: str) -> str:
    """Return the release of ``distribution`` that is installed here, "" where none is."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


@cache
def release(version: str) -> tuple[int, ...]:
    """Return the numbers of a release: (2, 13, 0) of "2.13.0+cpu"; trailing zeros do not count."""
    numbers = [int(part) for part in re.match(r"[\d.]*", version).group().split(".") if part]  # type: ignore[union-attr]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def matching(issues: Iterable[KnownIssue], cell: Cell, torch: str) -> tuple[KnownIssue, ...]:
    """Return those of ``issues`` that match ``cell`` in release ``torch``."""
    return tuple(issue for issue in issues if issue.matches(cell, torch))
