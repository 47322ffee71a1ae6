"""Verdicts: what is said of a law in a cell, of a cell, and of a subject."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """One word each; ``MEANINGS`` says what it claims."""

    HOLDS = "holds"
    BROKEN = "broken"
    EXPECTED_BROKEN = "expected_broken"
    VACUOUS = "vacuous"
    NOT_APPLICABLE = "not_applicable"
    NOT_RUN = "not_run"


MEANINGS = {
    Verdict.HOLDS: "every element that was compared landed inside its envelope, and no law is broken",
    Verdict.BROKEN: "at least one law is broken, or the subject did not finish its script",
    Verdict.EXPECTED_BROKEN: "broken exactly where a known finding in this release of the subject says so",
    Verdict.VACUOUS: "too little was compared for a claim",
    Verdict.NOT_APPLICABLE: "the subject, its framework or the device has no such cell",
    Verdict.NOT_RUN: "left out on purpose; the reason says how to run it",
}

NO_CLAIM = (Verdict.NOT_APPLICABLE, Verdict.NOT_RUN)
"""Verdicts that say nothing of the subject."""

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
    """Return the verdict of a whole from those of its parts; a whole without parts is vacuous.

    Vacuous parts beside compared ones do not change the verdict of the whole.
    """
    held = set(verdicts)
    return next((verdict for verdict in _PRECEDENCE if verdict in held), Verdict.VACUOUS)


def exit_code(verdict: Verdict, *, strict: bool) -> int:
    """Return the exit code of a finished run whose overall verdict is ``verdict``."""
    if verdict is Verdict.BROKEN or (strict and verdict is Verdict.EXPECTED_BROKEN):
        return BROKEN
    if verdict in (Verdict.HOLDS, Verdict.EXPECTED_BROKEN):
        return CONFORMS
    return NOTHING_COMPARED
