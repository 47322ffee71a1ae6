"""Facts of runs compared: errors, writes, closures, states, warnings and refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from conformance.guard.comparison.conftest import (
    ADAMW,
    UNRULED,
    WHERE,
    Cells,
    summaries,
)
from conformance.guard.recorded_cells import RecordedCell, put
from stepcheck.guard.comparison.difference import Change
from stepcheck_implementations.recorder.recording import Recording, truncate
from stepcheck_reference.scripts.trajectory import Fault


def test_unmapped_states_are_compared_too(cells: Cells) -> None:
    cell = cells(UNRULED)
    name = next(name for name in cell.recording.tensors if name.startswith("ordinary/beside ") and "row_var" in name)
    for change in (lambda values: values * 2, lambda values: np.where(values < np.inf, -0.0 * values, 0)):
        tensors = {**cell.recording.tensors, name: change(cell.recording.tensors[name])}
        result = cell.compared(replace(cell.recording, tensors=tensors))
        assert {way for *_, way in summaries(result)} == {"row_var differs, and has no envelope"}
        assert result.change is Change.CHANGED


def test_a_state_of_another_dtype_shape_or_kind_is_a_change_of_the_api(cells: Cells) -> None:
    cell = cells(ADAMW)
    kinds, kind_numbers = cell.recording.facts["runs"][WHERE]["held"]

    def entries(change):
        return cell.with_facts(WHERE, held=[[[change(entry) for entry in kind] for kind in kinds], kind_numbers])

    result = cell.compared(entries(lambda e: [e[0], "bfloat16", *e[2:]] if e[0] == "exp_avg" else e))
    assert result.api
    assert "state 'exp_avg' is a bfloat16 tensor of shape" in result.points[0].message
    result = cell.compared(entries(lambda e: ["step", "", "", []] if e[0] == "step" else e))
    assert [point.message for point in result.points] == [
        "state 'step' is a number, was a float32 tensor of shape () on cpu"
    ]
    result = cell.compared(entries(lambda e: ["moment", *e[1:]] if e[0] == "exp_avg" else e))
    assert {point.message.partition(",")[0] for point in result.points} == {
        "state 'exp_avg' is gone",
        "state 'moment' is new",
    }


def test_warnings_that_come_and_go_are_changes_of_the_api(cells: Cells) -> None:
    cell = cells(ADAMW)
    warned = cell.with_facts(WHERE, warnings=["FutureWarning: soon"])
    result = cell.compared(warned)
    assert [(point.message, point.api) for point in result.points] == [("new warning: FutureWarning: soon", True)]
    result = cell.compared(cell.recording, warned)
    assert [(point.message, point.api) for point in result.points] == [("no longer warns: FutureWarning: soon", True)]


def until_step(cell: RecordedCell, steps: int, fault: Fault) -> Recording:
    return cell.altered(
        WHERE, lambda trajectory: replace(truncate(trajectory, steps), fault=fault, entries=trajectory.entries)
    )


def test_a_run_that_raises_now_is_a_change_with_both_endings(cells: Cells) -> None:
    cell = cells(ADAMW)
    raising = until_step(cell, 2, Fault("raised", "RuntimeError: no", 3))
    result = cell.compared(raising)
    (point,) = result.points
    assert (point.law, point.summary) == ("SC201", "raised at step 3 (RuntimeError: no), finished before")
    (point,) = cell.compared(cell.recording, raising).points
    assert point.summary == "finishes, before it raised at step 3 (RuntimeError: no)"


def test_another_error_is_a_change_and_other_words_are_of_the_api(cells: Cells) -> None:
    cell = cells(ADAMW)
    old = until_step(cell, 2, Fault("raised", "RuntimeError: no", 3))
    (point,) = cell.compared(until_step(cell, 2, Fault("raised", "ValueError: no", 3)), old).points
    assert (point.law, point.api) == ("SC201", False)
    (point,) = cell.compared(until_step(cell, 2, Fault("raised", "RuntimeError: never", 3)), old).points
    assert (point.message, point.api) == ("the error is RuntimeError: never, was RuntimeError: no", True)
    (point,) = cell.compared(until_step(cell, 1, Fault("raised", "RuntimeError: no", 2)), old).points
    assert point.summary == "raised at step 2 (RuntimeError: no), before it raised at step 3 (RuntimeError: no)"
    (point,) = cell.compared(until_step(cell, 2, Fault("crashed", "RuntimeError: no", 3)), old).points
    assert point.law == "SC201"


def test_numbers_before_an_error_are_compared(cells: Cells) -> None:
    cell = cells(ADAMW)
    raising = until_step(cell, 3, Fault("raised", "RuntimeError: no", 4))
    changed = RecordedCell(cell.spec, raising).altered(WHERE, put("theta", 0, 2, 0, lambda value: value + 1))
    result = cell.compared(changed, raising)
    assert ("changed", "SC101", "leaves the envelope") in summaries(result)


def test_writing_into_a_gradient_is_a_change(cells: Cells) -> None:
    cell = cells(ADAMW)
    result = cell.compared(cell.with_facts(WHERE, wrote=[0, 2]))
    (point,) = result.points
    assert (point.law, point.message) == (
        "SC203",
        f"{WHERE}: tensors whose gradient a step overwrites are [0, 2], were []",
    )


def test_other_calls_of_a_closure_are_a_change(cells: Cells) -> None:
    cell = cells(ADAMW)
    (point,) = cell.compared(
        cell.with_facts(WHERE, calls=[2, 1, 1, 1]), cell.with_facts(WHERE, calls=[1, 1, 1, 1])
    ).points
    assert point.law == "SC233"


def test_a_script_that_is_refused_now_is_a_change(cells: Cells) -> None:
    cell = cells(ADAMW)
    runs = {label: facts for label, facts in cell.recording.facts["runs"].items() if label != WHERE}
    without = replace(cell.recording, facts={"runs": runs})
    assert summaries(cell.compared(without)) == {("changed", "SC201", "is refused, and ran before")}
    assert summaries(cell.compared(cell.recording, without)) == {("changed", "SC201", "was refused, and runs now")}


def test_a_cell_that_is_refused_is_gone_and_one_that_was_is_new(cells: Cells) -> None:
    cell = cells(ADAMW)
    absent = Recording({"absent": "TypeError: no such option"}, {})
    gone, new = cell.compared(absent), cell.compared(cell.recording, absent)
    assert (gone.change, gone.points[0].message) == (Change.GONE, "is refused: TypeError: no such option")
    assert (new.change, new.points[0].message) == (Change.NEW, "was refused: TypeError: no such option")
    assert gone.api
    assert cell.compared(Recording({"absent": "other words"}, {}), absent).change is Change.IDENTICAL
