"""How much was compared: what the tests of cases tell of their cells, for JUnit XML and the end of a pytest run.

pytest takes this module for a plugin once there are cases; what it notes comes through xdist's processes too.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Iterator
from typing import Protocol

import pytest

from stepcheck.pytest_plugin.cases import Case
from stepcheck.report.wording import format_ratio, plural, thousands

CELL, COMPARED, RATIO = "stepcheck.cell", "stepcheck.compared", "stepcheck.ratio"
"""Properties of a test: its cell, the element-steps compared there, and their worst ratio of error to radius."""


class Report(Protocol):
    """What is read of pytest's reports."""

    nodeid: str
    user_properties: list[tuple[str, object]]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Note what a case's cell compared, once its test has asked."""
    try:
        return (yield)
    finally:
        case = getattr(item, "funcargs", {}).get("case")
        if isinstance(case, Case) and case.code and case.examined:
            found = case.result
            item.user_properties += [(CELL, found.id), (COMPARED, found.compared), (RATIO, found.ratio)]


def lines(reports: Iterable[Report]) -> Iterator[str]:
    """Yield a line a test function: its cells, what they compared, and the worst ratio."""
    functions: dict[str, dict[str, tuple[int, float]]] = {}
    for report in reports:
        told = dict(report.user_properties)
        cells = functions.setdefault(report.nodeid.partition("[")[0], {})
        cells[str(told[CELL])] = (int(str(told[COMPARED])), float(str(told[RATIO])))
    for function, cells in functions.items():
        steps = sum(compared for compared, _ in cells.values())
        ratios = [error for _, error in cells.values() if not math.isnan(error)]
        worst = f", worst ratio {format_ratio(max(ratios))}" if ratios else ""
        yield f"{function}: {plural(len(cells), 'cell')}, {thousands(steps)} element-steps compared{worst}"
