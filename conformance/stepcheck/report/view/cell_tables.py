"""Cells as tables: one a class and device, or for a library one a device with a row a class and mode."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stepcheck.certification.certificate import CellResult
from stepcheck.report.view.marks import worst_mark
from stepcheck.report.wording import MARKS, class_name, format_ratio, verdict_name
from stepcheck_implementations.adapters.adapter import MODES
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.verdict import NO_CLAIM, Verdict, overall


@dataclass(frozen=True, slots=True)
class CellRow:
    """One configuration in one mode; ``cells`` has an entry a dtype of the table, None where there is no cell."""

    configuration: str
    rule: str
    mode: str
    cells: tuple[CellResult | None, ...]

    @property
    def heading(self) -> str:
        """The configuration and its rule, as in "amsgrad: amsgrad+decoupled_decay"."""
        return f"{self.configuration}: {self.rule}" if self.rule else self.configuration


@dataclass(frozen=True, slots=True)
class CellTable:
    """All cells of one class on one device."""

    target: str
    device: str
    dtypes: tuple[str, ...]
    rows: tuple[CellRow, ...]

    @property
    def cells(self) -> tuple[CellResult, ...]:
        """The cells, row by row."""
        return tuple(cell for row in self.rows for cell in row.cells if cell is not None)

    @property
    def verdict(self) -> Verdict:
        """The verdict of all cells together."""
        return overall(cell.verdict for cell in self.cells)

    @property
    def worst_ratio(self) -> str:
        """The largest error in radii, as in "0.983"; "" where nothing was compared."""
        ratios = [cell.ratio for cell in self.cells if cell.worst]
        return format_ratio(max(ratios)) if ratios else ""


def cell_tables(cells: Sequence[CellResult]) -> tuple[CellTable, ...]:
    """Return the tables of ``cells``, in the order in which classes and devices first appear."""
    parts: dict[tuple[str, str], list[CellResult]] = {}
    for cell in cells:
        parts.setdefault((target_of(cell), cell.device), []).append(cell)
    return tuple(_cell_table(target, device, inside) for (target, device), inside in parts.items())


def _cell_table(target: str, device: str, cells: list[CellResult]) -> CellTable:
    dtypes = _ordered((cell.dtype for cell in cells), tuple(FORMATS))
    by_axes = {(cell.configuration, cell.mode, cell.dtype): cell for cell in cells}
    rows = []
    for configuration in dict.fromkeys(cell.configuration for cell in cells):
        inside = [cell for cell in cells if cell.configuration == configuration]
        rule = next((cell.rule for cell in inside if cell.rule), "")
        for mode in _ordered((cell.mode for cell in inside), MODES):
            entries = tuple(by_axes.get((configuration, mode, dtype)) for dtype in dtypes)
            rows.append(CellRow(configuration, rule, mode, entries))
    return CellTable(target, device, dtypes, tuple(rows))


def target_of(cell: CellResult) -> str:
    """Return the name of the class that ``cell`` is of; old certificates have it in the id alone."""
    return cell.target or cell.id.partition("[")[0]


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class in one mode: a mark a dtype, the worst of its configurations.

    ``marks`` is empty, and ``mode`` says why, where the class has no cell that was run.
    """

    name: str
    mode: str
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClassTable:
    """All classes of a library on one device; modes in which nothing was run are left out."""

    device: str
    dtypes: tuple[str, ...]
    rows: tuple[ClassRow, ...]


def class_tables(cells: Sequence[CellResult]) -> tuple[ClassTable, ...]:
    """Return one table a device."""
    devices = dict.fromkeys(cell.device for cell in cells)
    return tuple(_class_table(device, [cell for cell in cells if cell.device == device]) for device in devices)


def _class_table(device: str, cells: list[CellResult]) -> ClassTable:
    dtypes = _ordered((cell.dtype for cell in cells), tuple(FORMATS))
    rows: list[ClassRow] = []
    for name in dict.fromkeys(class_name(cell) for cell in cells):
        inside = [cell for cell in cells if class_name(cell) == name]
        modes = _ordered((cell.mode for cell in inside if cell.verdict not in NO_CLAIM), MODES)
        if not modes:
            verdicts = {cell.verdict for cell in inside}
            reason = " and ".join(verdict_name(verdict) for verdict in NO_CLAIM if verdict in verdicts)
            rows.append(ClassRow(name, reason, ()))
        for mode in modes:
            entries = [[cell for cell in inside if (cell.mode, cell.dtype) == (mode, dtype)] for dtype in dtypes]
            rows.append(ClassRow(name, mode, tuple(map(worst_mark, entries))))
    return ClassTable(device, dtypes, tuple(rows))


def tally(cells: Iterable[CellResult]) -> tuple[tuple[Verdict, int], ...]:
    """Return how many cells have each verdict, without those that none has."""
    counts = dict.fromkeys(MARKS, 0)
    for cell in cells:
        counts[cell.verdict] += 1
    return tuple((verdict, number) for verdict, number in counts.items() if number)


def tally_text(cells: Iterable[CellResult]) -> str:
    """Return how many cells have each verdict, as in "4 broken, 2 not run"."""
    return ", ".join(f"{number} {verdict_name(verdict)}" for verdict, number in tally(cells))


def _ordered(names: Iterable[str], order: Sequence[str]) -> tuple[str, ...]:
    """Return ``names`` once each, in the order of ``order``, and those that are not in it last."""
    unique = list(dict.fromkeys(names))
    return (*(name for name in order if name in unique), *(name for name in unique if name not in order))
