"""What a check found, and which of it fails; light, so that a report needs no oracle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stepcheck.guard.comparison.difference import Change, Difference
from stepcheck_reference.verdict import BROKEN, CONFORMS, NOTHING_COMPARED

POLICIES = ("changed", "rounding", "api")
"""What a check may fail on: a cell changed or is gone; one moved at all; one offers or says otherwise."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: a difference for every cell, in the order of the baseline.

    ``old`` and ``new`` say what was recorded under and what was checked; see ``Workers.environment``. ``unchecked`` are
    cells of devices that this machine does not have.
    """

    old: Mapping[str, Any]
    new: Mapping[str, Any]
    differences: tuple[Difference, ...]
    unchecked: tuple[str, ...] = ()

    def failing(self, policies: Iterable[str] = ("changed",)) -> tuple[Difference, ...]:
        """Return the cells that one of ``policies`` fails on."""
        return tuple(entry for entry in self.differences if any(fails(entry, policy) for policy in policies))

    def exit_code(self, policies: Iterable[str] = ("changed",)) -> int:
        """Return the exit code: 0, 1 where a cell fails, 5 where nothing was compared."""
        if not self.differences:
            return NOTHING_COMPARED
        return BROKEN if self.failing(policies) else CONFORMS


def fails(entry: Difference, policy: str) -> bool:
    """Whether a check that fails on ``policy`` fails on this cell; what is new or accepted never does."""
    if entry.accepted or entry.change in (Change.IDENTICAL, Change.NEW):
        return False
    if policy == "api":
        return entry.api or entry.change is Change.GONE
    return policy == "rounding" or entry.change in (Change.CHANGED, Change.GONE)
