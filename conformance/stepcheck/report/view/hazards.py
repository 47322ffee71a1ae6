"""Hazards in a report: where a class gives nan although the exact rule is finite, how often, and what removes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stepcheck.certification.certificate import CellResult
from stepcheck.certification.failures.hazard import Hazard
from stepcheck.report.wording import thousands

MOST = 3
"""Cells that are listed under one remedy."""


def hazard_lines(cells: Iterable[CellResult]) -> list[str]:
    """Return a line for each output and remedy, and one for each of the first cells that have it."""
    found: dict[tuple[str, str], list[tuple[CellResult, Hazard]]] = {}
    for cell in cells:
        for hazard in cell.hazards:
            found.setdefault((hazard.output, hazard.remedy), []).append((cell, hazard))
    return [line for (output, remedy), places in found.items() for line in _lines(output, remedy, places)]


def _lines(output: str, remedy: str, places: list[tuple[CellResult, Hazard]]) -> Iterator[str]:
    name = "parameters" if output == "theta" else f"state {output}"
    yield f"{name} become {places[0][1].observed} from finite inputs, where the rule is finite: {remedy}"
    places = sorted(places, key=lambda place: -place[1].reals / place[1].of)
    for cell, hazard in places[:MOST]:
        share = f"{thousands(hazard.reals)} of {thousands(hazard.of)} reals"
        yield f"  {cell.id}: {share}, for the first time in step {hazard.step} of a script"
    if len(places) > MOST:
        yield f"  and in {len(places) - MOST} more cells"
