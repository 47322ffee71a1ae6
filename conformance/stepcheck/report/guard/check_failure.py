"""What a guard's check found, as the failure of a test: the gravest of what fails, how to see all, how to accept it."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence

from stepcheck.guard.comparison.check_result import Checked
from stepcheck.guard.comparison.difference import Change, Difference
from stepcheck.guard.comparison.grouped import alike
from stepcheck.guard.corpus.spec import CHECKPOINT, STEPS
from stepcheck.report.guard.check_text import ACCEPTED, column, details, machines
from stepcheck.report.wording import plural

_SHOWN = 6
"""Ways in which cells differ that are told."""
_NAMED = 3
"""Patterns up to which what fails is named in the command that accepts it."""


def failure(checked: Checked, policies: Sequence[str], baseline: str, only: Sequence[str] = ()) -> str:
    """Return why a test fails that holds this torch to ``baseline``, which stands in the commands as it is given."""
    failing = checked.failing(policies)
    groups = alike(failing)
    rows = f"{plural(len(failing), 'cell')} of {len(checked.differences)}"
    head = f"{baseline}: {rows} fail{'s' if len(failing) == 1 else ''} under torch {checked.new['torch']}"
    parts = [f"{head}, recorded under {checked.old['torch']} (fails on {', '.join(policies)})", machines(checked)]
    parts += details(groups[:_SHOWN], verbose=True)
    if len(groups) > _SHOWN:
        parts.append(f"and {plural(len(groups) - _SHOWN, 'more way')} in which they differ")
    chosen = "".join(f" --only {shlex.quote(pattern)}" for pattern in only)
    command = f"python -m stepcheck guard check {shlex.quote(baseline)}"
    accept = "".join(f" --accept {shlex.quote(pattern)}" for pattern in accepting(failing))
    failing_on = "" if tuple(policies) == ("changed",) else f" --fail-on {','.join(policies)}"
    parts.append(f"see all    {command}{chosen}{failing_on}\naccept it  {command}{chosen}{accept} --reason 'WHY'")
    return "\n\n".join(part for part in parts if part)


def accepting(failing: Iterable[Difference]) -> list[str]:
    """Return patterns that match the cells in ``failing``: their names, their classes, or one of all of them."""
    cells = list(failing)
    if len(cells) <= _NAMED:
        return [entry.cell for entry in cells]
    found = dict.fromkeys(
        entry.cell.partition("[")[0] + "[*" if entry.kind in (STEPS, CHECKPOINT) else entry.cell for entry in cells
    )
    return list(found) if len(found) <= _NAMED else ["*"]


def line(checked: Checked, baseline: str, only: Sequence[str] = ()) -> str:
    """Return a line on the whole check: the two releases, and how many cells there are of each class."""
    counts = Counter(column(entry) for entry in checked.differences)
    counts["unchecked"] = len(checked.unchecked)
    told = ", ".join(f"{counts[name]} {name}" for name in (*Change, ACCEPTED, "unchecked") if counts[name])
    where = f"{baseline} ({', '.join(only)})" if only else baseline
    return f"{where}: torch {checked.old['torch']} → {checked.new['torch']}, {told}"
