"""Grids: the cells of a certificate as tables, one a class and device, a row a configuration and mode."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stepcheck.certification.certificate import CellResult
from stepcheck_implementations.adapters.adapter import MODES
from stepcheck_reference.formats import FORMATS


@dataclass(frozen=True, slots=True)
class Row:
    """One configuration in one mode; ``cells`` has an entry a dtype of the grid, None where there is no cell."""

    configuration: str
    rule: str
    mode: str
    cells: tuple[CellResult | None, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """All cells of one class on one device."""

    target: str
    device: str
    dtypes: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def cells(self) -> tuple[CellResult, ...]:
        """The cells, row by row."""
        return tuple(cell for row in self.rows for cell in row.cells if cell is not None)


def grids(cells: Sequence[CellResult]) -> tuple[Grid, ...]:
    """Return the grids of ``cells``, in the order in which classes and devices first appear."""
    parts: dict[tuple[str, str], list[CellResult]] = {}
    for cell in cells:
        parts.setdefault((subject(cell), cell.device), []).append(cell)
    return tuple(_grid(target, device, inside) for (target, device), inside in parts.items())


def _grid(target: str, device: str, cells: list[CellResult]) -> Grid:
    dtypes = tuple(_ordered((cell.dtype for cell in cells), tuple(FORMATS)))
    at = {(cell.configuration, cell.mode, cell.dtype): cell for cell in cells}
    rows = []
    for configuration in dict.fromkeys(cell.configuration for cell in cells):
        inside = [cell for cell in cells if cell.configuration == configuration]
        rule = next((cell.rule for cell in inside if cell.rule), "")
        for mode in _ordered((cell.mode for cell in inside), MODES):
            entries = tuple(at.get((configuration, mode, dtype)) for dtype in dtypes)
            rows.append(Row(configuration, rule, mode, entries))
    return Grid(target, device, dtypes, tuple(rows))


def subject(cell: CellResult) -> str:
    """Return the name of what ``cell`` is about; certificates of old name it in the id alone."""
    return cell.target or cell.id.partition("[")[0]


def _ordered(names: Iterable[str], order: Sequence[str]) -> list[str]:
    """Return ``names`` once each, in the order of ``order``, and those that are not in it last."""
    there = list(dict.fromkeys(names))
    return [name for name in order if name in there] + [name for name in there if name not in order]
