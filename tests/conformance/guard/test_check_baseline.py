"""Checks: policies, accepted changes, and cells that are selected, new or gone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from conformance.guard.altered_recordings import alter, with_run, with_tensor
from conformance.guard.conftest import FEW
from stepcheck.certification.request import WrongRequest
from stepcheck.guard.baselines.baseline_files import BadBaseline, load, save
from stepcheck.guard.check_baseline import check
from stepcheck.guard.comparison.check_result import CheckResult
from stepcheck.guard.comparison.difference import Change, Difference
from stepcheck.guard.corpus.cell_patterns import matches, select_cells
from stepcheck.guard.corpus.selection import Selection
from stepcheck.guard.record_baseline import record
from stepcheck.report.guard.check_text import verdict
from stepcheck_implementations.recorder.recording import Recording

pytestmark = pytest.mark.usefixtures("warm")

CELL = "Adadelta[default] single float32 cpu"
UNRULED = "Adafactor[default] single float32 cpu"


def further(recording: Recording) -> Recording:
    """Return a recording that was somewhere else in one number of its last step, far outside any envelope."""

    def move(values: np.ndarray) -> None:
        values[-1] += 1

    return with_tensor(recording, "two_groups/theta.f", move)


def rounded(recording: Recording) -> Recording:
    """Return a recording that was an ulp away in one number of its last step."""

    def move(values: np.ndarray) -> None:
        values[-1] = np.nextafter(values[-1], np.float32(0))

    return with_tensor(recording, "two_groups/theta.f", move)


def warned(recording: Recording) -> Recording:
    """Return a recording with a warning that the optimizer does not emit."""
    return with_run(recording, "two_groups", warnings=["UserWarning: once"])


def one(checked: CheckResult, cell: str = CELL) -> Difference:
    return next(entry for entry in checked.differences if entry.cell == cell)


@pytest.mark.parametrize(
    ("change", "kind", "failing"),
    [
        (further, Change.CHANGED, {"changed", "rounding"}),
        (rounded, Change.ROUNDING, {"rounding"}),
        (warned, Change.CHANGED, {"changed", "rounding", "api"}),
        (lambda recording: recording, Change.IDENTICAL, set()),
    ],
    ids=["meaning", "rounding", "warning", "nothing"],
)
def test_what_a_check_fails_on(baseline: Path, change, kind: Change, failing: set[str]) -> None:
    alter(baseline, CELL, change)
    result = check(baseline, only=[CELL])
    assert one(result).change is kind
    for policy in ("changed", "rounding", "api"):
        assert result.exit_code((policy,)) == (1 if policy in failing else 0)
        assert [entry.cell for entry in result.failing((policy,))] == ([CELL] if policy in failing else [])
    assert result.exit_code(("api", "rounding")) == (1 if failing else 0)


def test_only_the_cell_that_differs_does(baseline: Path) -> None:
    before = check(baseline)
    alter(baseline, CELL, further)
    result = check(baseline)
    assert [entry.compared for entry in result.differences] == [entry.compared for entry in before.differences]
    assert sum(entry.differing for entry in result.differences) == 1
    assert [entry.cell for entry in result.differences if entry.change is not Change.IDENTICAL] == [CELL]


def test_nothing_compared_is_its_own_exit_code(baseline: Path) -> None:
    stored = load(baseline)
    save(replace(stored, cells={}, selection={**stored.selection, "targets": []}, tensors={}), baseline)
    assert check(baseline).exit_code() == 5


def test_accepting_needs_a_reason(baseline: Path) -> None:
    before = {path.name: path.read_bytes() for path in baseline.iterdir()}
    for reason in ("", "  "):
        with pytest.raises(WrongRequest, match="accept needs a reason, as in --reason"):
            check(baseline, accept=[CELL], reason=reason)
    assert {path.name: path.read_bytes() for path in baseline.iterdir()} == before


@pytest.mark.parametrize("change", [further, warned])
def test_an_accepted_change_stays_accepted_while_the_cell_stays_the_same(baseline: Path, change) -> None:
    alter(baseline, CELL, change)
    assert check(baseline, only=[CELL]).exit_code() == 1
    result = check(baseline, only=["Adadelta*"], accept=[CELL], reason=" averaged by lerp ")
    reason_text = f"averaged by lerp ({date.today().isoformat()}, torch {load(baseline).torch})"
    assert (one(result).accepted, result.exit_code()) == (reason_text, 0)
    repeated = check(baseline, only=[CELL])
    assert (one(repeated).accepted, one(repeated).change) == (reason_text, Change.CHANGED)
    assert repeated.exit_code(("changed", "rounding", "api")) == 0


def test_an_accepted_cell_fails_once_it_changes_again(baseline: Path) -> None:
    stored = load(baseline)
    spec, now = stored.spec(CELL), stored.recording(CELL)
    stored.add(spec, further(now))
    acceptance = {"date": "2026-01-01", "torch": "2.0", "reason": "because"}
    stored.accept(spec, with_tensor(now, "two_groups/theta.f", lambda values: values * 2), acceptance)
    save(stored, baseline)
    result = check(baseline, only=[CELL])
    assert (one(result).accepted, result.exit_code()) == ("", 1)
    stored.accept(spec, rounded(now), acceptance)
    save(stored, baseline)
    result = check(baseline, only=[CELL])
    assert (one(result).accepted, result.exit_code()) == ("because (2026-01-01, torch 2.0)", 0)


def test_a_class_without_a_rule_is_accepted_bit_by_bit(baseline: Path) -> None:
    def move(values: np.ndarray) -> None:
        values[-1] = np.nextafter(values[-1], np.float32(0))

    stored = load(baseline)
    spec, now = stored.spec(UNRULED), stored.recording(UNRULED)
    stored.add(spec, with_tensor(now, "ordinary/theta.f", lambda values: values * 2))
    acceptance = {"date": "2026-01-01", "torch": "2.0", "reason": "because"}
    stored.accept(spec, with_tensor(now, "ordinary/theta.f", move), acceptance)
    save(stored, baseline)
    assert check(baseline, only=[UNRULED]).exit_code() == 1
    stored.accept(spec, now, acceptance)
    save(stored, baseline)
    assert check(baseline, only=[UNRULED]).exit_code() == 0


def test_an_accepted_checkpoint_and_an_accepted_api_stay_accepted(baseline: Path) -> None:
    saved, surface = "Adadelta[default] single float32 cpu checkpoint", "Adadelta api"
    alter(baseline, saved, lambda recording: with_tensor(recording, "theta.f", lambda values: values + 1))
    alter(baseline, surface, lambda recording: Recording({**recording.facts, "more": 1}, {}))
    names = [saved, surface]
    assert {entry.cell for entry in check(baseline, only=names).failing()} == set(names)
    check(baseline, only=names, accept=names, reason="so be it")
    assert check(baseline, only=names).exit_code(("changed", "rounding", "api")) == 0


def test_accepting_what_does_not_differ_writes_nothing(baseline: Path) -> None:
    check(baseline, only=[CELL], accept=[CELL], reason="none")
    assert load(baseline).accepted == {}


def test_a_pattern_that_matches_no_cell_is_refused_with_the_nearest(baseline: Path) -> None:
    for options in ({"only": ["Adadelta[defualt] single float32 cpu"]}, {"accept": ["Adadeltta*"], "reason": "x"}):
        with pytest.raises(WrongRequest, match="but the baseline has no such cell") as raised:
            check(baseline, **options)
        assert "`Adadelta*` matches all that start this way" in str(raised.value)
    with pytest.raises(WrongRequest, match=r"did you mean Adadelta\[default\] single float32 cpu\?"):
        check(baseline, only=["Adadelta[defualt] single float32 cpu"])


CELLS = (
    "AdamW[default] single float32 cpu",
    "AdamW[amsgrad,maximize] foreach bfloat16 cuda:0",
    "AdamW api",
    "Adam[default] single float32 cpu",
)


@pytest.mark.parametrize(
    ("pattern", "result"),
    [
        ("AdamW*", CELLS[:3]),
        ("adamw*", CELLS[:3]),
        ("Adam[*", CELLS[3:]),
        ("*[default]*", (CELLS[0], CELLS[3])),
        ("AdamW[default] single float32 cpu", CELLS[:1]),
        ("AdamW ap?", CELLS[2:3]),
        ("* single *", (CELLS[0], CELLS[3])),
        ("*", CELLS),
        ("AdamW", ()),
        ("Adam.[default] single float32 cpu", ()),
        ("AdamW[d] single float32 cpu", ()),
        ("*cuda:0", CELLS[1:2]),
    ],
)
def test_stars_and_question_marks_are_wildcards_and_brackets_literal(pattern: str, result) -> None:
    assert tuple(matches(pattern, CELLS)) == tuple(result)


def test_cells_are_chosen_once_and_in_their_order() -> None:
    assert select_cells(["*api", "AdamW*", "* single *"], CELLS) == list(CELLS)
    assert select_cells([], CELLS) == []


def test_a_class_that_the_baseline_lacks_is_new(baseline: Path) -> None:
    stored = load(baseline)
    cells = {name: recorded for name, recorded in stored.cells.items() if "Adafactor" not in recorded.target}
    save(replace(stored, cells=cells), baseline)
    result = check(baseline)
    new = [entry for entry in result.differences if entry.change is Change.NEW]
    assert len(new) == 5
    assert {entry.target for entry in new} == {"torch.optim.Adafactor"}
    assert {point.message for entry in new for point in entry.points} == {"the baseline has no such cell"}
    assert result.exit_code(("changed", "rounding", "api")) == 0
    assert [entry.cell for entry in check(baseline, only=["Adadelta*"]).differences] == list(cells)


def test_new_cells_are_checked_in_one_shard_each(baseline: Path) -> None:
    stored = load(baseline)
    save(
        replace(stored, cells={name: recorded for name, recorded in stored.cells.items() if "Adadelta" in name}),
        baseline,
    )
    reason_text = [entry.cell for part in ("1/3", "2/3", "3/3") for entry in check(baseline, part=part).differences]
    assert len(reason_text) == len(set(reason_text)) == len(stored.cells)


MINE = """
import torch

class Mine(torch.optim.SGD):
    pass
"""


def test_a_class_that_no_longer_exists_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    record(tmp_path / "baseline", Selection(((f"{file}:Mine", None),), ("single",), ("float32",)))
    assert check(tmp_path / "baseline", targets=[f"{file}:Mine"]).exit_code() == 0
    file.write_text(MINE.replace("Mine", "Yours"))
    result = check(tmp_path / "baseline", targets=[f"{file}:Mine"])
    assert {entry.change for entry in result.differences} == {Change.GONE}
    assert "Mine" in result.differences[0].points[0].message
    for policy in ("changed", "rounding", "api"):
        assert result.exit_code((policy,)) == 1
    file.unlink()
    assert {entry.change for entry in check(tmp_path / "baseline", targets=[f"{file}:Mine"]).differences} == {
        Change.GONE
    }


def test_a_mode_that_is_refused_now_is_gone_and_one_that_was_is_new(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    selection = Selection(((f"{file}:Mine", None),), ("single", "foreach"), ("float32",))
    record(tmp_path / "baseline", selection)
    refusing = MINE.replace(
        "pass",
        "def __init__(self, params, lr=1e-3, *, foreach=None):\n"
        "        if foreach:\n            raise RuntimeError('no foreach here')\n"
        "        super().__init__(params, lr)",
    )
    file.write_text(refusing)
    result = {
        entry.cell.split(" ", 1)[1]: entry
        for entry in check(tmp_path / "baseline", targets=[f"{file}:Mine"]).differences
    }
    gone = result["foreach float32 cpu"]
    assert (gone.change, gone.points[0].message) == (Change.GONE, "is refused: RuntimeError: no foreach here")
    record(tmp_path / "other", selection)
    file.write_text(MINE)
    result = {
        entry.cell.split(" ", 1)[1]: entry for entry in check(tmp_path / "other", targets=[f"{file}:Mine"]).differences
    }
    new = result["foreach float32 cpu"]
    assert (new.change, new.points[0].message) == (Change.NEW, "was refused: RuntimeError: no foreach here")


def test_cells_of_a_missing_device_are_unchecked(baseline: Path) -> None:
    stored = load(baseline)
    recorded = stored.cells.pop(CELL)
    cell = stored.share({**stored.shared[recorded.cell], "device": "cuda:3"})
    stored.cells[CELL.replace("cpu", "cuda:3")] = replace(recorded, cell=cell)
    save(stored, baseline)
    on_cuda = CELL.replace("cpu", "cuda:3")
    result = check(baseline)
    assert result.unchecked == (on_cuda,)
    assert on_cuda not in {entry.cell for entry in result.differences}
    assert "unchecked  1 cell on cuda:3, which this machine does not have" in verdict(result, ["changed"])
    assert check(baseline, only=[on_cuda]).exit_code() == 5


def test_a_bad_baseline_is_refused_before_anything_runs(baseline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from stepcheck.guard import check_baseline

    monkeypatch.setattr(check_baseline, "Workers", None)
    (baseline / "Adadelta.safetensors").unlink()
    with pytest.raises(BadBaseline, match="missing"):
        check(baseline)


def test_an_acceptance_is_readable_in_the_manifest(baseline: Path) -> None:
    alter(baseline, CELL, further)
    check(baseline, only=[CELL], accept=[CELL], reason="a reason")
    raw = json.loads((baseline / "manifest.json").read_text("utf-8"))
    (entry,) = raw["accepted"][CELL]
    assert (entry["reason"], entry["date"]) == ("a reason", date.today().isoformat())
    assert (baseline / "accepted.safetensors").exists()


def test_a_recording_of_everything_has_no_cell_that_a_few_have_not(recorded_once: Path) -> None:
    assert {recorded.target for recorded in load(recorded_once).cells.values()} == {target for target, _ in FEW.targets}
