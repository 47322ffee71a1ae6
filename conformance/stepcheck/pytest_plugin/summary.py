"""The summary of a pytest run: how much each cell compared, in JUnit XML and at the end of the run.

This module is registered as a pytest plugin once there are cases. It writes to ``user_properties``, which xdist sends
from its processes to the one that reports.
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
    """The part of a pytest report that is read here."""

    nodeid: str
    user_properties: list[tuple[str, object]]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Add what a case's cell compared to the properties of its test, once the cell has been evaluated."""
    try:
        return (yield)
    finally:
        case = getattr(item, "funcargs", {}).get("case")
        if isinstance(case, Case) and case.code and case.evaluated:
            result = case.result
            item.user_properties += [(CELL, result.id), (COMPARED, result.compared), (RATIO, result.ratio)]


def lines(reports: Iterable[Report]) -> Iterator[str]:
    """Yield a line for each test function: its cells, how much they compared, and the worst ratio."""
    functions: dict[str, dict[str, tuple[int, float]]] = {}
    for report in reports:
        properties = dict(report.user_properties)
        cells = functions.setdefault(report.nodeid.partition("[")[0], {})
        cells[str(properties[CELL])] = (int(str(properties[COMPARED])), float(str(properties[RATIO])))
    for function, cells in functions.items():
        steps = sum(compared for compared, _ in cells.values())
        ratios = [error for _, error in cells.values() if not math.isnan(error)]
        worst = f", worst ratio {format_ratio(max(ratios))}" if ratios else ""
        yield f"{function}: {plural(len(cells), 'cell')}, {thousands(steps)} element-steps compared{worst}"
