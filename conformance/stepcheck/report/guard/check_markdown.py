"""What a guard's check found, as Markdown for a pull request or the page of a GitHub job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from stepcheck.guard.comparison.check_result import Checked
from stepcheck.guard.comparison.difference import CHANGES, Change, Difference
from stepcheck.guard.comparison.grouped import Alike, alike
from stepcheck.report.characters import escape_invisible
from stepcheck.report.guard.check_text import ACCEPTED, MARKS, SEVERAL, column, distance, environment, row_of
from stepcheck.report.markdown import escape, join_within
from stepcheck.report.wording import plural, thousands

_SHOWN = 12
"""Ways in which one class differs that are told."""


def summary(checked: Checked, policies: Sequence[str], *, limit: int | None = None) -> str:
    """Return the summary, of at most ``limit`` bytes in UTF-8 where one is given."""
    failing = checked.failing(policies)
    head = f"## {'✗' if failing else '✓'} torch {checked.old['torch']} → {checked.new['torch']}: "
    head += f"{plural(len(failing), 'cell')} fail{'s' if len(failing) == 1 else ''}" if failing else "nothing fails"
    reals = sum(entry.reals for entry in checked.differences)
    moved = sum(entry.moved for entry in checked.differences)
    told = (
        f"Recorded under {escape(environment(checked.old))}; checked under {escape(environment(checked.new))}. "
        f"{thousands(reals)} numbers compared, {thousands(moved)} moved; fails on {', '.join(policies)}."
    )
    parts = [head, told, table(checked.differences), meanings(checked.differences)]
    parts += details(alike(checked.differences))
    return join_within([escape_invisible(part) for part in parts if part], limit)


def table(differences: Sequence[Difference]) -> str:
    """Return how many cells of each class there are, a row a target."""
    heads: list[str] = [change for change in Change if any(column(entry) == change for entry in differences)]
    heads += [ACCEPTED] if any(entry.accepted for entry in differences) else []
    rows: dict[str, Counter[str]] = {}
    for entry in differences:
        rows.setdefault(row_of(entry), Counter())[column(entry)] += 1
    lines = [f"| cells | {' | '.join(heads)} |", f"|---|{'---:|' * len(heads)}"]
    for name, row in rows.items():
        lines.append(f"| {escape(name)} | {' | '.join(str(row[head] or '·') for head in heads)} |")
    return "\n".join(lines)


def meanings(differences: Sequence[Difference]) -> str:
    """Return what the classes that there are claim."""
    seen = {entry.change for entry in differences if not entry.accepted}
    return "  \n".join(f"{MARKS[change]} **{change}**: {CHANGES[change]}" for change in Change if change in seen)


def details(groups: Sequence[Alike]) -> list[str]:
    """Return what differs, one part a target."""
    targets: dict[str, list[Alike]] = {}
    for group in groups:
        targets.setdefault(row_of(group.worst) if group.target else SEVERAL, []).append(group)
    parts = []
    for name, inside in targets.items():
        lines = [f"### {escape(name)}", ""]
        lines += [item(group) for group in inside[:_SHOWN]]
        if len(inside) > _SHOWN:
            lines.append(f"- and {plural(len(inside) - _SHOWN, 'more way')} in which it differs")
        parts.append("\n".join(lines))
    return parts


def item(group: Alike) -> str:
    """Return one way in which cells differ, as an entry of a list."""
    point = group.point
    law = f"{point.law} " if point.law else ""
    text = f"- {MARKS[point.change]} {escape(group.where)}: {law}{escape(point.common)}"
    if point.way and point.way != point.what:
        text += f"; {escape(point.what.removesuffix(f': {point.way}') + distance(group))}"
    return text
