"""A certificate as text: a table of cells, a summary, known findings, and every failure."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence

from stepcheck.certification.certificate import CellResult, Certificate, Failure, Matched, Worst
from stepcheck.report.wording import (
    MARKS,
    class_name,
    describe_cells,
    format_ratio,
    plural,
    row,
    thousands,
    verdict_name,
    wrap,
)
from stepcheck_implementations.adapters.adapter import MODES
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.scripts.trajectory import FAULTS
from stepcheck_reference.verdict import MEANINGS, NO_CLAIM, Verdict, exit_code, overall

Row = tuple[str, str]
"""A row of the summary: its name, "" where it goes on, and its text."""


def render(certificate: Certificate, *, strict: bool = False, verbose: bool = False) -> str:
    """Return the whole report; a library's is one row a class and mode unless ``verbose``."""
    if certificate.of_library and not verbose:
        from stepcheck.report import library

        return library.render(certificate, strict=strict)
    parts = [table(certificate.cells), summary(certificate, strict=strict)]
    known = findings(certificate.cells)
    if known:
        parts.append(known)
    broken = failures(certificate.cells)
    if broken:
        parts.append(broken)
    return "\n\n".join(part for part in parts if part)


def table(cells: Sequence[CellResult]) -> str:
    """Return one row a configuration and mode, one column a dtype; a table a class and device."""
    several = len({cell.target for cell in cells}) > 1
    tables: dict[str, list[CellResult]] = {}
    for cell in cells:
        tables.setdefault(f"{class_name(cell)} {cell.device}" if several else cell.device, []).append(cell)
    parts = [_one_table(name, inside) for name, inside in tables.items()]
    return "\n\n".join([*parts, "\n".join(legend(cells))]) if several else "\n".join([*parts, *legend(cells)])


def _one_table(name: str, cells: list[CellResult]) -> str:
    dtypes = [dtype for dtype in FORMATS if any(cell.dtype == dtype for cell in cells)]
    at = {(cell.configuration, cell.mode, cell.dtype): cell for cell in cells}
    first = max(len(name), *(2 + len(cell.mode) for cell in cells))
    widths = [max(len(dtype), *(len(mark(cell)) for cell in cells if cell.dtype == dtype)) for dtype in dtypes]

    def line(name: str, entries: Iterable[str]) -> str:
        columns = (f"{entry:<{width}}" for entry, width in zip(entries, widths, strict=True))
        return "  ".join((f"{name:<{first}}", *columns)).rstrip()

    lines = [line(name, dtypes), "─" * len(line(name, ["x" * width for width in widths]))]
    for configuration in dict.fromkeys(cell.configuration for cell in cells):
        inside = [cell for cell in cells if cell.configuration == configuration]
        held = next((cell.rule for cell in inside if cell.rule), "")
        lines.append(f"{configuration}: {held}" if held else configuration)
        for mode in [mode for mode in MODES if any(cell.mode == mode for cell in inside)]:
            entries = [at.get((configuration, mode, dtype)) for dtype in dtypes]
            lines.append(line(f"  {mode}", (mark(cell) if cell else "" for cell in entries)))
    return "\n".join(lines)


def legend(cells: Sequence[CellResult]) -> list[str]:
    """Return what the marks of ``cells`` mean."""
    seen = {cell.verdict for cell in cells}
    marks = ", ".join(f"{MARKS[verdict]} {verdict_name(verdict)}" for verdict in MARKS if verdict in seen)
    codes = any(code in mark(cell) for cell in cells for code in broken(cell))
    law = ", a code a law that is broken while errors stay inside" if codes else ""
    return wrap(f"{marks}; a number is the worst error in radii, 1 is the envelope's edge{law}")


def mark(cell: CellResult) -> str:
    """Return a cell of the table, as in "✓ 0.983", "✗ nan", "✗ crashed" or "✗ SC203".

    Laws that ask for equal bits, or of what is no number, have no radius: where they alone are broken, the mark says
    which, and the number is left to cells with an error outside the envelope.
    """
    sign = MARKS[cell.verdict]
    if cell.verdict in (Verdict.NOT_APPLICABLE, Verdict.NOT_RUN, Verdict.VACUOUS):
        return sign
    faults = [failure.fault for failure in cell.failures if failure.fault in FAULTS]
    if faults:
        return f"{sign} {faults[0]}"
    if any(failure.worst and str(failure.worst.observed) == "nan" for failure in cell.failures):
        return f"{sign} nan"
    codes, worst = broken(cell), measured(cell)
    if codes and worst <= 1.0:
        return f"{sign} {codes[0]}{f' +{len(codes) - 1}' if len(codes) > 1 else ''}"
    return f"{sign} {format_ratio(worst)}" if worst >= 0 else sign


def broken(cell: CellResult) -> tuple[str, ...]:
    """Return the codes of the laws that ``cell`` breaks; those of known findings only where there are no others."""
    new = [failure for failure in cell.failures if not failure.known_issue]
    return tuple(dict.fromkeys(failure.code for failure in new or cell.failures))


def measured(cell: CellResult) -> float:
    """Return the largest error of ``cell`` that a radius measures, in radii; -1 where there is none."""
    shown = [*cell.worst.values(), *(failure.worst for failure in cell.failures if failure.worst)]
    return max((float(entry.ratio) for entry in shown if math.isfinite(float(entry.ratio))), default=-1.0)


def summary(certificate: Certificate, *, strict: bool = False) -> str:
    """Return the verdict and what it rests on."""
    return "\n".join(line for name, text in summary_rows(certificate, strict=strict) for line in row(name, text))


def summary_rows(certificate: Certificate, *, strict: bool = False) -> list[Row]:
    """Return the verdict and what it rests on, row by row."""
    found, cells = certificate.findings, certificate.cells
    ran = [cell for cell in cells if cell.scripts]
    rows = verdict_rows(certificate)
    rows.append(("rule", f"{found.target} is held to {found.rule}"))
    rows += matched_rows(found.matched) if found.matched else []
    rows += default_rows(certificate)
    rows += compared_rows(certificate)
    rows += _worst_rows(ran)
    rows += observability_rows(ran)
    sources = {cell.arithmetic: cell.arithmetic_source for cell in ran if cell.arithmetic}
    rows += [("arithmetic" if not n else "", f"{name}: {source}") for n, (name, source) in enumerate(sources.items())]
    for inferred in dict.fromkeys(cell.inferred for cell in ran if cell.inferred):
        where = [cell for cell in ran if cell.inferred == inferred]
        rows.append(("inferred", f"{inferred} ({describe_cells(where, cells)})"))
    return rows + reason_rows(cells) + run_rows(certificate, strict=strict)


def verdict_rows(certificate: Certificate) -> list[Row]:
    """Return the verdict, and how many cells have which."""
    found, cells = certificate.findings, certificate.cells
    counts = Counter(cell.verdict for cell in cells)
    tally = ", ".join(f"{counts[verdict]} {verdict_name(verdict)}" for verdict in MARKS if counts[verdict])
    rows = [("verdict", f"{verdict_name(found.verdict)}: {MEANINGS[found.verdict]}")]
    if found.unfinished:
        rows.append(("interrupted", f"{found.unfinished} cells are missing; the verdict is on the others alone"))
    rows.append(("cells", tally or "none"))
    rows += law_rows(cells)
    if found.without_rule:
        rows.append(("no rule yet", f"{', '.join(found.without_rule)}: nothing is said of them"))
    return rows


def law_rows(cells: Iterable[CellResult]) -> list[Row]:
    """Return how many laws hold wherever they apply, which do not, and how many apply nowhere."""
    verdicts: dict[str, set[Verdict]] = {}
    for cell in cells:
        for result in cell.laws:
            verdicts.setdefault(result.code, set()).add(result.verdict)
    worst = {code: overall(there - {*NO_CLAIM}) for code, there in sorted(verdicts.items())}
    applied = {code: verdict for code, verdict in worst.items() if not verdicts[code] <= {*NO_CLAIM}}
    if not applied:
        return []
    held = [code for code, verdict in applied.items() if verdict is Verdict.HOLDS]
    parts = [f"{plural(len(held), 'law')} of {len(worst)} {'holds' if len(held) == 1 else 'hold'} wherever they apply"]
    for verdict in MARKS:
        codes = [code for code, found in applied.items() if found is verdict]
        if codes and verdict is not Verdict.HOLDS:
            parts.append(f"{verdict_name(verdict)} {', '.join(codes)}")
    if nowhere := len(worst) - len(applied):
        parts.append(f"{nowhere} apply to nothing here")
    if any(Verdict.NOT_RUN in there for there in verdicts.values()):
        parts.append("those that do not turn on number formats were asked in one dtype of each configuration and mode")
    return [("laws", "; ".join(parts))]


def matched_rows(matched: Matched) -> list[Row]:
    """Return what a target without an adapter was understood to mean by its names and values."""
    hyper = ", ".join(f"{name}={slot}" for name, slot in matched.hyper.items())
    held = ", ".join(f"{name}={value:g}" for name, value in matched.held.items())
    parts = [hyper, f"held: {held}" if held else ""]
    if matched.constant:
        parts.append(f"{', '.join(matched.constant)} as constructed, because nothing shows where to change it")
    rows = [("matched", "; ".join(part for part in parts if part))] if any(parts) else []
    states = ", ".join(f"{name}={place}" for name, place in matched.states.items())
    unseen = f"{', '.join(matched.unmapped)} not found by name or value (see --map)" if matched.unmapped else ""
    told = "; ".join(part for part in (states, unseen, matched.unseen) if part)
    return [*rows, ("state", told)] if told else rows


def default_rows(certificate: Certificate) -> list[Row]:
    """Return where constructors depart from what their rules' sources recommend."""
    told: dict[str, list[str]] = {}
    for entry in certificate.findings.defaults:
        name = entry.target.rpartition(":")[2].rpartition(".")[2]
        told.setdefault(name, []).append(f"{entry.name}={entry.default:g} ({entry.recommended:g})")
    if not told:
        return []
    parts = "; ".join(f"{name} {', '.join(entries)}" for name, entries in told.items())
    return [("defaults", f"not those of the rule's source, which are in brackets: {parts}")]


def compared_rows(certificate: Certificate) -> list[Row]:
    """Return how much was compared, and what was not."""
    cells = certificate.cells
    steps, scripts = sum(cell.element_steps for cell in cells), sum(cell.scripts for cell in cells)
    compared = f"{thousands(certificate.compared)} of {thousands(steps)} element-steps in {thousands(scripts)} scripts"
    rows = [("compared", compared)]
    missing: Counter[str] = Counter()
    for cell in cells:
        missing.update(cell.not_compared)
    if missing:
        rows.append(("not compared", "; ".join(f"{thousands(n)} {reason}" for reason, n in missing.most_common())))
    nonfinite = sum(cell.admissible_nonfinite for cell in cells)
    if nonfinite:
        rows.append(("non-finite", f"{thousands(nonfinite)} values that the envelope admits"))
    return rows


def observability_rows(ran: Iterable[CellResult]) -> list[Row]:
    """Return how much of the state was seen, in how many cells."""
    seen = Counter(cell.observability for cell in ran if cell.compared)
    told = ", ".join(f"{name} ({plural(number, 'cell')})" for name, number in seen.most_common())
    return [("observability", told)] if seen else []


def reason_rows(cells: Sequence[CellResult], *, width: int | None = None) -> list[Row]:
    """Return why cells were not judged, each reason in at most ``width`` letters."""
    rows = []
    for verdict in (Verdict.VACUOUS, Verdict.NOT_APPLICABLE, Verdict.NOT_RUN):
        reasons: dict[str, list[CellResult]] = {}
        for cell in cells:
            if cell.verdict is verdict:
                text = cell.reason if width is None else textwrap.shorten(cell.reason, width, placeholder=" …")
                reasons.setdefault(text, []).append(cell)
        for n, (reason, where) in enumerate(reasons.items()):
            rows.append((verdict_name(verdict) if not n else "", f"{reason} ({describe_cells(where, cells)})"))
    return rows


def run_rows(certificate: Certificate, *, strict: bool) -> list[Row]:
    """Return what was asked, how long it took, what with, and the exit code."""
    found, run = certificate.findings, certificate.run
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    asked = f"profile {found.profile}, seed {found.seed}"
    rows = [("run", f"{run.seconds:.1f} s, {plural(run.jobs, 'job')}, {asked}; {versions}")]
    if run.stopped and not run.interrupted:
        return [*rows, ("stopped", run.stopped)]
    code = 130 if run.interrupted else exit_code(found.verdict, strict=strict)
    return [*rows, ("exit code", f"{code} (--strict)" if strict else str(code))]


def _worst_rows(cells: Iterable[CellResult]) -> list[Row]:
    outputs: dict[str, tuple[float, str]] = {}
    zero: tuple[float, str] | None = None
    for cell in cells:
        for output, worst in cell.worst.items():
            outputs[output] = max(outputs.get(output, (-1.0, "")), (float(worst.ratio), cell.id))
        if cell.worst_from_zero is not None:
            zero = max(zero or (-1.0, ""), (float(cell.worst_from_zero.ratio), cell.id))
    rows: list[Row] = []
    if "theta" in outputs:
        rows.append(("worst ratio", f"parameters {format_ratio(outputs['theta'][0])}, in {outputs['theta'][1]}"))
    if zero is not None:
        rows.append(("", f"updates from θ = 0 {format_ratio(zero[0])}, in {zero[1]}"))
    for output, (value, where) in outputs.items():
        if output != "theta":
            rows.append(("" if rows else "worst ratio", f"state {output} {format_ratio(value)}, in {where}"))
    return rows


def findings(cells: Sequence[CellResult]) -> str:
    """Return the known findings that break here, each with its explanation, and those that no longer do."""
    groups: dict[str, list[tuple[CellResult, Failure]]] = {}
    for cell in cells:
        for entry in cell.failures:
            if entry.known_issue:
                groups.setdefault(entry.known_issue, []).append((cell, entry))
    parts: list[str] = []
    for name, entries in groups.items():
        where = list({cell.id: cell for cell, _ in entries}.values())
        worst = max(entries, key=lambda pair: float(pair[1].worst.ratio) if pair[1].worst else float("inf"))
        lines = wrap(f"! known finding {name}, in {describe_cells(where, cells)}")
        lines += wrap(worst[1].explanation, "  ")
        lines += wrap(f"worst: {worst[1].message}", "  ")
        lines += [f"  replay: python -m stepcheck replay {worst[1].token}"]
        parts.append("\n".join(lines))
    for name in dict.fromkeys(name for cell in cells for name in cell.fixed_upstream):
        where = [cell for cell in cells if name in cell.fixed_upstream]
        parts.append(
            "\n".join(wrap(f"fixed upstream: known finding {name} no longer breaks ({describe_cells(where, cells)})"))
        )
    return "\n\n".join(parts)


def failures(cells: Sequence[CellResult]) -> str:
    """Return every failure that no known finding covers.

    Failures of one law, output and mode are one group: the one with the shortest program in full, the
    others as a message and a replay token each.
    """
    groups: dict[tuple[str, ...], list[tuple[CellResult, Failure]]] = {}
    for cell in cells:
        for entry in cell.failures:
            if not entry.known_issue:
                output = entry.worst.output if entry.worst else entry.fault
                groups.setdefault((entry.code, output, cell.mode), []).append((cell, entry))
    parts: list[str] = []
    for entries in groups.values():
        cell, shown = min(entries, key=lambda pair: len(pair[1].standalone))
        text = render_failure(shown, cell.id)
        others = [pair for pair in entries if pair[1] is not shown]
        if others:
            text += f"\n  the same in {len(others)} more:"
            for _, entry in others:
                text += "\n" + "\n".join(wrap(entry.message, "    "))
                text += f"\n      python -m stepcheck replay {entry.token}"
        parts.append(text)
    return "\n\n".join(parts)


def render_failure(entry: Failure, cell: str) -> str:
    """Return one failure in full."""
    lines = [*wrap(f"✗ {entry.code} {entry.title}, in {cell}", hang=4), *wrap(entry.message, "  ")]
    if entry.worst is not None:
        lines += _worst(entry.worst)
    lines += [f"  rule      {entry.rule}"]
    if entry.known_issue:
        lines += [f"  finding   {entry.known_issue}", *wrap(entry.explanation, "            ")]
    lines += [f"  script    {shape(entry.script)}", f"  replay    python -m stepcheck replay {entry.token}"]
    lines += ["  standalone script, needs only torch:"]
    lines += [f"    | {line}".rstrip() for line in entry.standalone.rstrip().splitlines()]
    return "\n".join(lines)


def _worst(worst: Worst) -> list[str]:
    inputs = " ".join(f"{name}={value!r}" for name, value in worst.inputs.items())
    return [
        *wrap(f"inputs    {inputs}", "  ", hang=10),
        f"  observed  {worst.observed!r}",
        f"  expected  {worst.expected!r} ± {worst.radius!r}",
        f"  ratio     {format_ratio(worst.ratio)} radii",
    ]


def shape(script: dict[str, object]) -> str:
    """Return a script's size in words, as in "1 tensor (2, 3), 1 group, 2 steps"."""
    tensors, groups, steps = script["tensors"], script["groups"], script["steps"]
    assert isinstance(tensors, list)
    assert isinstance(groups, list)
    assert isinstance(steps, list)
    shapes = ", ".join(str(tuple(tensor["shape"])) for tensor in tensors[:4]) + (", …" if len(tensors) > 4 else "")
    return f"{plural(len(tensors), 'tensor')} {shapes}, {plural(len(groups), 'group')}, {plural(len(steps), 'step')}"
