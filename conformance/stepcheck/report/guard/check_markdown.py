"""The result of a check as Markdown, for a pull request or the page of a GitHub job."""

from __future__ import annotations

from collections.abc import Sequence

from stepcheck.guard.comparison.check_result import CheckResult
from stepcheck.guard.comparison.difference import Difference
from stepcheck.guard.comparison.grouped import DifferenceGroup
from stepcheck.report.characters import escape_invisible
from stepcheck.report.guard.check_text import failing_count
from stepcheck.report.guard.check_view import MARKS, check_table, headline, meanings, sections, worst_case
from stepcheck.report.guard.environment_text import environment_line
from stepcheck.report.markdown import escape, join_within
from stepcheck.report.wording import plural, thousands

_SHOWN = 12
"""Differences that are shown of one class."""


def render(result: CheckResult, policies: Sequence[str], *, limit: int | None = None) -> str:
    """Return the summary, of at most ``limit`` bytes in UTF-8 where one is given."""
    failing = failing_count(result, policies)
    head = f"## {'✗' if failing else '✓'} torch {result.old['torch']} → {result.new['torch']}: "
    compared = sum(entry.compared for entry in result.differences)
    differing = sum(entry.differing for entry in result.differences)
    origins = (
        f"Recorded under {escape(environment_line(result.old))}; checked under {escape(environment_line(result.new))}. "
        f"{thousands(compared)} numbers compared, {thousands(differing)} differ; fails on {', '.join(policies)}."
    )
    claims = "  \n".join(f"{name.replace(' ', ' **')}**: {claim}" for name, claim in meanings(result.differences))
    parts = [head + (failing or "nothing fails"), origins, _table(result.differences), claims]
    parts += details(result.differences)
    return join_within([escape_invisible(part) for part in parts if part], limit)


def _table(differences: Sequence[Difference]) -> str:
    """Return how many cells of each class there are, a row a target."""
    view = check_table(differences)
    lines = [f"| cells | {' | '.join(view.heads)} |", f"|---|{'---:|' * len(view.heads)}"]
    lines += [f"| {escape(name)} | {' | '.join(view.entries(row))} |" for name, row in view.rows.items()]
    return "\n".join(lines)


def details(differences: Sequence[Difference]) -> list[str]:
    """Return what differs, one part a target."""
    parts = []
    for name, groups in sections(differences).items():
        lines = [f"### {escape(name)}", "", *map(_item, groups[:_SHOWN])]
        if len(groups) > _SHOWN:
            lines.append(f"- and {plural(len(groups) - _SHOWN, 'more difference')}")
        parts.append("\n".join(lines))
    return parts


def _item(group: DifferenceGroup) -> str:
    """Return one group as an entry of a list."""
    worst = worst_case(group)
    text = f"- {MARKS[group.change]} {escape(group.where)}: {escape(headline(group))}"
    return f"{text}; {escape(worst)}" if worst else text
