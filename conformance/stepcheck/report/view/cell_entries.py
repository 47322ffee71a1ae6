"""Entries of the summary about cells: laws, classes, worst ratios, what was observed and how, and reasons."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence, Set

from stepcheck.certification.certificate import CellResult, Certificate
from stepcheck.report.wording import MARKS, class_name, describe_cells, format_ratio, plural, verdict_name
from stepcheck_reference.verdict import NO_CLAIM, Verdict, overall

_REASON_LENGTH = 75
"""Characters of a reason that a library's summary shows."""


def laws(cells: Iterable[CellResult], ignored: Set[str] = frozenset()) -> list[str]:
    """Return how many laws hold in every cell that they apply to, which do not, and how many apply to none.

    Those that are ``ignored`` do not count.
    """
    verdicts: dict[str, set[Verdict]] = {}
    for cell in cells:
        for result in cell.laws:
            if result.code in ignored:
                continue
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


def classes(cells: Sequence[CellResult]) -> list[str]:
    """Return the classes of each verdict."""
    by_class: dict[str, set[Verdict]] = {}
    for cell in cells:
        by_class.setdefault(class_name(cell), set()).add(cell.verdict)
    by_verdict: dict[Verdict, list[str]] = {}
    for name, verdicts in by_class.items():
        by_verdict.setdefault(overall(verdicts), []).append(name)
    return [f"{verdict_name(verdict)}: {', '.join(by_verdict[verdict])}" for verdict in MARKS if verdict in by_verdict]


def worst_ratios(cells: Iterable[CellResult], *, concise: bool = False) -> list[str]:
    """Return the largest error of the parameters, of updates from θ = 0, and of each state, with its cell.

    ``concise``, they are one entry, without the cells.
    """
    worst: dict[str, tuple[float, str]] = {"theta": (-1.0, ""), "zero": (-1.0, "")}
    for cell in cells:
        outputs = {**cell.worst, **({"zero": cell.worst_from_zero} if cell.worst_from_zero is not None else {})}
        for output, element in outputs.items():
            worst[output] = max(worst.get(output, (-1.0, "")), (float(element.ratio), cell.id))
    names = {"theta": "parameters", "zero": "updates from θ = 0"}
    if concise:
        found = [f"{names.get(name, name)} {format_ratio(error)}" for name, (error, where) in worst.items() if where]
        return [", ".join(found)] if found else []
    return [
        f"{names.get(output, f'state {output}')} {format_ratio(error)}, in {where}"
        for output, (error, where) in worst.items()
        if where
    ]


def worst_ratios_of_library(cells: Sequence[CellResult]) -> list[str]:
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


def observability(ran: Iterable[CellResult]) -> list[str]:
    """Return how much of the state was observed, in how many cells."""
    counts = Counter(cell.observability for cell in ran if cell.compared)
    text = ", ".join(f"{name} ({plural(number, 'cell')})" for name, number in counts.most_common())
    return [text] if text else []


def arithmetic(certificate: Certificate, ran: Sequence[CellResult]) -> list[str]:
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


def inferred(ran: Sequence[CellResult], cells: Sequence[CellResult]) -> list[str]:
    """Return the models that were found by trying, and where."""
    models: dict[str, list[CellResult]] = {}
    for cell in ran:
        if cell.inferred:
            models.setdefault(cell.inferred, []).append(cell)
    return [f"{model} ({describe_cells(inside, cells)})" for model, inside in models.items()]


def reasons(cells: Sequence[CellResult], verdict: Verdict) -> list[str]:
    """Return why cells have ``verdict``, and where."""
    reasons: dict[str, list[CellResult]] = {}
    for cell in cells:
        if cell.verdict is verdict:
            reasons.setdefault(cell.reason, []).append(cell)
    return [f"{reason} ({describe_cells(inside, cells)})" for reason, inside in reasons.items()]


def reasons_by_mode(cells: Sequence[CellResult], verdict: Verdict) -> list[str]:
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
