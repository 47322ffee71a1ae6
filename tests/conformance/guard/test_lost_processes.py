"""A step that takes its process along is a fault of its script alone: the others of the cell are recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stepcheck.guard.baselines.baseline import load
from stepcheck.guard.check_baseline import check
from stepcheck.guard.comparison.compare import compare, resumed
from stepcheck.guard.comparison.difference import Change
from stepcheck.guard.corpus import spec as asking
from stepcheck.guard.corpus.corpus import SAVED_AT, Wanted, corpus
from stepcheck.guard.corpus.spec import CHECKPOINT, STEPS, SURFACE, Asked
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


def cells(workers: Workers, file: Path, way: str) -> list[Asked]:
    file.write_text(MINE.replace("WAY", way))
    return corpus(Wanted(((f"{file}:Mine", None),), ("single",), ("float32",)), workers)


@pytest.mark.parametrize(("way", "kind"), [(CRASHES, "crashed"), (HANGS, "hung")])
def test_the_other_scripts_of_a_cell_are_recorded(workers: Workers, tmp_path: Path, way: str, kind: str) -> None:
    (asked,) = [entry for entry in cells(workers, tmp_path / "mine.py", way) if entry.kind == STEPS]
    found = asking.record(workers, asked)
    faults = {label: facts["fault"] for label, facts in found.facts["runs"].items()}
    assert {label for label, fault in faults.items() if fault is not None} == {"wide"}
    assert (faults["wide"][0], faults["wide"][2]) == (kind, 1)
    cells(workers, tmp_path / "mine.py", RETURNS)
    with Workers(address=workers.address) as others:
        plain = asking.record(others, asked)
    assert list(plain.facts["runs"]) == list(found.facts["runs"])
    assert {label for label in faults if plain.facts["runs"][label] == found.facts["runs"][label]} == set(faults) - {
        "wide"
    }
    names = {name for name in plain.tensors if not name.startswith("wide/")}
    assert names == {name for name in found.tensors if not name.startswith("wide/")}
    assert all(plain.tensors[name].tobytes() == found.tensors[name].tobytes() for name in names)
    assert compare(asked, found, found).points == ()
    (point,) = compare(asked, plain, found).points
    assert point.law == "SC201"
    assert point.what.startswith(f"wide: {kind} at step 1 (")
    (point,) = compare(asked, found, plain).points
    assert point.way.startswith(f"finishes, and before it {kind} at step 1 (")


def test_a_checkpoint_that_ends_its_process_says_so(workers: Workers, tmp_path: Path) -> None:
    asked = next(entry for entry in cells(workers, tmp_path / "mine.py", RETURNS) if entry.kind == CHECKPOINT)
    with Workers(address=workers.address) as others:
        plain = asking.record(others, asked)
    file = tmp_path / "mine.py"
    file.write_text(MINE.replace("> 1e6", "> 0").replace("WAY", CRASHES))
    found = asking.record(workers, asked)
    assert (found.facts["fault"][0], found.facts["fault"][2], found.facts["steps"]) == ("crashed", 1, 0)
    assert compare(asked, found, found).points == ()
    with Workers(address=workers.address) as others:
        again = resumed(asked, plain)
        assert again is not None
        (point,) = compare(asked, plain, asking.record(others, again)).points
    assert point.way == f"crashed at step {SAVED_AT + 1} (the process exited with status 3), and finished before"


def test_a_class_that_ends_every_process_is_recorded_as_that(workers: Workers, tmp_path: Path) -> None:
    asked = next(entry for entry in cells(workers, tmp_path / "mine.py", RETURNS) if entry.kind == STEPS)
    (tmp_path / "mine.py").write_text(MINE.replace("> 1e6", ">= 0").replace("WAY", CRASHES))
    found = asking.record(workers, asked)
    assert {facts["fault"][0] for facts in found.facts["runs"].values()} == {"crashed"}


def test_an_import_that_ends_its_process_is_absent(workers: Workers, tmp_path: Path) -> None:
    asked = cells(workers, tmp_path / "mine.py", RETURNS)
    (tmp_path / "mine.py").write_text("import os\nos._exit(4)\n")
    with Workers(address=workers.address) as others:
        for entry in asked:
            found = asking.record(others, entry)
            assert "exited with status 4" in str(found.facts)
            assert (entry.kind == SURFACE) == ("absent" in found.facts)


@pytest.mark.usefixtures("warm")
def test_a_baseline_keeps_what_crashed_and_a_check_finds_it_the_same(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE.replace("WAY", CRASHES))
    record(tmp_path / "baseline", Wanted(((f"{file}:Mine", None),), ("single",), ("float32",)))
    found = check(tmp_path / "baseline")
    assert {entry.change for entry in found.differences} == {Change.IDENTICAL}
    file.write_text(MINE.replace("WAY", RETURNS))
    found = check(tmp_path / "baseline")
    (entry,) = [entry for entry in found.differences if entry.change is not Change.IDENTICAL]
    assert (entry.kind, entry.change) == (STEPS, Change.CHANGED)
    assert "wide: finishes, and before it crashed at step 1" in entry.points[0].what


def test_a_script_that_some_torch_refuses_leaves_the_others(workers: Workers, tmp_path: Path) -> None:
    (asked,) = [entry for entry in cells(workers, tmp_path / "mine.py", CRASHES) if entry.kind == STEPS]

    class Refusing:
        def record_cell(self, adapter, cell, request, arrays=()):
            if len(request["scripts"]) == 1 and '"label":"zeros"' in request["scripts"][0]:
                return Recording({"absent": "no zeros"}, {})
            return workers.record_cell(adapter, cell, request, arrays)

        def told(self, request):
            raise AssertionError

    found = asking.record(Refusing(), asked)
    assert "zeros" not in found.facts["runs"]
    assert len(found.facts["runs"]) == len(asked.request["scripts"]) - 1


def test_a_baseline_of_lost_processes_is_read_again(tmp_path: Path, workers: Workers) -> None:
    from stepcheck.guard.baselines.baseline import Baseline, save

    (asked,) = [entry for entry in cells(workers, tmp_path / "mine.py", CRASHES) if entry.kind == STEPS]
    found = asking.record(workers, asked)
    made = Baseline({"torch": "0"})
    made.add(asked, found)
    save(made, tmp_path / "baseline")
    again = load(tmp_path / "baseline")
    assert again.same(asked.id, found)
    assert again.recording(asked.id).facts == found.facts
    assert replace(again.asked(asked.id), arrays=()) == asked
