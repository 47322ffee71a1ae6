"""The result of a check as the failure of a test: the most severe differences, how to see all, how to accept them."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence

from stepcheck.guard.comparison.check_result import CheckResult
from stepcheck.guard.comparison.difference import Change, Difference
from stepcheck.guard.comparison.grouped import grouped
from stepcheck.guard.corpus.cell_spec import CHECKPOINT, STEPS
from stepcheck.report.guard.check_text import failing_count, group_lines
from stepcheck.report.guard.check_view import ACCEPTED, SEVERAL, column_of, row_of
from stepcheck.report.guard.environment_text import machine_warning
from stepcheck.report.wording import plural

_SHOWN = 6
"""Differences that are shown."""
_NAMED = 3
"""Patterns up to which failing cells are named in the command that accepts them."""


def failure_message(
    result: CheckResult, policies: Sequence[str], baseline: str, only: Sequence[str] = (), targets: Sequence[str] = ()
) -> str:
    """Return why a test of ``baseline``, named as the test names it, fails."""
    failing = result.failing(policies)
    groups = grouped(failing)
    head = f"{baseline}: {failing_count(result, policies, f' of {len(result.differences)}')} "
    head += f"under torch {result.new['torch']}, recorded under {result.old['torch']} (fails on {', '.join(policies)})"
    by_row: dict[str, list[str]] = {}
    for group in groups[:_SHOWN]:
        row = row_of(group.worst.target) if group.target else SEVERAL
        by_row.setdefault(row, []).extend(group_lines(group))
    parts = [head, machine_warning(result), *("\n".join([row, *lines]) for row, lines in by_row.items())]
    if len(groups) > _SHOWN:
        parts.append(f"and {plural(len(groups) - _SHOWN, 'more difference')}")
    selected = "".join(f" --target {shlex.quote(target)}" for target in targets)
    selected += "".join(f" --only {shlex.quote(pattern)}" for pattern in only)
    command = f"python -m stepcheck guard check {shlex.quote(baseline)}"
    accept = "".join(f" --accept {shlex.quote(pattern)}" for pattern in accept_patterns(failing))
    failing_on = "" if tuple(policies) == ("changed",) else f" --fail-on {','.join(policies)}"
    parts.append(f"see all    {command}{selected}{failing_on}\naccept it  {command}{selected}{accept} --reason 'WHY'")
    return "\n\n".join(part for part in parts if part)


def accept_patterns(failing: Iterable[Difference]) -> list[str]:
    """Return patterns that match the cells in ``failing``: their names, their classes, or one for everything."""
    cells = list(failing)
    if len(cells) <= _NAMED:
        return [entry.cell for entry in cells]
    patterns = dict.fromkeys(
        entry.cell.partition("[")[0] + "[*" if entry.kind in (STEPS, CHECKPOINT) else entry.cell for entry in cells
    )
    return list(patterns) if len(patterns) <= _NAMED else ["*"]


def summary_line(result: CheckResult, baseline: str, only: Sequence[str] = ()) -> str:
    """Return a line about a check: the two releases, and how many cells there are of each class."""
    counts = Counter(column_of(entry) for entry in result.differences)
    counts["unchecked"] = len(result.unchecked)
    counted = ", ".join(f"{counts[name]} {name}" for name in (*Change, ACCEPTED, "unchecked") if counts[name])
    where = f"{baseline} ({', '.join(only)})" if only else baseline
    return f"{where}: torch {result.old['torch']} → {result.new['torch']}, {counted}"
