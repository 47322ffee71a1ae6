"""Operations and accuracy in a report: what is right in an order of its own, and what that order loses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stepcheck.certification.certificate import CellResult
from stepcheck.certification.formula.accuracy import RIGHT
from stepcheck.report.wording import describe_cells, format_ratio

MOST = 3
"""Losses that are listed."""


def operation_lines(cells: Sequence[CellResult]) -> list[str]:
    """Return what is said of the operations of the cells that left their rule's envelope, with those cells."""
    judged = [cell for cell in cells if cell.scripts]
    found: dict[str, list[CellResult]] = {}
    for cell in judged:
        if cell.operations:
            found.setdefault(cell.operations, []).append(cell)
    return [
        said if said == RIGHT and len(places) == len(judged) else f"{said} ({describe_cells(places, cells)})"
        for said, places in found.items()
    ]


def accuracy_lines(cells: Sequence[CellResult]) -> list[str]:
    """Return a line for each operation that loses accuracy, the worst first."""
    return list(_lines(cells))


def _lines(cells: Sequence[CellResult]) -> Iterator[str]:
    worst: dict[str, CellResult] = {}
    for cell in cells:
        if cell.accuracy is not None:
            operation = cell.accuracy.loses.partition(" cancels")[0]
            known = worst.get(operation)
            if known is None or _ratio(cell) > _ratio(known):
                worst[operation] = cell
    listed = sorted(worst.values(), key=lambda cell: -_ratio(cell))
    for cell in listed[:MOST]:
        accuracy = cell.accuracy
        assert accuracy is not None
        inputs = " ".join(f"{name}={value:.4g}" for name, value in accuracy.inputs.items() if isinstance(value, float))
        output = "θ" if accuracy.output == "theta" else accuracy.output
        yield (
            f"{format_ratio(_ratio(cell))} radii of any order of {cell.rule}'s own operations"
            f"{f': {accuracy.loses}' if accuracy.loses else ''} ({output} of {cell.id} at {inputs})"
        )
    if len(listed) > MOST:
        yield f"and {len(listed) - MOST} more in the certificate"


def _ratio(cell: CellResult) -> float:
    return 0.0 if cell.accuracy is None else float(cell.accuracy.ratio)
