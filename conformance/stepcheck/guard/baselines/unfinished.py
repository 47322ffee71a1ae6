"""Unfinished recordings: each target that is finished is a small baseline in a folder of the one to come."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stepcheck.certification.request import WrongRequest
from stepcheck.guard.baselines.baseline import Baseline
from stepcheck.guard.baselines.baseline_files import UNFINISHED, BadBaseline, load, save
from stepcheck.guard.corpus.cell_spec import CellSpec


def by_target(specs: Sequence[CellSpec]) -> dict[str, list[CellSpec]]:
    """Return the cells of every target, in the order in which targets first appear."""
    cells: dict[str, list[CellSpec]] = {}
    for spec in specs:
        cells.setdefault(spec.target, []).append(spec)
    return cells


class Unfinished:
    """The finished targets of an unfinished recording.

    Those of another environment, or with other cells or scripts, are not resumed.
    """

    def __init__(self, directory: Path, environment: dict[str, Any], specs: Sequence[CellSpec]) -> None:
        self.directory, self.environment = directory / UNFINISHED, environment
        self.specs = {spec.id: spec for spec in specs}
        self.cells = {target: [spec.id for spec in cells] for target, cells in by_target(specs).items()}
        self.paths = {target: self.directory / f"{number}" for number, target in enumerate(self.cells)}

    def finished(self, target: str) -> Baseline | None:
        """Return the recordings of a target, None where it has to be recorded."""
        try:
            baseline = load(self.paths[target])
        except BadBaseline:
            return None
        same = (
            baseline.environment == self.environment
            and list(baseline.cells) == self.cells[target]
            and all(baseline.spec(name) == self.specs[name] for name in baseline.cells)
        )
        return baseline if same else None

    def finish(self, target: str, baseline: Baseline) -> None:
        """Write the recordings of a target; raises WrongRequest where that is refused."""
        baseline.cells = {name: baseline.cells[name] for name in self.cells[target]}
        save_checked(baseline, self.paths[target], self.directory.parent)

    def delete(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.directory, ignore_errors=True)


def save_checked(baseline: Baseline, path: Path, directory: Path) -> None:
    """Write ``baseline`` to ``path``; raises WrongRequest, which names ``directory``, where that is refused."""
    try:
        save(baseline, path)
    except OSError as error:
        raise WrongRequest(f"baseline={directory}, but it cannot be written ({error.strerror or error})") from error
