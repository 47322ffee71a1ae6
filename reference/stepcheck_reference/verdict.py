"""Verdicts on a law in a cell, on a cell, and on a subject; and the exit codes that follow."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """A verdict; ``MEANINGS`` says what each claims."""

    HOLDS = "holds"
    BROKEN = "broken"
    EXPECTED_BROKEN = "expected_broken"
    VACUOUS = "vacuous"
    NOT_APPLICABLE = "not_applicable"
    NOT_RUN = "not_run"


MEANINGS = {
    Verdict.HOLDS: "every compared element is inside its envelope, and no law is broken",
    Verdict.BROKEN: "at least one law is broken, or the subject did not finish its script",
    Verdict.EXPECTED_BROKEN: "broken only where a known issue in this release of the subject says so",
    Verdict.VACUOUS: "too little was compared to support a claim",
    Verdict.NOT_APPLICABLE: "the subject, its framework or the device does not support this cell",
    Verdict.NOT_RUN: "skipped by default; the reason says how to run it",
}

NO_CLAIM = (Verdict.NOT_APPLICABLE, Verdict.NOT_RUN)
"""Verdicts that claim nothing about the subject."""

_PRECEDENCE = (
    Verdict.BROKEN,
    Verdict.EXPECTED_BROKEN,
    Verdict.HOLDS,
    Verdict.VACUOUS,
    Verdict.NOT_RUN,
    Verdict.NOT_APPLICABLE,
)

CONFORMS, BROKEN, WRONG_REQUEST, CONTRADICTION, NOTHING_COMPARED, INTERRUPTED = 0, 1, 2, 3, 5, 130
"""Exit codes of the command line."""


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the combined verdict of several parts; without parts it is vacuous.

    Vacuous parts do not change the combined verdict if other parts were compared.
    """
    present = set(verdicts)
    return next((verdict for verdict in _PRECEDENCE if verdict in present), Verdict.VACUOUS)


def exit_code(verdict: Verdict, *, strict: bool) -> int:
    """Return the exit code of a finished run whose overall verdict is ``verdict``."""
    if verdict is Verdict.BROKEN or (strict and verdict is Verdict.EXPECTED_BROKEN):
        return BROKEN
    if verdict in (Verdict.HOLDS, Verdict.EXPECTED_BROKEN):
        return CONFORMS
    return NOTHING_COMPARED
