"""The result of a cell: what an examination found, as the certificate records it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stepcheck.certification.cells.undeclared_examination import Undeclaredly
from stepcheck.certification.certificate import CellResult, Failure, LawResult
from stepcheck.certification.failures.cell_hazards import hazards_of
from stepcheck.certification.failures.failure import worst_record
from stepcheck.certification.formula.accuracy import operations_and_accuracy
from stepcheck.certification.plan import Planned
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_properties.examination.verdicts import Examination, LawVerdict
from stepcheck_properties.failure import LawFailure
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.judgement import Judgement
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.verdict import NO_CLAIM, Verdict, overall


def cell_result(
    planned: Planned,
    rule: Rule,
    examination: Examination,
    *,
    expected: list[Failure],
    new: list[Failure],
    arithmetic: Arithmetic,
    found: Undeclaredly | None,
    fixed_upstream: tuple[str, ...],
) -> CellResult:
    """Return the result of ``planned``, held to ``rule``; ``expected`` failures are those of known issues.

    ``found`` says what a subject without a declared ``arithmetic`` is judged with; ``fixed_upstream`` names the known
    issues that no longer break.
    """
    results = tuple(_law_result(entry, expected, new) for entry in examination.verdicts)
    verdict = overall(entry.verdict for entry in results if entry.verdict not in NO_CLAIM)
    envelope = next(entry for entry in results if entry.code == "SC101")
    if verdict is Verdict.HOLDS and envelope.verdict is Verdict.VACUOUS:
        verdict = Verdict.VACUOUS
    notes = [entry.note for entry in examination.verdicts if entry.verdict == Verdict.VACUOUS]
    reason = notes[0] if verdict is Verdict.VACUOUS and notes else examination.stopped
    zero = examination.worst_from_zero
    operations, accuracy = operations_and_accuracy(found)
    return planned.result(
        verdict,
        reason="; ".join(entry for entry in (reason, *examination.unconfirmed) if entry),
        scripts=examination.scripts,
        element_steps=examination.compared + sum(examination.not_compared.values()),
        compared=examination.compared,
        not_compared=dict(sorted(examination.not_compared.items())),
        admissible_nonfinite=examination.nonfinite,
        hazards=hazards_of(examination, rule),
        observability=examination.observability,
        arithmetic=arithmetic.name,
        arithmetic_source=arithmetic.source,
        operations=operations,
        accuracy=accuracy,
        inferred=found.judged_with.says if found else "",
        worst={name: worst_record(entry) for name, entry in sorted(examination.worst.items(), key=_theta_first)},
        worst_from_zero=None if zero is None else worst_record(zero),
        laws=results,
        fixed_upstream=fixed_upstream,
        ratios={name: _trimmed(bins) for name, bins in sorted(examination.ratios.items(), key=_theta_first)},
    )


def unexplained(examination: Examination, breaking: Iterable[KnownIssue]) -> Iterator[LawFailure]:
    """Yield the failures that no known issue explains; those that scripts are led past explain nothing."""
    explaining = [issue for issue in breaking if not issue.bypassed]
    for failure in examination.failures:
        if not any(issue.shows(failure.law.code, failure.breach.output) for issue in explaining):
            yield failure


def replayed_result(
    planned: Planned, script: Script, judgement: Judgement, *, arithmetic: Arithmetic, laws: tuple[LawResult, ...]
) -> CellResult:
    """Return the result of ``planned`` where it is about this one ``script``, which ``laws`` are checked on."""
    return planned.result(
        overall(result.verdict for result in laws),
        scripts=1,
        element_steps=script.element_steps,
        compared=judgement.compared,
        not_compared=dict(judgement.not_compared),
        observability=judgement.observability,
        arithmetic=arithmetic.name,
        arithmetic_source=arithmetic.source,
        worst={output: worst_record(entry) for output, entry in judgement.worst.items()},
        laws=laws,
    )


def _law_result(result: LawVerdict, expected: list[Failure], new: list[Failure]) -> LawResult:
    """Return the certificate's record of a law: what only known issues break is broken as expected."""
    code, verdict = result.law.code, Verdict(result.verdict)
    failures = tuple(failure for failure in (*expected, *new) if failure.code == code)
    if any(failure.code == code for failure in new):
        verdict = Verdict.BROKEN
    elif failures or verdict is Verdict.BROKEN:
        verdict = Verdict.EXPECTED_BROKEN
    return LawResult(code=code, verdict=verdict, compared=result.compared, failures=failures)


def _trimmed(bins: tuple[int, ...]) -> tuple[int, ...]:
    """Return ``bins`` without the zeros at the end."""
    end = len(bins)
    while end and not bins[end - 1]:
        end -= 1
    return bins[:end]


def _theta_first(item: tuple[str, object]) -> tuple[bool, str]:
    return (item[0] != "theta", item[0])
