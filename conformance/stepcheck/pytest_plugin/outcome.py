"""Outcomes: what the test of one law in one cell comes to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from stepcheck.certification.certificate import CellResult, LawResult
from stepcheck.report.text import render_failure
from stepcheck.report.wording import verdict_name
from stepcheck_properties.laws import find
from stepcheck_reference.verdict import MEANINGS, Verdict


class Ends(StrEnum):
    """How a test ends."""

    PASSES = "passes"
    SKIPS = "skips"
    XFAILS = "xfails"
    FAILS = "fails"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a test ends, and why; ``told`` is what it says where an expected failure counts as one.

    ``warns`` is set where a whole cell supports no claim, so that it is seen although its tests are only skipped.
    """

    ends: Ends
    why: str = ""
    told: str = ""
    warns: bool = False


def outcome(
    cell: CellResult,
    code: str,
    *,
    expected: str = "",
    strict: bool = False,
    elsewhere: Callable[[], bool] = lambda: True,
) -> Outcome:
    """Return what ``cell`` says of the law ``code``, "" of a cell that is not judged.

    ``expected`` is why a user expects it to be broken; it is an error then that it holds. ``strict`` makes known
    findings failures. ``elsewhere`` tells, of a cell that supports no claim, whether another cell does; where none does
    nothing was compared, and that is a failure.
    """
    law = next((entry for entry in cell.laws if entry.code == code), None)
    if law is None:
        return Outcome(Ends.SKIPS, _skipped(cell.verdict, cell.reason or MEANINGS[cell.verdict]))
    if law.verdict is Verdict.HOLDS:
        if expected:
            told = f"[XPASS(strict)] {code} holds in {cell.id}, but is expected to be broken: {expected}"
            return Outcome(Ends.FAILS, told, told)
        return Outcome(Ends.PASSES)
    if law.verdict is Verdict.BROKEN or (strict and law.verdict is Verdict.EXPECTED_BROKEN):
        told = _broken(cell, law, strict=strict)
        return Outcome(Ends.XFAILS, expected, told) if expected else Outcome(Ends.FAILS, told, told)
    if law.verdict is Verdict.EXPECTED_BROKEN:
        return Outcome(Ends.XFAILS, _known(law), _broken(cell, law, strict=True))
    if law.verdict is Verdict.NOT_RUN:
        told = f"{code} is asked in one dtype of a configuration and mode, and in every one from profile standard on"
        return Outcome(Ends.SKIPS, _skipped(law.verdict, told))
    if law.verdict is Verdict.NOT_APPLICABLE:
        return Outcome(Ends.SKIPS, _skipped(law.verdict, f"{code} applies where {find(code).condition}"))
    if cell.verdict is not Verdict.VACUOUS:
        return Outcome(Ends.SKIPS, _skipped(law.verdict, MEANINGS[law.verdict]))
    why = _skipped(law.verdict, cell.reason or MEANINGS[law.verdict])
    if elsewhere():
        return Outcome(Ends.SKIPS, why, warns=True)
    told = f"{cell.id} is {why}; so are all others, so nothing was compared"
    return Outcome(Ends.FAILS, told, told)


def _skipped(verdict: Verdict, reason: str) -> str:
    return f"{verdict_name(verdict)}: {reason}"


def _known(law: LawResult) -> str:
    """Return the names of the known findings that a law breaks on, and what the first one is."""
    named = {entry.known_issue: entry for entry in law.failures if entry.known_issue}
    if not named:
        return MEANINGS[Verdict.EXPECTED_BROKEN]
    return f"known finding {', '.join(named)}: {next(iter(named.values())).explanation}"


def _broken(cell: CellResult, law: LawResult, *, strict: bool) -> str:
    """Return every failure of ``law`` as the report writes it; those of known findings too where ``strict``."""
    shown = [render_failure(entry, cell.id) for entry in law.failures if strict or not entry.known_issue]
    return "\n\n".join(shown) or cell.reason or MEANINGS[law.verdict]
