"""A step that takes its process along is a fault of its script alone: the others of the cell are recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stepcheck.guard.baselines.baseline_files import load
from stepcheck.guard.check_baseline import check
from stepcheck.guard.comparison.checkpoint import resume_spec
from stepcheck.guard.comparison.compare import compare
from stepcheck.guard.comparison.difference import Change
from stepcheck.guard.corpus.cell_spec import API, CHECKPOINT, SAVED_AT, STEPS, CellSpec
from stepcheck.guard.corpus.corpus import corpus
from stepcheck.guard.corpus.record_cell import record_cell
from stepcheck.guard.corpus.selection import Selection
from stepcheck.guard.record_baseline import record
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_implementations.workers.pool import Workers

MINE = """
import os
import time
import torch

def end():
    WAY

class Mine(torch.optim.SGD):
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None and p.grad.abs().max() > 1e6:
                    end()
        return super().step(closure)
"""

CRASHES, HANGS, RETURNS = "os._exit(3)", "time.sleep(60)", "pass"


@pytest.fixture
def workers(fork_server: str) -> Iterator[Workers]:
    with Workers(address=fork_server, deadline=1.5) as opened:
        yield opened


def cells(workers: Workers, file: Path, way: str) -> list[CellSpec]:
    file.write_text(MINE.replace("WAY", way))
    return corpus(Selection(((f"{file}:Mine", None),), ("single",), ("float32",)), workers)


@pytest.mark.parametrize(("way", "kind"), [(CRASHES, "crashed"), (HANGS, "hung")])
def test_the_other_scripts_of_a_cell_are_recorded(workers: Workers, tmp_path: Path, way: str, kind: str) -> None:
    (spec,) = [entry for entry in cells(workers, tmp_path / "mine.py", way) if entry.kind == STEPS]
    recording = record_cell(workers, spec)
    faults = {label: facts["fault"] for label, facts in recording.facts["runs"].items()}
    assert {label for label, fault in faults.items() if fault is not None} == {"wide"}
    assert (faults["wide"][0], faults["wide"][2]) == (kind, 1)
    cells(workers, tmp_path / "mine.py", RETURNS)
    with Workers(address=workers.address) as others:
        plain = record_cell(others, spec)
    assert list(plain.facts["runs"]) == list(recording.facts["runs"])
    assert {label for label in faults if plain.facts["runs"][label] == recording.facts["runs"][label]} == set(
        faults
    ) - {"wide"}
    names = {name for name in plain.tensors if not name.startswith("wide/")}
    assert names == {name for name in recording.tensors if not name.startswith("wide/")}
    assert all(plain.tensors[name].tobytes() == recording.tensors[name].tobytes() for name in names)
    assert compare(spec, recording, recording).points == ()
    (point,) = compare(spec, plain, recording).points
    assert point.law == "SC201"
    assert point.message.startswith(f"wide: {kind} at step 1 (")
    (point,) = compare(spec, recording, plain).points
    assert point.summary.startswith(f"finishes, before it {kind} at step 1 (")


def test_a_checkpoint_that_ends_its_process_is_recorded_as_a_crash(workers: Workers, tmp_path: Path) -> None:
    spec = next(entry for entry in cells(workers, tmp_path / "mine.py", RETURNS) if entry.kind == CHECKPOINT)
    with Workers(address=workers.address) as others:
        plain = record_cell(others, spec)
    file = tmp_path / "mine.py"
    file.write_text(MINE.replace("> 1e6", "> 0").replace("WAY", CRASHES))
    recording = record_cell(workers, spec)
    assert (recording.facts["fault"][0], recording.facts["fault"][2], recording.facts["steps"]) == ("crashed", 1, 0)
    assert compare(spec, recording, recording).points == ()
    with Workers(address=workers.address) as others:
        resumed = resume_spec(spec, plain)
        assert resumed is not None
        (point,) = compare(spec, plain, record_cell(others, resumed)).points
    assert point.summary == f"crashed at step {SAVED_AT + 1} (the process exited with status 3), finished before"


def test_a_class_that_ends_every_process_is_recorded_as_that(workers: Workers, tmp_path: Path) -> None:
    spec = next(entry for entry in cells(workers, tmp_path / "mine.py", RETURNS) if entry.kind == STEPS)
    (tmp_path / "mine.py").write_text(MINE.replace("> 1e6", ">= 0").replace("WAY", CRASHES))
    recording = record_cell(workers, spec)
    assert {facts["fault"][0] for facts in recording.facts["runs"].values()} == {"crashed"}


def test_an_import_that_ends_its_process_is_absent(workers: Workers, tmp_path: Path) -> None:
    spec = cells(workers, tmp_path / "mine.py", RETURNS)
    (tmp_path / "mine.py").write_text("import os\nos._exit(4)\n")
    with Workers(address=workers.address) as others:
        for entry in spec:
            recording = record_cell(others, entry)
            assert "exited with status 4" in str(recording.facts)
            assert (entry.kind == API) == ("absent" in recording.facts)


@pytest.mark.usefixtures("warm")
def test_a_recorded_crash_is_identical_when_it_is_checked(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE.replace("WAY", CRASHES))
    target = f"{file}:Mine"
    record(tmp_path / "baseline", Selection(((target, None),), ("single",), ("float32",)))
    result = check(tmp_path / "baseline", targets=[target])
    assert {entry.change for entry in result.differences} == {Change.IDENTICAL}
    file.write_text(MINE.replace("WAY", RETURNS))
    result = check(tmp_path / "baseline", targets=[target])
    (entry,) = [entry for entry in result.differences if entry.change is not Change.IDENTICAL]
    assert (entry.kind, entry.change) == (STEPS, Change.CHANGED)
    assert "wide: finishes, before it crashed at step 1" in entry.points[0].message


def test_a_script_that_some_torch_refuses_leaves_the_others(workers: Workers, tmp_path: Path) -> None:
    (spec,) = [entry for entry in cells(workers, tmp_path / "mine.py", CRASHES) if entry.kind == STEPS]

    class Refusing:
        def record_cell(self, adapter, cell, request, arrays=()):
            if len(request["scripts"]) == 1 and '"label":"zeros"' in request["scripts"][0]:
                return Recording({"absent": "no zeros"}, {})
            return workers.record_cell(adapter, cell, request, arrays)

        def record_library(self, request):
            raise AssertionError

    recording = record_cell(Refusing(), spec)
    assert "zeros" not in recording.facts["runs"]
    assert len(recording.facts["runs"]) == len(spec.request["scripts"]) - 1


def test_a_baseline_of_lost_processes_is_read_again(tmp_path: Path, workers: Workers) -> None:
    from stepcheck.guard.baselines.baseline import Baseline
    from stepcheck.guard.baselines.baseline_files import save

    (spec,) = [entry for entry in cells(workers, tmp_path / "mine.py", CRASHES) if entry.kind == STEPS]
    recording = record_cell(workers, spec)
    baseline = Baseline({"torch": "0"})
    baseline.add(spec, recording)
    save(baseline, tmp_path / "baseline")
    loaded = load(tmp_path / "baseline")
    assert loaded.same(spec.id, recording)
    assert loaded.recording(spec.id).facts == recording.facts
    assert replace(loaded.spec(spec.id), arrays=()) == spec
