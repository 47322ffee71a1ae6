"""The summary of a certificate, row by row: its verdict, what it covers, and how it was run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from stepcheck.certification.answers import answers
from stepcheck.certification.certificate import Answer, Certificate, Findings, Matched
from stepcheck.certification.chosen_laws.law_selection import ignored
from stepcheck.report.view import cell_entries
from stepcheck.report.view.accuracy import accuracy_lines, operation_lines
from stepcheck.report.view.cell_tables import tally_text
from stepcheck.report.view.hazards import hazard_lines
from stepcheck.report.view.limits import limits
from stepcheck.report.view.marks import mark
from stepcheck.report.view.reference_lines import reference_lines
from stepcheck.report.wording import (
    last_name,
    plural,
    thousands,
    verdict_name,
)
from stepcheck_reference.verdict import MEANINGS, NO_CLAIM, Verdict, exit_code

_NEARLY_ALL = 0.99
"""The share of element-steps that are compared from which a concise summary says in one row what was not."""
_VERSIONS = ("stepcheck", "torch")
"""The releases that a concise summary names."""


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """A row: its name and its entries, one or more lines of text each."""

    name: str
    entries: tuple[str, ...]


def summary_rows(certificate: Certificate, *, strict: bool = False, concise: bool = False) -> tuple[SummaryRow, ...]:
    """Return the summary; ``strict`` says whether known issues count as failures.

    The rules of a library's configurations are in its tables. A ``concise`` summary leaves out what says nothing about
    the subject where all is as it usually is, and which cells the worst ratios are in.
    """
    findings, cells = certificate.findings, certificate.cells
    ran = [cell for cell in cells if cell.scripts]
    named = not certificate.of_library and not (concise and len(cells) == 1)
    stepwise = all(cell.observability in ("", "stepwise") for cell in ran)
    return _rows(
        *_verdict(certificate, concise=concise),
        ("rule", [f"{findings.target} is checked against {findings.rule}"] if named else []),
        *_matched(findings.matched),
        ("defaults", _defaults(certificate)),
        *_compared(certificate, concise=concise),
        ("worst ratio", cell_entries.worst_ratios(ran, concise=concise)),
        ("observability", [] if concise and stepwise else cell_entries.observability(ran)),
        ("arithmetic", [] if concise else cell_entries.arithmetic(certificate, ran)),
        ("inferred", cell_entries.inferred(ran, cells)),
        *((verdict_name(verdict), cell_entries.reasons(cells, verdict)) for verdict in (Verdict.VACUOUS, *NO_CLAIM)),
        *_run(certificate, strict=strict, concise=concise),
    )


def library_rows(certificate: Certificate, *, strict: bool = False) -> tuple[SummaryRow, ...]:
    """Return the summary of a library: its classes by their verdict, and of all else what says most."""
    cells = certificate.cells
    ran = [cell for cell in cells if cell.scripts]
    rules = len({cell.rule for cell in ran})
    verdict, *coverage = _verdict(certificate)
    return _rows(
        verdict,
        ("classes", cell_entries.classes(cells)),
        *coverage,
        ("rules", [f"each configuration is checked against its own, {plural(rules, 'rule')} in total (see --json)"]),
        ("defaults", _defaults(certificate)),
        *_compared(certificate),
        ("worst ratio", cell_entries.worst_ratios_of_library(ran)),
        ("observability", cell_entries.observability(ran)),
        (verdict_name(Verdict.VACUOUS), cell_entries.reasons(cells, Verdict.VACUOUS)),
        *((verdict_name(verdict), cell_entries.reasons_by_mode(cells, verdict)) for verdict in NO_CLAIM),
        *_run(certificate, strict=strict),
    )


def answers_of(certificate: Certificate) -> tuple[Answer, ...]:
    """Return the verdict on the rule and that on the contracts; certificates written before there were any have none.

    Then they are read off the cells.
    """
    findings = certificate.findings
    return findings.answers or answers(findings.cells, findings.rule, of_library=certificate.of_library)


_Row = tuple[str, Sequence[str]]


def _rows(*rows: _Row) -> tuple[SummaryRow, ...]:
    """Return those of ``rows`` that have an entry."""
    return tuple(SummaryRow(name, tuple(entries)) for name, entries in rows if entries)


def _verdict(certificate: Certificate, *, concise: bool = False) -> list[_Row]:
    """Return the verdict in two lines, how many cells have which, and what was left out."""
    findings, cells = certificate.findings, certificate.cells
    missing = f"{plural(findings.unfinished, 'cell')} missing; the verdict covers the remaining cells"
    single = concise and len(cells) == 1
    unruled = f"{', '.join(findings.without_rule)} (no rule)"
    return [
        ("verdict", _answer_lines(certificate)),
        ("reference", reference_lines(findings.reference)),
        ("formula", [] if findings.formula is None else [findings.formula.text]),
        ("operations", operation_lines(cells)),
        ("accuracy", accuracy_lines(cells)),
        ("it keeps", _kept(findings)),
        ("interrupted", [missing] if findings.unfinished else []),
        ("cell", [f"{cells[0].id}: {mark(cells[0])}"] if single else []),
        ("cells", [] if single else [tally_text(cells) or "none"]),
        ("laws", cell_entries.laws(cells, ignored(findings.select, findings.ignore))),
        ("selected", [", ".join(findings.select)] if findings.select else []),
        ("ignored", [", ".join(findings.ignore)] if findings.ignore else []),
        ("not checked", [unruled] if findings.without_rule else []),
    ]


def _answer_lines(certificate: Certificate) -> list[str]:
    """Return the verdict's answers, a line each; the first also says what it is not about."""
    first, *others = [f"{answer.about}: {answer.text}" for answer in answers_of(certificate)]
    return ["; ".join((first, *limits(certificate))), *others]


def _kept(findings: Findings) -> list[str]:
    """Return another rule that the target keeps, and how to certify it."""
    kept = findings.keeps
    return [] if kept is None else [f"{kept.rule}, in {kept.cell}; certify it with --as {kept.rule}"]


def _matched(matched: Matched | None) -> list[_Row]:
    """Return how the names of a target without an adapter were matched to those of its rule."""
    if matched is None:
        return []
    hyper = [", ".join(f"{name}={argument}" for name, argument in matched.hyper.items())]
    if matched.fixed:
        hyper.append("fixed: " + ", ".join(f"{name}={value:g}" for name, value in matched.fixed.items()))
    if matched.constant:
        hyper.append(f"{', '.join(matched.constant)} as constructed (nothing shows where to change it)")
    state = [", ".join(f"{name}={path}" for name, path in matched.states.items())]
    if matched.unmapped:
        state.append(f"{', '.join(matched.unmapped)} not found by name or value (see --map)")
    state.append(matched.unseen)
    rows = (("matched", hyper), ("state", state))
    joined: list[_Row] = [(name, ["; ".join(filter(None, parts))]) for name, parts in rows if any(parts)]
    return [*joined, ("options", list(matched.options)), ("refuses", list(matched.refuses))]


def _defaults(certificate: Certificate) -> list[str]:
    """Return where constructors' defaults differ from what their rules' sources recommend."""
    by_class: dict[str, list[str]] = {}
    for entry in certificate.findings.defaults:
        by_class.setdefault(last_name(entry.target), []).append(
            f"{entry.name}={entry.default:g} ({entry.recommended:g})"
        )
    parts = "; ".join(f"{name} {', '.join(entries)}" for name, entries in by_class.items())
    return [f"differ from those of the rule's source, given in parentheses: {parts}"] if parts else []


def _compared(certificate: Certificate, *, concise: bool = False) -> list[_Row]:
    """Return how much was compared, and what was not; ``concise``, in one row where that is little."""
    cells = certificate.cells
    steps, scripts = sum(cell.element_steps for cell in cells), sum(cell.scripts for cell in cells)
    left_out: Counter[str] = Counter()
    for cell in cells:
        left_out.update(cell.not_compared)
    reasons = "; ".join(f"{thousands(number)} {reason}" for reason, number in left_out.most_common())
    few = concise and certificate.compared > _NEARLY_ALL * steps
    return [
        (
            "compared",
            [
                f"{thousands(certificate.compared)} of {thousands(steps)} element-steps in {thousands(scripts)} "
                f"{'script' if scripts == 1 else 'scripts'}{f' (not: {reasons})' if few and reasons else ''}"
            ],
        ),
        ("not compared", [reasons] if reasons and not few else []),
        ("hazard", hazard_lines(cells)),
    ]


def _run(certificate: Certificate, *, strict: bool, concise: bool = False) -> list[_Row]:
    """Return how long the run took, what with, what was requested, and the exit code."""
    findings, run = certificate.findings, certificate.run
    versions = ", ".join(
        f"{name} {version}" for name, version in run.versions.items() if not concise or name in _VERSIONS
    )
    request = f"profile {findings.profile}, seed {findings.seed}"
    row = ("run", [f"{run.seconds:.1f} s, {plural(run.jobs, 'job')}, {request}; {versions}"])
    if run.stopped and not run.interrupted:
        return [row, ("stopped", [run.stopped])]
    code = 130 if run.interrupted else certificate.exit_code(strict=strict)
    said = "" if run.interrupted else f", {verdict_name(findings.verdict)}: {MEANINGS[findings.verdict]}"
    if code == 1 and exit_code(findings.verdict, strict=strict) == 0:
        lossy = not any(cell.hazards for cell in certificate.cells)
        said += "; a loss of accuracy is a failure" if lossy else "; a hazard is a failure"
    return [row, ("exit code", [f"{code}{' (--strict)' if strict else ''}{said}"])]
