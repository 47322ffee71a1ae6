"""A library's certificate as text: one row a class and mode, what breaks grouped by class, on a page or two."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence

from stepcheck.certification.certificate import CellResult, Certificate, Failure
from stepcheck.report.text import (
    Row,
    compared_rows,
    default_rows,
    legend,
    mark,
    measured,
    observability_rows,
    reason_rows,
    run_rows,
    verdict_rows,
)
from stepcheck.report.wording import (
    MARKS,
    class_name,
    describe_cells,
    error_size,
    format_ratio,
    plural,
    row,
    verdict_name,
    wrap,
)
from stepcheck_implementations.adapters.adapter import MODES
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.scripts.trajectory import FAULTS
from stepcheck_reference.verdict import NO_CLAIM, Verdict, overall

_REASON = 75
"""Letters of a reason that the summary shows."""
_BEGINNING = 290
"""Letters of an explanation's first two sentences, beyond which the first stands alone."""
_MORE = "the whole of each, with its worst element, a replay token and a program: --verbose, --json or --html PATH"


def render(certificate: Certificate, *, strict: bool = False) -> str:
    """Return the whole report."""
    cells = certificate.cells
    parts = [table(certificate), summary(certificate, strict=strict), findings(cells), failures(cells)]
    return "\n\n".join(part for part in parts if part)


def table(certificate: Certificate) -> str:
    """Return one row a class and mode, one column a dtype, each the worst of its configurations; a table a device.

    Rows in which nothing was run are left out; the summary says why.
    """
    cells = certificate.cells
    devices = dict.fromkeys(cell.device for cell in cells)
    parts = [_device_table(device, [cell for cell in cells if cell.device == device]) for device in devices]
    told = legend(cells)
    told += wrap("each entry is the worst of a class's configurations; --verbose shows a table of each class")
    return "\n\n".join([*parts, "\n".join(told)])


def _device_table(device: str, cells: list[CellResult]) -> str:
    dtypes = [dtype for dtype in FORMATS if any(cell.dtype == dtype for cell in cells)]
    names = list(dict.fromkeys(class_name(cell) for cell in cells))
    rows: list[tuple[str, str, list[str]]] = []
    for name in names:
        inside = [cell for cell in cells if class_name(cell) == name]
        there = [mode for mode in MODES if any(cell.mode == mode and cell.verdict not in NO_CLAIM for cell in inside)]
        if not there:
            verdicts = {cell.verdict for cell in inside}
            rows.append((name, " and ".join(verdict_name(verdict) for verdict in NO_CLAIM if verdict in verdicts), []))
        for mode in there:
            entries = [[cell for cell in inside if (cell.mode, cell.dtype) == (mode, dtype)] for dtype in dtypes]
            rows.append((name if mode == there[0] else "", mode, [worst_mark(entry) for entry in entries]))
    first = max(len(device), *(len(name) for name in names))
    second = max((len(mode) for _, mode, entries in rows if entries), default=0)
    widths = [
        max([len(dtype), *(len(entries[n]) for _, _, entries in rows if entries)]) for n, dtype in enumerate(dtypes)
    ]

    def line(name: str, mode: str, entries: Iterable[str]) -> str:
        columns = (f"{entry:<{width}}" for entry, width in zip(entries, widths, strict=False))
        return "  ".join((f"{name:<{first}}", f"{mode:<{second}}", *columns)).rstrip()

    head = line(device, "", dtypes)
    ruled = "─" * len(line(device, "", ["x" * width for width in widths]))
    return "\n".join([head, ruled, *(line(*entry) for entry in rows)])


def worst_mark(cells: Sequence[CellResult]) -> str:
    """Return the mark of the cell that says most against the class; "" where there is none."""
    if not cells:
        return ""
    verdict = overall(cell.verdict for cell in cells)
    return mark(max((cell for cell in cells if cell.verdict is verdict), key=_badness))


def _badness(cell: CellResult) -> float:
    """Return inf where the subject did not finish, else the largest error in radii."""
    unfinished = any(failure.fault in FAULTS for failure in cell.failures)
    return math.inf if unfinished else measured(cell)


def summary(certificate: Certificate, *, strict: bool = False) -> str:
    """Return the verdict, the classes by their verdict, and what it rests on."""
    cells = certificate.cells
    ran = [cell for cell in cells if cell.scripts]
    verdict, *rest = verdict_rows(certificate)
    rules = dict.fromkeys(cell.rule for cell in ran)
    rows = [verdict, *_class_rows(cells), *rest]
    rows.append(
        ("rules", f"each configuration is held to its own, {plural(len(rules), 'rule')} in all; JSON names them")
    )
    rows += default_rows(certificate) + compared_rows(certificate) + _worst_rows(ran) + observability_rows(ran)
    rows += _reason_rows(cells) + run_rows(certificate, strict=strict)
    return "\n".join(line for name, text in rows for line in row(name, text))


def _class_rows(cells: Sequence[CellResult]) -> list[Row]:
    inside: dict[str, list[CellResult]] = {}
    for cell in cells:
        inside.setdefault(class_name(cell), []).append(cell)
    classes: dict[Verdict, list[str]] = {}
    for name, held in inside.items():
        classes.setdefault(overall(cell.verdict for cell in held), []).append(name)
    found = [(verdict, classes[verdict]) for verdict in MARKS if verdict in classes]
    return [
        ("classes" if not n else "", f"{verdict_name(verdict)}: {', '.join(names)}")
        for n, (verdict, names) in enumerate(found)
    ]


def _worst_rows(ran: Sequence[CellResult]) -> list[Row]:
    parameters = [(float(cell.worst["theta"].ratio), "parameters", cell.id) for cell in ran if "theta" in cell.worst]
    zeros = [(cell.worst_from_zero, cell.id) for cell in ran]
    updates = [(float(worst.ratio), "updates from θ = 0", where) for worst, where in zeros if worst is not None]
    states = [
        (float(worst.ratio), f"state {name}", cell.id)
        for cell in ran
        for name, worst in cell.worst.items()
        if name != "theta"
    ]
    told = [max(entries) for entries in (parameters, updates, states) if entries]
    return [
        ("worst ratio" if not n else "", f"{what} {format_ratio(value)}, in {where}")
        for n, (value, what, where) in enumerate(told)
    ]


def _reason_rows(cells: Sequence[CellResult]) -> list[Row]:
    """Return why cells were not judged, by mode: the reason that most of them have."""
    rows = reason_rows([cell for cell in cells if cell.verdict is Verdict.VACUOUS])
    for verdict in NO_CLAIM:
        silent = [cell for cell in cells if cell.verdict is verdict]
        for n, mode in enumerate(dict.fromkeys(cell.mode for cell in silent)):
            inside = [cell for cell in silent if cell.mode == mode]
            reasons = Counter(cell.reason for cell in inside).most_common()
            text = (
                f"{mode}, {plural(len(inside), 'cell')}: {textwrap.shorten(reasons[0][0], _REASON, placeholder=' …')}"
            )
            more = f" (and {plural(len(reasons) - 1, 'other reason')})" if len(reasons) > 1 else ""
            rows.append((verdict_name(verdict) if not n else "", text + more))
    return rows


def findings(cells: Sequence[CellResult]) -> str:
    """Return the known findings that break here, those with one cause together, and those that no longer do."""
    groups: dict[str, list[tuple[CellResult, Failure]]] = {}
    for cell in cells:
        for entry in cell.failures:
            if entry.known_issue:
                groups.setdefault(entry.explanation, []).append((cell, entry))
    parts: list[str] = []
    for explanation, entries in groups.items():
        names = dict.fromkeys(entry.known_issue for _, entry in entries)
        where = list({cell.id: cell for cell, _ in entries}.values())
        _, shown = max(entries, key=_severity)
        lines = wrap(f"! {', '.join(names)}: {_short(where, cells)}, worst {_worst(shown)}")
        parts.append("\n".join([*lines, *wrap(_beginning(explanation), "  ", hang=0)]))
    if parts:
        known = len({entry.known_issue for entries in groups.values() for _, entry in entries})
        head = f"{plural(known, 'known finding')} in this release, each cell examined around it:"
        parts = ["\n".join([head, *parts, *wrap(_MORE)])]
    for name in dict.fromkeys(name for cell in cells for name in cell.fixed_upstream):
        where = [cell for cell in cells if name in cell.fixed_upstream]
        told = f"fixed upstream: known finding {name} no longer breaks ({describe_cells(where, cells)})"
        parts.append("\n".join(wrap(told)))
    return "\n\n".join(parts)


def failures(cells: Sequence[CellResult]) -> str:
    """Return what no known finding covers: of each class, law and output the worst, and where else it is so."""
    groups: dict[tuple[str, str, str], list[tuple[CellResult, Failure]]] = {}
    for cell in cells:
        for entry in cell.failures:
            if not entry.known_issue:
                output = entry.worst.output if entry.worst else entry.fault
                groups.setdefault((class_name(cell), entry.code, output), []).append((cell, entry))
    parts = []
    for (name, code, output), entries in groups.items():
        where = list({cell.id: cell for cell, _ in entries}.values())
        there = [cell for cell in cells if class_name(cell) == name]
        _, shown = max(entries, key=_severity)
        lines = wrap(f"✗ {name}: {code} {shown.title}, broken in {output}, in {describe_cells(where, there)}")
        lines += wrap(f"worst: {shown.message}", "  ")
        parts.append("\n".join([*lines, f"  replay: python -m stepcheck replay {shown.token}"]))
    if parts:
        parts.append(
            "\n".join(wrap("every failure, each with a program that needs only torch: --verbose, --json or --out"))
        )
    return "\n\n".join(parts)


def _short(cells: Sequence[CellResult], everything: Sequence[CellResult]) -> str:
    """Return where ``cells`` are: classes, modes and dtypes, without what is everywhere."""
    parts = [plural(len(cells), "cell")]
    for values, whole in (
        ([class_name(cell) for cell in cells], [class_name(cell) for cell in everything]),
        ([cell.mode for cell in cells], [cell.mode for cell in everything]),
        ([cell.dtype for cell in cells], [cell.dtype for cell in everything if cell.verdict not in NO_CLAIM]),
    ):
        if set(values) != set(whole):
            parts.append("/".join(dict.fromkeys(values)))
    return " ".join(parts)


def _worst(failure: Failure) -> str:
    if failure.worst is None:
        return failure.fault
    observed = str(failure.worst.observed)
    told = observed if observed == "nan" else error_size(failure.worst)
    return f"{failure.worst.output} {told}".rstrip()


def _beginning(text: str) -> str:
    """Return the first two sentences of ``text``."""
    first, stop, rest = text.partition(". ")
    second = rest.partition(". ")[0].rstrip(".")
    return f"{first}. {second}." if stop and len(first) + len(second) < _BEGINNING else f"{first.rstrip('.')}."


def _severity(pair: tuple[CellResult, Failure]) -> float:
    return float(pair[1].worst.ratio) if pair[1].worst else math.inf
