"""The result of a check, and which of its cells fail; imports no oracle, so that a report can."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stepcheck.guard.comparison.difference import Change, Difference
from stepcheck_reference.verdict import BROKEN, CONFORMS, NOTHING_COMPARED

POLICIES = ("changed", "rounding", "api")
"""What a check may fail on: a cell changed or is gone; any number changed; the interface or messages changed."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of a check: a difference for every cell, in the order of the baseline.

    ``old`` and ``new`` are the environments of the recording and of the check; see ``Workers.environment``.
    ``unchecked`` are cells on devices that this machine does not have.
    """

    old: Mapping[str, Any]
    new: Mapping[str, Any]
    differences: tuple[Difference, ...]
    unchecked: tuple[str, ...] = ()

    def failing(self, policies: Iterable[str] = ("changed",)) -> tuple[Difference, ...]:
        """Return the cells that one of ``policies`` fails on."""
        policies = tuple(policies)
        return tuple(entry for entry in self.differences if any(fails(entry, policy) for policy in policies))

    def exit_code(self, policies: Iterable[str] = ("changed",)) -> int:
        """Return the exit code: 0, 1 where a cell fails, 5 where nothing was compared."""
        if all(entry.change is Change.NEW for entry in self.differences):
            return NOTHING_COMPARED
        return BROKEN if self.failing(policies) else CONFORMS


def fails(entry: Difference, policy: str) -> bool:
    """Whether a check that fails on ``policy`` fails on this cell; a new or accepted one never does."""
    if entry.accepted or entry.change in (Change.IDENTICAL, Change.NEW):
        return False
    if policy == "api":
        return entry.api or entry.change is Change.GONE
    return policy == "rounding" or entry.change in (Change.CHANGED, Change.GONE)
