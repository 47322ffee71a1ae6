"""Recording: the same bytes each time, in one go, in parts, or interrupted and taken up again."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conformance.command import WRONG, environment
from conformance.guard.conftest import FEW, ROOT
from stepcheck.certification.request import WrongRequest
from stepcheck.guard import record_baseline
from stepcheck.guard.baselines.baseline_files import MANIFEST, UNFINISHED, BadBaseline, load
from stepcheck.guard.check_baseline import check
from stepcheck.guard.comparison.difference import Change
from stepcheck.guard.corpus.selection import Selection
from stepcheck.guard.record_baseline import record
from stepcheck_implementations.workers.pool import Workers

pytestmark = pytest.mark.usefixtures("warm")


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_two_recordings_are_the_same_bytes(recorded_once: Path, tmp_path: Path) -> None:
    record(tmp_path / "again", FEW)
    assert contents(tmp_path / "again") == contents(recorded_once)
    assert set(contents(recorded_once)) == {MANIFEST, "Adadelta.safetensors", "Adafactor.safetensors"}


def test_a_recording_is_identical_to_itself_however_often_it_is_checked(recorded_once: Path) -> None:
    for _ in range(2):
        result = check(recorded_once)
        assert [entry.cell for entry in result.differences] == list(load(recorded_once).cells)
        assert {entry.change for entry in result.differences} == {Change.IDENTICAL}
        assert sum(entry.differing for entry in result.differences) == 0
        assert sum(entry.compared for entry in result.differences) > 10_000
        assert result.exit_code(("changed", "rounding", "api")) == 0


def test_a_killed_recording_resumes(recorded_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = tmp_path / "killed"
    command = [sys.executable, "-m", "stepcheck", "guard", "record", str(directory), "--jobs", "1"]
    for target, _ in FEW.targets:
        command += ["--target", target]
    with subprocess.Popen(
        [*command, "--mode", "single", "--dtype", "float32"],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while not (directory / UNFINISHED / "0" / MANIFEST).exists():
            assert process.poll() is None
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    assert not (directory / MANIFEST).exists()
    with pytest.raises(BadBaseline, match=r"its recording was interrupted; `stepcheck guard record .*` resumes it"):
        load(directory)
    done = sum((directory / UNFINISHED / str(number) / MANIFEST).exists() for number in range(len(FEW.targets)))
    spec = []
    plain = Workers.record_cell

    def noted(self, adapter, cell, request, arrays=()):
        spec.append(cell.target)
        return plain(self, adapter, cell, request, arrays)

    monkeypatch.setattr(Workers, "record_cell", noted)
    record(directory, FEW)
    assert set(spec) == {target for target, _ in FEW.targets[done:]}
    assert contents(directory) == contents(recorded_once)


def test_parts_of_other_cells_are_not_resumed(recorded_once: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int, cell: str) -> None:
        if cell.endswith(" api"):
            raise KeyboardInterrupt

    directory = tmp_path / "another"
    with pytest.raises(KeyboardInterrupt):
        record(directory, Selection(FEW.targets, ("single",), ("float64",)), progress=stop)
    assert (directory / UNFINISHED / "0" / MANIFEST).exists()
    record(directory, FEW)
    assert contents(directory) == contents(recorded_once)


def test_a_damaged_part_is_recorded_again(recorded_once: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int, cell: str) -> None:
        if cell.endswith(" api"):
            raise KeyboardInterrupt

    directory = tmp_path / "torn"
    with pytest.raises(KeyboardInterrupt):
        record(directory, FEW, progress=stop)
    (tensor_file,) = (directory / UNFINISHED / "0").glob("*.safetensors")
    tensor_file.write_bytes(tensor_file.read_bytes()[:-1])
    record(directory, FEW)
    assert contents(directory) == contents(recorded_once)


def test_shards_together_have_every_cell_once(recorded_once: Path, tmp_path: Path) -> None:
    unsharded = load(recorded_once)
    shards = [record(tmp_path / f"shard{number}", FEW, part=f"{number}/2") for number in (1, 2)]
    assert sorted(name for shard in shards for name in shard.cells) == sorted(unsharded.cells)
    for shard in shards:
        assert shard.cells
        for name in shard.cells:
            assert shard.same(name, unsharded.recording(name))
    assert {entry.change for entry in check(tmp_path / "shard1").differences} == {Change.IDENTICAL}


def test_a_check_of_shards_has_every_cell_once(recorded_once: Path) -> None:
    names = [entry.cell for part in ("1/2", "2/2") for entry in check(recorded_once, part=part).differences]
    assert sorted(names) == sorted(load(recorded_once).cells)


def test_a_baseline_is_not_overwritten_without_force(baseline: Path) -> None:
    before = contents(baseline)
    few = Selection((("torch.optim.Adafactor", None),), ("single",), ("float32",))
    with pytest.raises(WrongRequest, match="already holds a baseline; --force records it again"):
        record(baseline, few)
    assert contents(baseline) == before
    record(baseline, few, replace=True)
    assert set(contents(baseline)) == {MANIFEST, "Adafactor.safetensors"}


def test_files_of_somebody_else_are_left_alone(baseline: Path) -> None:
    (baseline / "model.safetensors").write_bytes(b"weights")
    record(baseline, Selection((("torch.optim.Adafactor", None),), ("single",), ("float32",)), replace=True)
    assert (baseline / "model.safetensors").read_bytes() == b"weights"
    assert "Adadelta.safetensors" not in contents(baseline)


def test_a_place_that_cannot_be_written_is_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_baseline, "Workers", None)
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongRequest, match="file"):
        record(tmp_path / "file", FEW)


def test_a_target_given_twice_is_recorded_once(tmp_path: Path) -> None:
    entry = ("torch.optim.Adafactor", None)
    baseline_recorded = record(tmp_path / "twice", Selection((entry, entry), ("single",), ("float32",)))
    assert len(baseline_recorded.cells) == 5


def test_a_target_given_with_two_rules_is_refused(tmp_path: Path) -> None:
    selection = Selection(((WRONG, None), (WRONG, "adam")), ("single",), ("float32",))
    with pytest.raises(WrongRequest, match="EpsInsideRoot, but it is given twice, with different rules"):
        record(tmp_path / "twice", selection)


def test_progress_counts_every_cell(tmp_path: Path) -> None:
    reports: list[tuple[int, int, str]] = []
    few = Selection((("torch.optim.Adafactor", None),), ("single",), ("float32",))
    baseline_recorded = record(tmp_path / "few", few, progress=lambda *call: reports.append(call))
    assert reports[0] == (0, 5, "")
    assert [(done, total) for done, total, _ in reports[1:]] == [(number, 5) for number in range(1, 6)]
    assert {name for _, _, name in reports[1:]} == set(baseline_recorded.cells)
