"""The result of a check as text: a table of classes, and what differs, the most severe first."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from stepcheck.guard.comparison.check_result import CheckResult
from stepcheck.guard.comparison.difference import Difference
from stepcheck.guard.comparison.grouped import DifferenceGroup
from stepcheck.guard.corpus.cell_spec import CHECKPOINT, VARIANTS
from stepcheck.report.guard.check_view import MARKS, check_table, headline, meanings, sections, worst_case
from stepcheck.report.guard.environment_text import environment_line, machine_warning
from stepcheck.report.wording import WIDTH, plural, thousands

_SHOWN = 8
"""Differences of numbers, and of the API, that are shown of one class without --verbose."""
_TOTAL = "everything"


def render(result: CheckResult, policies: Sequence[str], *, verbose: bool = False) -> str:
    """Return the whole report."""
    parts = [
        f"recorded under  {environment_line(result.old)}\nchecked under   {environment_line(result.new)}",
        machine_warning(result),
        table(result.differences),
        "\n".join(line for name, claim in meanings(result.differences) for line in _wrapped(f"{name}: {claim}")),
        *details(result.differences, verbose=verbose),
        accepted(result.differences),
        verdict(result, policies),
    ]
    return "\n\n".join(part for part in parts if part)


def table(differences: Sequence[Difference]) -> str:
    """Return how many cells of each class there are, a row a target and a column a class."""
    view = check_table(differences)
    first = max(len(name) for name in (_TOTAL, *view.rows))
    total = view.entries(view.total)
    widths = [max(len(head), len(count)) for head, count in zip(view.heads, total, strict=True)]

    def line(name: str, entries: Iterable[str]) -> str:
        return "  ".join((f"{name:<{first}}", *(f"{e:>{w}}" for e, w in zip(entries, widths, strict=True)))).rstrip()

    return "\n".join(
        [
            line("cells", view.heads),
            "─" * (first + sum(width + 2 for width in widths)),
            *(line(name, view.entries(row)) for name, row in view.rows.items()),
            line(_TOTAL, total),
        ]
    )


def details(differences: Sequence[Difference], *, verbose: bool = False) -> list[str]:
    """Return what differs, one part a target."""
    parts = []
    for name, groups in sections(differences).items():
        shown = groups if verbose else _first_of_each(groups)
        lines = [name, *(line for group in shown for line in group_lines(group))]
        if len(shown) < len(groups):
            lines.append(f"  and {plural(len(groups) - len(shown), 'more difference')}; --verbose shows all")
        parts.append("\n".join(lines))
    return parts


def _first_of_each(groups: Sequence[DifferenceGroup]) -> list[DifferenceGroup]:
    """Return the first differences of numbers and the first of the API, in their order."""
    left = {False: _SHOWN, True: _SHOWN}
    shown = []
    for group in groups:
        if left[group.point.api]:
            left[group.point.api] -= 1
            shown.append(group)
    return shown


def group_lines(group: DifferenceGroup) -> list[str]:
    """Return the lines of one group: which cells, how they differ, and the worst case."""
    lines = _wrapped(f"{MARKS[group.change]} {group.where}: {headline(group)}", "  ")
    if worst := worst_case(group):
        where = "" if len(group.cells) == 1 else f"worst in {group.worst.cell}: "
        lines += _wrapped(where + worst, "    ")
    return lines


def accepted(differences: Iterable[Difference]) -> str:
    """Return what was accepted, a line a reason."""
    reasons: dict[str, list[str]] = {}
    for entry in differences:
        if entry.accepted:
            reasons.setdefault(entry.accepted, []).append(entry.cell)
    lines = []
    for reason, cells in reasons.items():
        more = f" and {plural(len(cells) - 1, 'more cell')}" if len(cells) > 1 else ""
        lines += textwrap.wrap(f"accepted: {cells[0]}{more}: {reason}", WIDTH, subsequent_indent="  ")
    return "\n".join(lines)


def verdict(result: CheckResult, policies: Sequence[str]) -> str:
    """Return the last lines: how many numbers were compared, what fails, and the exit code."""
    compared = sum(entry.compared for entry in result.differences)
    differing = sum(entry.differing for entry in result.differences)
    lines = [f"compared   {thousands(compared)} numbers, of which {thousands(differing)} differ"]
    if result.unchecked:
        devices = ", ".join(dict.fromkeys(_device_of(name) for name in result.unchecked))
        lines.append(
            f"unchecked  {plural(len(result.unchecked), 'cell')} on {devices}, which this machine does not have"
        )
    lines.append(f"fails on   {', '.join(policies)}: {failing_count(result, policies) or 'nothing fails'}")
    lines.append(f"exit code  {result.exit_code(policies)}")
    return "\n".join(lines)


def failing_count(result: CheckResult, policies: Sequence[str], of: str = "") -> str:
    """Return "1 cell fails" or "2 cells fail", "" where none does; ``of`` follows the cells."""
    count = len(result.failing(policies))
    return f"{plural(count, 'cell')}{of} fail{'s' if count == 1 else ''}" if count else ""


def _device_of(cell: str) -> str:
    """Return the device in a cell's name."""
    return cell.removesuffix(f" {CHECKPOINT}").removesuffix(f" {VARIANTS}").rpartition(" ")[2]


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_long_words=False)
