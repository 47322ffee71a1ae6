"""The release that changed a cell, as text."""

from __future__ import annotations

from stepcheck.guard.bisect import Bisected
from stepcheck.guard.comparison.grouped import alike
from stepcheck.report.guard.check_text import MARKS, entry_of
from stepcheck.report.wording import plural


def report(found: Bisected) -> str:
    """Return which release it was, what it changed, and what was looked at."""
    head = f"{found.cell} changed in torch {found.bad}; torch {found.good} does what the first one did"
    if found.between:
        head += f"\n  or in {', '.join(found.between)}, which could not be had"
    lines = [head, ""]
    for group in alike([found.tried[found.bad]]):
        lines += entry_of(group)
    looked = ", ".join(f"{version} {MARKS[one.change]} {one.change}" for version, one in found.tried.items())
    lines += ["", f"looked at  {looked}"]
    lines += [f"skipped    {version}: {why}" for version, why in found.skipped.items()]
    lines.append(f"installed  {plural(found.installed, 'environment')}")
    return "\n".join(lines)
