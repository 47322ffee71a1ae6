"""The outcome of a test: what the verdict on one law in one cell means to pytest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from stepcheck.certification.certificate import CellResult, LawResult
from stepcheck.report.failure_text import render_failure
from stepcheck.report.wording import verdict_name
from stepcheck_properties.laws import find
from stepcheck_reference.verdict import MEANINGS, Verdict


class Ending(StrEnum):
    """How a test ends."""

    PASSES = "passes"
    SKIPS = "skips"
    XFAILS = "xfails"
    FAILS = "fails"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a test ends, and the ``reason`` that pytest shows for it.

    ``failure`` is what the test fails with, for an xfail with --runxfail. ``warns`` is set where a whole cell supports
    no claim, so that it is seen although its tests are only skipped.
    """

    ending: Ending
    reason: str = ""
    failure: str = ""
    warns: bool = False


def outcome(
    cell: CellResult,
    code: str,
    *,
    expected: str = "",
    strict: bool = False,
    elsewhere: Callable[[], bool] = lambda: True,
) -> Outcome:
    """Return the outcome of the test of law ``code`` in ``cell``; ``code`` is "" for a cell that is not judged.

    ``expected`` is why a user expects the law to be broken; that it holds is a failure then. ``strict`` makes known
    issues failures. ``elsewhere`` says, of a cell that supports no claim, whether another cell does; where none does
    nothing was compared, and that is a failure.
    """
    law = next((entry for entry in cell.laws if entry.code == code), None)
    if law is None:
        return Outcome(Ending.SKIPS, _verdict(cell.verdict, cell.reason or MEANINGS[cell.verdict]))
    if law.verdict is Verdict.HOLDS:
        if not expected:
            return Outcome(Ending.PASSES)
        return _fails(f"[XPASS(strict)] {code} holds in {cell.id}, but is expected to be broken: {expected}")
    if law.verdict is Verdict.BROKEN or (strict and law.verdict is Verdict.EXPECTED_BROKEN):
        failure = _failures(cell, law, with_known_issues=strict)
        return Outcome(Ending.XFAILS, expected, failure) if expected else _fails(failure)
    if law.verdict is Verdict.EXPECTED_BROKEN:
        return Outcome(Ending.XFAILS, _known_issues(law), _failures(cell, law, with_known_issues=True))
    if law.verdict is Verdict.NOT_RUN:
        reason = f"{code} runs in one dtype of each configuration and mode, and in every dtype from profile standard on"
    elif law.verdict is Verdict.NOT_APPLICABLE:
        reason = f"{code} applies where {find(code).condition}"
    elif cell.verdict is Verdict.VACUOUS:
        reason = _verdict(law.verdict, cell.reason or MEANINGS[law.verdict])
        if elsewhere():
            return Outcome(Ending.SKIPS, reason, warns=True)
        return _fails(f"{cell.id} is {reason}; so is every other cell: nothing was compared")
    else:
        reason = MEANINGS[law.verdict]
    return Outcome(Ending.SKIPS, _verdict(law.verdict, reason))


def _fails(message: str) -> Outcome:
    return Outcome(Ending.FAILS, message, message)


def _verdict(verdict: Verdict, reason: str) -> str:
    return f"{verdict_name(verdict)}: {reason}"


def _known_issues(law: LawResult) -> str:
    """Return the names of the known issues that break ``law``, and the explanation of the first one."""
    named = {entry.known_issue: entry for entry in law.failures if entry.known_issue}
    if not named:
        return MEANINGS[Verdict.EXPECTED_BROKEN]
    return f"known issue {', '.join(named)}: {next(iter(named.values())).explanation}"


def _failures(cell: CellResult, law: LawResult, *, with_known_issues: bool) -> str:
    """Return the failures of ``law`` as the report writes them, in short where they follow from another law's."""
    entries = [entry for entry in law.failures if with_known_issues or not entry.known_issue]
    shown = [render_failure(entry, cell.id, short=bool(entry.follows_from)) for entry in entries]
    return "\n\n".join(shown) or cell.reason or MEANINGS[law.verdict]
