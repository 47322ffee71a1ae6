"""The summary of a certificate, row by row: its verdict, what it covers, and how it was run."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stepcheck.certification.certificate import CellResult, Certificate, Matched
from stepcheck.report.view.cell_tables import tally_text
from stepcheck.report.wording import (
    MARKS,
    class_name,
    describe_cells,
    format_ratio,
    last_name,
    plural,
    thousands,
    verdict_name,
)
from stepcheck_reference.verdict import MEANINGS, NO_CLAIM, Verdict, exit_code, overall

_REASON_LENGTH = 75
"""Characters of a reason that a library's summary shows."""


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """A row: its name and its entries, one or more lines of text each."""

    name: str
    entries: tuple[str, ...]


def summary_rows(certificate: Certificate, *, strict: bool = False) -> tuple[SummaryRow, ...]:
    """Return the summary; ``strict`` says whether known issues count as failures.

    The rules of a library's configurations are in its tables.
    """
    findings, cells = certificate.findings, certificate.cells
    ran = [cell for cell in cells if cell.scripts]
    return _rows(
        *_verdict(certificate),
        ("rule", [] if certificate.of_library else [f"{findings.target} is checked against {findings.rule}"]),
        *_matched(findings.matched),
        ("defaults", _defaults(certificate)),
        *_compared(certificate),
        ("worst ratio", _worst_ratios(ran)),
        ("observability", _observability(ran)),
        ("arithmetic", _arithmetic(certificate, ran)),
        ("inferred", _inferred(ran, cells)),
        *((verdict_name(verdict), _reasons(cells, verdict)) for verdict in (Verdict.VACUOUS, *NO_CLAIM)),
        *_run(certificate, strict=strict),
    )


def library_rows(certificate: Certificate, *, strict: bool = False) -> tuple[SummaryRow, ...]:
    """Return the summary of a library: its classes by their verdict, and of all else what says most."""
    cells = certificate.cells
    ran = [cell for cell in cells if cell.scripts]
    rules = len({cell.rule for cell in ran})
    verdict, *coverage = _verdict(certificate)
    return _rows(
        verdict,
        ("classes", _classes(cells)),
        *coverage,
        ("rules", [f"each configuration is checked against its own, {plural(rules, 'rule')} in total (see --json)"]),
        ("defaults", _defaults(certificate)),
        *_compared(certificate),
        ("worst ratio", _worst_ratios_of_library(ran)),
        ("observability", _observability(ran)),
        (verdict_name(Verdict.VACUOUS), _reasons(cells, Verdict.VACUOUS)),
        *((verdict_name(verdict), _reasons_by_mode(cells, verdict)) for verdict in NO_CLAIM),
        *_run(certificate, strict=strict),
    )


_Row = tuple[str, Sequence[str]]


def _rows(*rows: _Row) -> tuple[SummaryRow, ...]:
    """Return those of ``rows`` that have an entry."""
    return tuple(SummaryRow(name, tuple(entries)) for name, entries in rows if entries)


def _verdict(certificate: Certificate) -> list[_Row]:
    """Return the verdict, how many cells have which, and what was left out."""
    findings, cells = certificate.findings, certificate.cells
    missing = f"{plural(findings.unfinished, 'cell')} missing; the verdict covers the remaining cells"
    unruled = f"{', '.join(findings.without_rule)} (no rule)"
    return [
        ("verdict", [f"{verdict_name(findings.verdict)}: {MEANINGS[findings.verdict]}"]),
        ("interrupted", [missing] if findings.unfinished else []),
        ("cells", [tally_text(cells) or "none"]),
        ("laws", _laws(cells)),
        ("not checked", [unruled] if findings.without_rule else []),
    ]


def _laws(cells: Iterable[CellResult]) -> list[str]:
    """Return how many laws hold in every cell that they apply to, which do not, and how many apply to none."""
    verdicts: dict[str, set[Verdict]] = {}
    for cell in cells:
        for result in cell.laws:
            verdicts.setdefault(result.code, set()).add(result.verdict)
    worst = {code: overall(every - {*NO_CLAIM}) for code, every in sorted(verdicts.items()) if every - {*NO_CLAIM}}
    if not worst:
        return []
    holding = sum(verdict is Verdict.HOLDS for verdict in worst.values())
    parts = [f"{holding} of {plural(len(verdicts), 'law')} {'holds' if holding == 1 else 'hold'}"]
    for verdict in MARKS:
        codes = [code for code, worst_verdict in worst.items() if worst_verdict is verdict]
        if codes and verdict is not Verdict.HOLDS:
            parts.append(f"{verdict_name(verdict)}: {', '.join(codes)}")
    if not_applicable := len(verdicts) - len(worst):
        parts.append(f"{not_applicable} not applicable")
    if any(Verdict.NOT_RUN in every for every in verdicts.values()):
        parts.append("format-independent laws ran in one dtype per configuration and mode")
    return ["; ".join(parts)]


def _classes(cells: Sequence[CellResult]) -> list[str]:
    """Return the classes of each verdict."""
    by_class: dict[str, set[Verdict]] = {}
    for cell in cells:
        by_class.setdefault(class_name(cell), set()).add(cell.verdict)
    by_verdict: dict[Verdict, list[str]] = {}
    for name, verdicts in by_class.items():
        by_verdict.setdefault(overall(verdicts), []).append(name)
    return [f"{verdict_name(verdict)}: {', '.join(by_verdict[verdict])}" for verdict in MARKS if verdict in by_verdict]


def _matched(matched: Matched | None) -> list[_Row]:
    """Return how the names of a target without an adapter were matched to those of its rule."""
    if matched is None:
        return []
    hyper = [", ".join(f"{name}={argument}" for name, argument in matched.hyper.items())]
    if matched.held:
        hyper.append("fixed: " + ", ".join(f"{name}={value:g}" for name, value in matched.held.items()))
    if matched.constant:
        hyper.append(f"{', '.join(matched.constant)} as constructed (nothing shows where to change it)")
    state = [", ".join(f"{name}={path}" for name, path in matched.states.items())]
    if matched.unmapped:
        state.append(f"{', '.join(matched.unmapped)} not found by name or value (see --map)")
    state.append(matched.unseen)
    rows = (("matched", hyper), ("state", state))
    return [(name, ["; ".join(filter(None, parts))]) for name, parts in rows if any(parts)]


def _defaults(certificate: Certificate) -> list[str]:
    """Return where constructors' defaults differ from what their rules' sources recommend."""
    by_class: dict[str, list[str]] = {}
    for entry in certificate.findings.defaults:
        by_class.setdefault(last_name(entry.target), []).append(
            f"{entry.name}={entry.default:g} ({entry.recommended:g})"
        )
    parts = "; ".join(f"{name} {', '.join(entries)}" for name, entries in by_class.items())
    return [f"differ from those of the rule's source, given in parentheses: {parts}"] if parts else []


def _compared(certificate: Certificate) -> list[_Row]:
    """Return how much was compared, and what was not."""
    cells = certificate.cells
    steps, scripts = sum(cell.element_steps for cell in cells), sum(cell.scripts for cell in cells)
    left_out: Counter[str] = Counter()
    for cell in cells:
        left_out.update(cell.not_compared)
    reasons = "; ".join(f"{thousands(number)} {reason}" for reason, number in left_out.most_common())
    nonfinite = sum(cell.admissible_nonfinite for cell in cells)
    return [
        (
            "compared",
            [
                f"{thousands(certificate.compared)} of {thousands(steps)} element-steps in {thousands(scripts)} "
                f"{'script' if scripts == 1 else 'scripts'}"
            ],
        ),
        ("not compared", [reasons] if reasons else []),
        ("non-finite", [f"{thousands(nonfinite)} values admitted by the envelope"] if nonfinite else []),
    ]


def _worst_ratios(cells: Iterable[CellResult]) -> list[str]:
    """Return the largest error of the parameters, of updates from θ = 0, and of each state, with its cell."""
    worst: dict[str, tuple[float, str]] = {"theta": (-1.0, ""), "zero": (-1.0, "")}
    for cell in cells:
        outputs = {**cell.worst, **({"zero": cell.worst_from_zero} if cell.worst_from_zero is not None else {})}
        for output, element in outputs.items():
            worst[output] = max(worst.get(output, (-1.0, "")), (float(element.ratio), cell.id))
    names = {"theta": "parameters", "zero": "updates from θ = 0"}
    return [
        f"{names.get(output, f'state {output}')} {format_ratio(error)}, in {where}"
        for output, (error, where) in worst.items()
        if where
    ]


def _worst_ratios_of_library(cells: Sequence[CellResult]) -> list[str]:
    """Return the largest error of the parameters, of updates from θ = 0, and of all states."""
    entries = [
        *((0, float(cell.worst["theta"].ratio), "parameters", cell.id) for cell in cells if "theta" in cell.worst),
        *(
            (1, float(cell.worst_from_zero.ratio), "updates from θ = 0", cell.id)
            for cell in cells
            if cell.worst_from_zero is not None
        ),
        *(
            (2, float(worst.ratio), f"state {name}", cell.id)
            for cell in cells
            for name, worst in cell.worst.items()
            if name != "theta"
        ),
    ]
    largest = [max(kind) for number in range(3) if (kind := [entry for entry in entries if entry[0] == number])]
    return [f"{what} {format_ratio(error)}, in {where}" for _, error, what, where in largest]


def _observability(ran: Iterable[CellResult]) -> list[str]:
    """Return how much of the state was observed, in how many cells."""
    counts = Counter(cell.observability for cell in ran if cell.compared)
    text = ", ".join(f"{name} ({plural(number, 'cell')})" for name, number in counts.most_common())
    return [text] if text else []


def _arithmetic(certificate: Certificate, ran: Sequence[CellResult]) -> list[str]:
    """Return the models of arithmetic and their sources; a library's classes have models of their own."""
    models: dict[tuple[str, str], list[CellResult]] = {}
    for cell in ran:
        if cell.arithmetic:
            models.setdefault((cell.arithmetic, cell.arithmetic_source), []).append(cell)
    if certificate.of_library:
        return [
            f"{name}: {source} ({describe_cells(cells, certificate.cells)})" for (name, source), cells in models.items()
        ]
    return [f"{name}: {source}" for name, source in dict(models.keys()).items()]


def _inferred(ran: Sequence[CellResult], cells: Sequence[CellResult]) -> list[str]:
    """Return the models that were found by trying, and where."""
    models: dict[str, list[CellResult]] = {}
    for cell in ran:
        if cell.inferred:
            models.setdefault(cell.inferred, []).append(cell)
    return [f"{model} ({describe_cells(inside, cells)})" for model, inside in models.items()]


def _reasons(cells: Sequence[CellResult], verdict: Verdict) -> list[str]:
    """Return why cells have ``verdict``, and where."""
    reasons: dict[str, list[CellResult]] = {}
    for cell in cells:
        if cell.verdict is verdict:
            reasons.setdefault(cell.reason, []).append(cell)
    return [f"{reason} ({describe_cells(inside, cells)})" for reason, inside in reasons.items()]


def _reasons_by_mode(cells: Sequence[CellResult], verdict: Verdict) -> list[str]:
    """Return why cells have ``verdict``, by mode: the reason that most of them have."""
    by_mode: dict[str, list[CellResult]] = {}
    for cell in cells:
        if cell.verdict is verdict:
            by_mode.setdefault(cell.mode, []).append(cell)
    rows = []
    for mode, inside in by_mode.items():
        reasons = Counter(cell.reason for cell in inside).most_common()
        reason = textwrap.shorten(reasons[0][0], _REASON_LENGTH, placeholder=" …")
        more = f" (and {plural(len(reasons) - 1, 'other reason')})" if len(reasons) > 1 else ""
        rows.append(f"{mode}, {plural(len(inside), 'cell')}: {reason}{more}")
    return rows


def _run(certificate: Certificate, *, strict: bool) -> list[_Row]:
    """Return how long the run took, what with, what was requested, and the exit code."""
    findings, run = certificate.findings, certificate.run
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    request = f"profile {findings.profile}, seed {findings.seed}"
    row = ("run", [f"{run.seconds:.1f} s, {plural(run.jobs, 'job')}, {request}; {versions}"])
    if run.stopped and not run.interrupted:
        return [row, ("stopped", [run.stopped])]
    code = 130 if run.interrupted else exit_code(findings.verdict, strict=strict)
    return [row, ("exit code", [f"{code} (--strict)" if strict else str(code)])]
