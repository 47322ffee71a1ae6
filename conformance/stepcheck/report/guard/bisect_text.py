"""The release that changed a cell, as text."""

from __future__ import annotations

from stepcheck.guard.bisect import BisectResult
from stepcheck.guard.comparison.grouped import grouped
from stepcheck.report.guard.check_text import group_lines
from stepcheck.report.guard.check_view import MARKS
from stepcheck.report.wording import plural


def render(result: BisectResult) -> str:
    """Return which release it was, what it changed, and which releases were compared."""
    head = f"{result.cell} changed in torch {result.bad}; torch {result.good} does the same as the first release"
    if result.between:
        head += f"\n  or in {', '.join(result.between)}, which are not available"
    lines = [head, ""]
    for group in grouped([result.tried[result.bad]]):
        lines += group_lines(group)
    compared = ", ".join(f"{version} {MARKS[one.change]} {one.change}" for version, one in result.tried.items())
    lines += ["", f"compared   {compared}"]
    lines += [f"skipped    {version}: {why}" for version, why in result.skipped.items()]
    lines.append(f"installed  {plural(result.installed, 'environment')}")
    return "\n".join(lines)
