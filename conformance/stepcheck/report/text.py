"""A certificate as text: a table of cells, a summary, known issues, and what fails, one cause after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stepcheck.certification.certificate import CellResult, Certificate
from stepcheck.report.failure_text import failure_group, render_causes
from stepcheck.report.view.cell_tables import CellTable, ClassTable, cell_tables, class_tables
from stepcheck.report.view.failure_groups import (
    FailureGroup,
    FixedIssue,
    causes,
    failures,
    failures_by_class,
    fixed_issues,
    known_causes,
    known_issues,
)
from stepcheck.report.view.marks import legend, mark
from stepcheck.report.view.summary_rows import SummaryRow, library_rows, summary_rows
from stepcheck.report.wording import class_name, last_name, plural, wrap

_EXPLANATION_LENGTH = 290
"""Characters of an explanation's first two sentences beyond which a library's report has the first alone."""


def render(certificate: Certificate, *, strict: bool = False, verbose: bool = False) -> str:
    """Return the report: of one class the first failure in full, of a library one row a class and mode.

    ``verbose``, it has everything.
    """
    if certificate.of_library and not verbose:
        return _library(certificate, strict=strict)
    cells = certificate.cells
    parts = [
        *(_tables(cells) if verbose or len(cells) != 1 else []),
        _summary(summary_rows(certificate, strict=strict, concise=not verbose)),
        *(_known_issue(group) for group in known_issues(cells)),
        *map(_fixed_issue, fixed_issues(cells)),
        *(map(failure_group, failures(cells)) if verbose else render_causes(causes(cells))),
    ]
    return "\n\n".join(parts)


def _library(certificate: Certificate, *, strict: bool) -> str:
    """Return a library's report: one row a class and mode, what breaks grouped by class, on a page or two."""
    cells = certificate.cells
    marks = wrap(legend(cells))
    marks += wrap("each entry is the worst of a class's configurations; --verbose shows a table of each class")
    parts = [
        *map(_class_table, class_tables(cells)),
        "\n".join(marks),
        _summary(library_rows(certificate, strict=strict)),
        *_known_causes(known_causes(cells)),
        *map(_fixed_issue, fixed_issues(cells)),
        *_failures_by_class(failures_by_class(cells)),
    ]
    return "\n\n".join(parts)


def _tables(cells: Sequence[CellResult]) -> list[str]:
    """Return a table a class and device, one row a configuration and mode, one column a dtype; and the legend."""
    tables = cell_tables(cells)
    several = len({table.target for table in tables}) > 1
    names = [f"{last_name(table.target)} {table.device}" if several else table.device for table in tables]
    parts = [_cell_table(table, name) for table, name in zip(tables, names, strict=True)]
    marks = "\n".join(wrap(legend(cells)))
    return [f"{parts[0]}\n{marks}"] if len(parts) == 1 else [*parts, marks] if parts else []


def _cell_table(table: CellTable, name: str) -> str:
    rows: list[Sequence[str]] = []
    heading = None
    for row in table.rows:
        if row.heading != heading:
            rows.append([heading := row.heading])
        rows.append([f"  {row.mode}", *(mark(cell) if cell else "" for cell in row.cells)])
    return _aligned([name, *table.dtypes], rows)


def _class_table(table: ClassTable) -> str:
    rows: list[Sequence[str]] = []
    name = ""
    for row in table.rows:
        rows.append(["" if row.name == name else row.name, row.mode, *row.marks])
        name = row.name
    return _aligned([table.device, "", *table.dtypes], rows)


def _aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table with its columns aligned.

    A row with fewer entries than ``head`` widens the first column alone, one with a single entry none.
    """
    full = [head, *(row for row in rows if len(row) == len(head))]
    widths = [max(len(row[column]) for row in full) for column in range(len(head))]
    widths[0] = max(widths[0], *(len(row[0]) for row in rows if len(row) > 1), 0)

    def line(entries: Sequence[str]) -> str:
        return "  ".join(f"{entry:<{width}}" for entry, width in zip(entries, widths, strict=False)).rstrip()

    return "\n".join([line(head), "─" * len("  ".join("x" * width for width in widths)), *map(line, rows)])


def _summary(rows: Iterable[SummaryRow]) -> str:
    lines: list[str] = []
    for row in rows:
        for number, entry in enumerate(row.entries):
            lines += wrap(entry, f"{'' if number else row.name:<15}", indented=" " * 15)
    return "\n".join(lines)


def _known_issue(group: FailureGroup) -> str:
    lines = wrap(f"! known issue {group.issues}, in {group.where}")
    lines += wrap(group.first.failure.explanation, "  ")
    lines += wrap(f"worst: {group.first.failure.message}", "  ")
    return "\n".join([*lines, f"  replay: {group.first.replay_command}"])


def _fixed_issue(issue: FixedIssue) -> str:
    return "\n".join(wrap(f"fixed upstream: known issue {issue.name} no longer occurs ({issue.where})"))


def _known_causes(groups: Sequence[FailureGroup]) -> list[str]:
    """Return a library's known issues, those with one cause together, in a few lines each."""
    if not groups:
        return []
    names = {entry.failure.known_issue for group in groups for entry in group.all}
    head = f"{plural(len(names), 'known issue')} in this release; cells are also checked with inputs that avoid them:"
    parts = wrap(head)
    for group in groups:
        parts += wrap(f"! {group.issues}: {group.where}, worst {_worst(group)}")
        parts += wrap(_beginning(group.first.failure.explanation), "  ", hang=0)
    parts += wrap("the worst element, replay token and program of each: --verbose, --json or --html PATH")
    return ["\n".join(parts)]


def _worst(group: FailureGroup) -> str:
    """Return the worst output and its error, as in "theta 25 radii", "theta nan" or "crashed"."""
    worst = group.first.failure.worst
    is_nan = worst is not None and str(worst.observed) == "nan"
    return f"{group.first.output} {'nan' if is_nan else group.first.size}".rstrip()


def _beginning(text: str) -> str:
    """Return the first two sentences of ``text``, or the first where they are long."""
    first, stop, rest = text.partition(". ")
    second = rest.partition(". ")[0].rstrip(".")
    if stop and len(first) + len(second) < _EXPLANATION_LENGTH:
        return f"{first}. {second}."
    return f"{first.rstrip('.')}."


def _failures_by_class(groups: Sequence[FailureGroup]) -> list[str]:
    """Return a library's failures: of each class, law and output the worst."""
    parts = []
    for group in groups:
        failure = group.first.failure
        name = class_name(group.first.cell)
        lines = wrap(f"✗ {name}: {failure.code} {failure.title}, broken in {group.first.output}, in {group.where}")
        lines += wrap(f"worst: {failure.message}", "  ")
        parts.append("\n".join([*lines, f"  replay: {group.first.replay_command}"]))
    if parts:
        parts.append("\n".join(wrap("every failure with its standalone program: --verbose, --json or --out")))
    return parts
