"""Consequences: which failures of a cell follow from another one, so that one cause is one failure.

A failure follows from a broken envelope where its own script breaks that envelope too: then the numbers it is about are
already outside the rule's. That says enough of laws about the rule's numbers. Laws that compare two runs of the subject
hold of a wrong rule as well: where both scripts need the same circumstance, such as a closure, the envelope follows
from such a law. What raises follows from an earlier failure with the same exception.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from stepcheck.certification.answers import RULE, about
from stepcheck.certification.failures.circumstances import circumstances
from stepcheck.certification.failures.exception_text import normalized
from stepcheck_properties import laws
from stepcheck_properties.failure import LawFailure
from stepcheck_properties.harness import Harness
from stepcheck_properties.law import COUNT, THETA
from stepcheck_reference.scripts.script_json import to_json
from stepcheck_reference.scripts.trajectory import FAULTS

Key = tuple[str, str]
"""A law's code and an output."""

ENVELOPES = ("SC101", "SC102", "SC103", "SC104")
"""The laws that the oracle itself decides."""
OF_THE_FORMULA = ("SC210", "SC212", "SC213", "SC214", "SC215")
"""Contracts that speak of what a step computes, so that a wrong rule alone can break them."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the script of a failure shows: the envelopes that it breaks, the exception that ends it, its features."""

    broken: frozenset[Key] = frozenset()
    exception: str = ""
    special: frozenset[str] = frozenset()


def consequences(failures: Sequence[LawFailure], harness: Harness) -> tuple[str, ...]:
    """Return for each of ``failures``, which are in the order of laws, the code of the one that it follows from.

    It is "" for those that stand for themselves. Runs each failure's script once where there are several.
    """
    if len(failures) < 2:
        return ("",) * len(failures)
    every = [(failure, _shown(failure, harness)) for failure in failures]
    causes = {number: _contract(*entry, every) for number, entry in enumerate(every)}
    codes: list[str] = []
    for number, (failure, shown) in enumerate(every):
        if causes[number]:
            codes.append(causes[number])
            continue
        earlier = [other for other in range(number) if not codes[other] or causes[other]]
        found = next((other for other in earlier if _follows(failure, shown, *every[other])), None)
        codes.append("" if found is None else causes[found] or failures[found].law.code)
    return tuple("" if code == failure.law.code else code for code, failure in zip(codes, failures, strict=True))


def _contract(failure: LawFailure, shown: _Shown, every: Sequence[tuple[LawFailure, _Shown]]) -> str:
    """Return the code of the broken contract that an envelope breaks with, "" where it is broken by itself.

    That is so where the script needs a circumstance, such as a closure, and a contract that is broken in the same
    circumstance shows the envelope broken, too: then no ordinary script breaks it.
    """
    if failure.law.code not in ENVELOPES or not shown.special:
        return ""
    contracts = (
        one.law.code
        for one, its in every
        if about(one.law.code) != RULE
        and one.law.code not in OF_THE_FORMULA
        and failure.key in its.broken
        and shown.special & its.special
    )
    return next(contracts, "")


def _follows(failure: LawFailure, shown: _Shown, cause: LawFailure, its: _Shown) -> bool:
    """Whether ``failure`` follows from ``cause``, an earlier one."""
    if failure.output in FAULTS:
        return cause.output in FAULTS and bool(shown.exception) and shown.exception == its.exception
    if cause.law.code not in ENVELOPES or not _is_a_number(failure):
        return False
    code = failure.law.code
    if code in ENVELOPES:
        return cause.key in shown.broken or failure.key in its.broken
    if cause.key not in shown.broken:
        return False
    return about(code) == RULE or code in OF_THE_FORMULA or bool(shown.special & its.special)


def _is_a_number(failure: LawFailure) -> bool:
    return failure.breach.deviation is not None or failure.output in (THETA, COUNT)


def _shown(failure: LawFailure, harness: Harness) -> _Shown:
    if failure.output == "hung":  # not worth another wait
        return _Shown(exception="hung")
    law, reference = laws.find(ENVELOPES[0]), failure.reference
    scripts = [failure.script]
    if reference is not None and not (reference.mode or reference.dtype or reference.options or reference.rule):
        scripts.append(reference.script)
    broken: set[Key] = set()
    exception = ""
    for script in scripts:
        evidence = harness.evidence(law, script)
        assert evidence is not None  # the law needs no reference run
        fault, judgement = evidence.trajectory.fault, evidence.judgement
        exception = exception or ("" if fault is None else normalized(f"{fault.kind} {fault.message}"))
        broken |= {("SC101" if entry.output == THETA else "SC102", entry.output) for entry in judgement.breaks}
        broken |= {("SC103", COUNT) for _ in judgement.counts}
        broken |= {("SC104", entry.output) for entry in judgement.initials}
    special = frozenset(circumstances(json.loads(to_json(failure.script))))
    return _Shown(frozenset(broken), exception, special)
