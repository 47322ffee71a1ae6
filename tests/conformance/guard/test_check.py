"""Checks: which cells fail on what, what was accepted, and which cells are asked for, new or gone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from conformance.guard.altered import alter, with_run, with_tensor
from conformance.guard.conftest import FEW
from stepcheck.certification.request import WrongRequest
from stepcheck.guard.baselines.baseline import BadBaseline, load, save
from stepcheck.guard.check_baseline import Checked, check
from stepcheck.guard.comparison.difference import Change, Difference
from stepcheck.guard.corpus.corpus import Wanted
from stepcheck.guard.corpus.patterns import chosen, matches
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
    """Return a recording with a warning that nobody gives."""
    return with_run(recording, "two_groups", warnings=["UserWarning: once"])


def one(checked: Checked, cell: str = CELL) -> Difference:
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
    found = check(baseline, only=[CELL])
    assert one(found).change is kind
    for policy in ("changed", "rounding", "api"):
        assert found.exit_code((policy,)) == (1 if policy in failing else 0)
        assert [entry.cell for entry in found.failing((policy,))] == ([CELL] if policy in failing else [])
    assert found.exit_code(("api", "rounding")) == (1 if failing else 0)


def test_only_the_cell_that_differs_does(baseline: Path) -> None:
    before = check(baseline)
    alter(baseline, CELL, further)
    found = check(baseline)
    assert [entry.reals for entry in found.differences] == [entry.reals for entry in before.differences]
    assert sum(entry.moved for entry in found.differences) == 1
    assert [entry.cell for entry in found.differences if entry.change is not Change.IDENTICAL] == [CELL]


def test_nothing_compared_is_its_own_exit_code(baseline: Path) -> None:
    held = load(baseline)
    save(replace(held, cells={}, wanted={**held.wanted, "targets": []}, tensors={}), baseline)
    assert check(baseline).exit_code() == 5


def test_accepting_needs_a_reason(baseline: Path) -> None:
    before = {path.name: path.read_bytes() for path in baseline.iterdir()}
    for reason in ("", "  "):
        with pytest.raises(WrongRequest, match="accept needs a reason, as in --reason"):
            check(baseline, accept=[CELL], reason=reason)
    assert {path.name: path.read_bytes() for path in baseline.iterdir()} == before


@pytest.mark.parametrize("change", [further, warned])
def test_what_was_accepted_is_so_while_the_cell_does_the_same(baseline: Path, change) -> None:
    alter(baseline, CELL, change)
    assert check(baseline, only=[CELL]).exit_code() == 1
    found = check(baseline, only=["Adadelta*"], accept=[CELL], reason=" averaged by lerp ")
    told = f"averaged by lerp ({date.today().isoformat()}, torch {load(baseline).torch})"
    assert (one(found).accepted, found.exit_code()) == (told, 0)
    again = check(baseline, only=[CELL])
    assert (one(again).accepted, one(again).change) == (told, Change.CHANGED)
    assert again.exit_code(("changed", "rounding", "api")) == 0


def test_what_was_accepted_fails_again_once_the_cell_does_something_else(baseline: Path) -> None:
    held = load(baseline)
    asked, now = held.asked(CELL), held.recording(CELL)
    held.add(asked, further(now))
    said = {"date": "2026-01-01", "torch": "2.0", "reason": "because"}
    held.accept(asked, with_tensor(now, "two_groups/theta.f", lambda values: values * 2), said)
    save(held, baseline)
    found = check(baseline, only=[CELL])
    assert (one(found).accepted, found.exit_code()) == ("", 1)
    held.accept(asked, rounded(now), said)
    save(held, baseline)
    found = check(baseline, only=[CELL])
    assert (one(found).accepted, found.exit_code()) == ("because (2026-01-01, torch 2.0)", 0)


def test_what_a_class_without_a_rule_does_is_accepted_bit_by_bit(baseline: Path) -> None:
    def move(values: np.ndarray) -> None:
        values[-1] = np.nextafter(values[-1], np.float32(0))

    held = load(baseline)
    asked, now = held.asked(UNRULED), held.recording(UNRULED)
    held.add(asked, with_tensor(now, "ordinary/theta.f", lambda values: values * 2))
    said = {"date": "2026-01-01", "torch": "2.0", "reason": "because"}
    held.accept(asked, with_tensor(now, "ordinary/theta.f", move), said)
    save(held, baseline)
    assert check(baseline, only=[UNRULED]).exit_code() == 1
    held.accept(asked, now, said)
    save(held, baseline)
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
    for given in ({"only": ["Adadelta[defualt] single float32 cpu"]}, {"accept": ["Adadeltta*"], "reason": "x"}):
        with pytest.raises(WrongRequest, match="but the baseline has no such cell") as raised:
            check(baseline, **given)
        assert "`Adadelta*` matches all that begin so" in str(raised.value)
    with pytest.raises(WrongRequest, match=r"did you mean Adadelta\[default\] single float32 cpu\?"):
        check(baseline, only=["Adadelta[defualt] single float32 cpu"])


CELLS = (
    "AdamW[default] single float32 cpu",
    "AdamW[amsgrad,maximize] foreach bfloat16 cuda:0",
    "AdamW api",
    "Adam[default] single float32 cpu",
)


@pytest.mark.parametrize(
    ("pattern", "found"),
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
def test_stars_and_question_marks_stand_for_anything_and_brackets_for_themselves(pattern: str, found) -> None:
    assert tuple(matches(pattern, CELLS)) == tuple(found)


def test_cells_are_chosen_once_and_in_their_order() -> None:
    assert chosen(["*api", "AdamW*", "* single *"], CELLS) == list(CELLS)
    assert chosen([], CELLS) == []


def test_a_class_that_the_baseline_has_not_is_new(baseline: Path) -> None:
    held = load(baseline)
    cells = {name: kept for name, kept in held.cells.items() if "Adafactor" not in kept.target}
    save(replace(held, cells=cells), baseline)
    found = check(baseline)
    new = [entry for entry in found.differences if entry.change is Change.NEW]
    assert len(new) == 5
    assert {entry.target for entry in new} == {"torch.optim.Adafactor"}
    assert {point.what for entry in new for point in entry.points} == {"the baseline has no such cell"}
    assert found.exit_code(("changed", "rounding", "api")) == 0
    assert [entry.cell for entry in check(baseline, only=["Adadelta*"]).differences] == list(cells)


def test_new_cells_are_checked_in_one_shard_each(baseline: Path) -> None:
    held = load(baseline)
    save(replace(held, cells={name: kept for name, kept in held.cells.items() if "Adadelta" in name}), baseline)
    told = [entry.cell for part in ("1/3", "2/3", "3/3") for entry in check(baseline, part=part).differences]
    assert len(told) == len(set(told)) == len(held.cells)


MINE = """
import torch

class Mine(torch.optim.SGD):
    pass
"""


def test_a_class_that_is_no_longer_there_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    record(tmp_path / "baseline", Wanted(((f"{file}:Mine", None),), ("single",), ("float32",)))
    assert check(tmp_path / "baseline").exit_code() == 0
    file.write_text(MINE.replace("Mine", "Yours"))
    found = check(tmp_path / "baseline")
    assert {entry.change for entry in found.differences} == {Change.GONE}
    assert "Mine" in found.differences[0].points[0].what
    for policy in ("changed", "rounding", "api"):
        assert found.exit_code((policy,)) == 1
    file.unlink()
    assert {entry.change for entry in check(tmp_path / "baseline").differences} == {Change.GONE}


def test_a_mode_that_is_refused_now_is_gone_and_one_that_was_is_new(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    wanted = Wanted(((f"{file}:Mine", None),), ("single", "foreach"), ("float32",))
    record(tmp_path / "baseline", wanted)
    refusing = MINE.replace(
        "pass",
        "def __init__(self, params, lr=1e-3, *, foreach=None):\n"
        "        if foreach:\n            raise RuntimeError('no foreach here')\n"
        "        super().__init__(params, lr)",
    )
    file.write_text(refusing)
    found = {entry.cell.split(" ", 1)[1]: entry for entry in check(tmp_path / "baseline").differences}
    gone = found["foreach float32 cpu"]
    assert (gone.change, gone.points[0].what) == (Change.GONE, "refused: RuntimeError: no foreach here")
    record(tmp_path / "other", wanted)
    file.write_text(MINE)
    found = {entry.cell.split(" ", 1)[1]: entry for entry in check(tmp_path / "other").differences}
    new = found["foreach float32 cpu"]
    assert (new.change, new.points[0].what) == (Change.NEW, "it was refused: RuntimeError: no foreach here")


def test_cells_of_a_device_that_is_not_here_are_left_out_and_told(baseline: Path) -> None:
    held = load(baseline)
    kept = held.cells.pop(CELL)
    cell = held.share({**held.shared[kept.cell], "device": "cuda:3"})
    held.cells[CELL.replace("cpu", "cuda:3")] = replace(kept, cell=cell)
    save(held, baseline)
    there = CELL.replace("cpu", "cuda:3")
    found = check(baseline)
    assert found.unchecked == (there,)
    assert there not in {entry.cell for entry in found.differences}
    assert "unchecked  1 cell on cuda:3, which this machine does not have" in verdict(found, ["changed"])
    assert check(baseline, only=[there]).exit_code() == 5


def test_a_bad_baseline_is_refused_before_anything_runs(baseline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from stepcheck.guard import check_baseline

    monkeypatch.setattr(check_baseline, "Workers", None)
    (baseline / "Adadelta.safetensors").unlink()
    with pytest.raises(BadBaseline, match="missing"):
        check(baseline)


def test_what_was_accepted_is_in_the_manifest_in_words(baseline: Path) -> None:
    alter(baseline, CELL, further)
    check(baseline, only=[CELL], accept=[CELL], reason="a reason")
    raw = json.loads((baseline / "manifest.json").read_text("utf-8"))
    (entry,) = raw["accepted"][CELL]
    assert (entry["reason"], entry["date"]) == ("a reason", date.today().isoformat())
    assert (baseline / "accepted.safetensors").exists()


def test_a_recording_of_everything_has_no_cell_that_a_few_have_not(recorded_once: Path) -> None:
    assert {kept.target for kept in load(recorded_once).cells.values()} == {target for target, _ in FEW.targets}
