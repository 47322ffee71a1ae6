"""Comparison: what a real recording differs in once it has been altered, and of which class and law that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from conformance.guard.courses import Made, made, put, trace
from stepcheck.certification.undeclared.inference import PLAIN
from stepcheck.guard.comparison.difference import Change, Difference
from stepcheck.guard.comparison.rounding import Course, _arithmetics
from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_implementations.recorder.recording import Recording, truncate
from stepcheck_implementations.workers.pool import Workers
from stepcheck_reference import dataclass_codec, rules
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.scripts.trajectory import Fault

Cells = Callable[[str], Made]

ADAMW = "AdamW[default] single float32 cpu"
COMPLEX = "AdamW[default] single complex64 cpu"
NARROW = "AdamW[default] foreach bfloat16 cpu"
HALF = "AdamW[maximize] single float16 cpu"
NADAM = "NAdam[default] single float64 cpu"
ADAGRAD = "Adagrad[default] single float32 cpu"
SGD = "SGD[momentum] single float32 cpu"
UNRULED = "Adafactor[default] single float32 cpu"
WHERE = "two_groups"


@pytest.fixture(scope="module")
def cells(fork_server: str) -> Iterator[Cells]:
    """What gives a cell of torch.optim with what it did, recorded once."""
    with Workers(address=fork_server) as workers:
        yield cache(lambda name: made(workers, f"torch.optim.{name.partition('[')[0]}", name))


def ways(found: Difference) -> set[tuple[str, str, str]]:
    return {(point.change.value, point.law, point.way) for point in found.points}


def roomy(cell: Made, label: str, output: str, tensor: int, step: int) -> tuple[int, float]:
    """Return the element with the most room in its envelope after a step, and its radius."""
    field = cell.field(label, output, tensor)
    ratio, radius = field.ratio[step - 1], field.radius[step - 1]
    at = int(np.argmax(np.where(ratio >= 0, (1 - ratio) * radius, -1)))
    return at, float(radius[at])


def nudged(values: float, times: int = 1) -> float:
    number = np.float32(values)
    for _ in range(times):
        number = np.nextafter(number, np.float32(np.inf))
    return float(number)


def inside(cell: Made, label: str, output: str, tensor: int, step: int) -> tuple[int, float, float]:
    """Return an element that can move by an ulp up or down inside its envelope, where to, and its radius."""
    at, radius = roomy(cell, label, output, tensor, step)
    one = cell.course(label).traces[tensor]
    rows = one.theta[step - 1] if output == "theta" else one.states[output][step]
    for end in (np.inf, -np.inf):
        to = float(np.nextafter(rows[at], rows.dtype.type(end)))
        moved = Made(cell.asked, cell.altered(label, put(output, tensor, step, at, lambda value, to=to: to)))
        if moved.field(label, output, tensor).ratio[step - 1, at] <= 1.0:
            return at, to, radius
    raise AssertionError("no room")


@pytest.mark.parametrize(
    ("cell", "label", "name"),
    [("AdamW[default] differentiable float64 cpu", "two_groups", "float32 scalars in t"), (SGD, WHERE, PLAIN.name)],
)
def test_an_undeclared_subject_is_held_to_the_arithmetic_that_its_old_runs_keep(
    cells: Cells, cell: str, label: str, name: str
) -> None:
    one = cells(cell)
    stranger = {**one.asked.adapter, "declared": False}
    script, course = one.script(label), one.course(label)
    held = _arithmetics(
        rules.find(one.asked.rule),
        dataclass_codec.decode(Adapter, stranger),
        dataclass_codec.decode(Cell, one.asked.cell),
        [Course(script, course, course)],
    )
    assert held[script.tensors[0].dtype].name == name


def test_a_recording_does_not_differ_from_itself(cells: Cells) -> None:
    for name in (ADAMW, COMPLEX, NARROW, NADAM, ADAGRAD, UNRULED):
        found = cells(name).compared(cells(name).recording)
        assert (found.change, found.points, found.moved) == (Change.IDENTICAL, (), 0)
        assert found.reals > 1000


@pytest.mark.parametrize(("output", "law"), [("theta", "SC101"), ("m", "SC102"), ("v", "SC102")])
def test_a_number_an_ulp_away_inside_its_envelope_moved_by_rounding(cells: Cells, output: str, law: str) -> None:
    cell = cells(ADAMW)
    at, to, _ = inside(cell, WHERE, output, 0, 4)
    new = cell.altered(WHERE, put(output, 0, 4, at, lambda value: to))
    found = cell.compared(new)
    assert ways(found) == {("rounding", law, "moved within the envelope")}
    assert (found.moved, found.ulps) == (1, 1.0)
    assert 0 < found.radii <= 2
    assert f"{WHERE}: " in found.points[0].what
    assert f"p0[{at}] after step 4 is {to!r}" in found.points[0].what


@pytest.mark.parametrize(("output", "law"), [("theta", "SC101"), ("m", "SC102"), ("v", "SC102")])
def test_a_number_three_radii_away_leaves_the_envelope(cells: Cells, output: str, law: str) -> None:
    cell = cells(ADAMW)
    at, radius = roomy(cell, WHERE, output, 0, 4)
    found = cell.compared(cell.altered(WHERE, put(output, 0, 4, at, lambda value: value + 3 * radius)))
    assert ways(found) == {("changed", law, "leaves the envelope")}
    assert found.moved == 1
    assert found.radii >= 2
    assert "radii from its centre where it was 0." in found.points[0].what


def test_a_number_that_moved_is_found_in_every_script_and_tensor(cells: Cells) -> None:
    cell = cells(ADAMW)
    for label in cell.recording.facts["runs"]:
        course = cell.course(label)
        for tensor, one in enumerate(course.traces):
            if one.theta.shape[1]:
                new = cell.altered(label, put("theta", tensor, course.steps, 0, lambda value: 2 * value + 1))
                found = cell.compared(new)
                assert found.change is Change.CHANGED, (label, tensor)
                assert found.moved == 1


def test_an_element_that_moves_by_rounding_is_held_to_its_own_envelope_after_that(cells: Cells) -> None:
    cell = cells(ADAMW)
    at, to, _ = inside(cell, WHERE, "theta", 0, 2)
    field = cell.field(WHERE, "theta", 0)
    alone = cell.compared(cell.altered(WHERE, put("theta", 0, 2, at, lambda value: to)))
    assert alone.change in (Change.ROUNDING, Change.CHANGED)
    away = 4 * field.radius[2, at]
    both = (put("theta", 0, 2, at, lambda value: to), put("theta", 0, 3, at, lambda value: value + away))
    found = cell.compared(cell.altered(WHERE, *both))
    assert ("changed", "SC101", "leaves the envelope") in ways(found)
    assert ("rounding", "SC101", "moved within the envelope") in ways(found)


def test_elements_that_part_later_are_found_beside_those_that_parted_early(cells: Cells) -> None:
    cell = cells(ADAMW)
    first, to, _ = inside(cell, WHERE, "theta", 0, 1)
    second = (first + 1) % 9
    radius = cell.field(WHERE, "theta", 0).radius[3, second]
    late = put("theta", 0, 4, second, lambda value: value + 5 * radius)
    found = cell.compared(cell.altered(WHERE, put("theta", 0, 1, first, lambda value: to), late))
    assert f"theta of p0[{second}] after step 4" in found.points[0].what
    assert found.points[0].way == "leaves the envelope"
    assert found.points[0].radii >= 4


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_no_longer_finite_is_a_change(cells: Cells, value: float) -> None:
    cell = cells(ADAMW)
    for output in ("theta", "m"):
        found = cell.compared(cell.altered(WHERE, put(output, 0, 4, 0, lambda _: value)))
        assert found.change is Change.CHANGED
        assert found.ulps == np.inf


def test_a_nan_that_is_a_number_now_is_a_change(cells: Cells) -> None:
    cell = cells(ADAMW)
    old = cell.altered(WHERE, put("theta", 0, 4, 0, lambda _: np.nan))
    assert cell.compared(cell.recording, old).change is Change.CHANGED


def test_zeros_of_other_signs_are_rounding_and_never_identical(cells: Cells) -> None:
    cell = cells(ADAMW)
    old = cell.altered(WHERE, put("theta", 0, 4, 0, lambda _: 0.0))
    new = cell.altered(WHERE, put("theta", 0, 4, 0, lambda _: -0.0))
    found = cell.compared(new, old)
    assert found.change is not Change.IDENTICAL
    assert (found.moved, found.ulps) == (1, 0.0)
    assert "is -0.0, and was 0.0" in found.points[0].what


def test_a_zero_of_another_sign_without_an_envelope_is_not_identical(cells: Cells) -> None:
    cell = cells(ADAMW)
    label = "missing_gradients"
    resting = cell.script(label).steps[2]
    assert resting.gradients == (None, None, None)
    both = [
        cell.altered(label, *(put("theta", 0, step, 0, lambda _, zero=zero: zero) for step in (2, 3, 4)))
        for zero in (0.0, -0.0)
    ]
    late = Made(cell.asked, both[0]).altered(label, put("theta", 0, 6, 0, lambda value: value))
    assert cell.compared(late, both[0]).change is Change.IDENTICAL
    assert cell.compared(both[1], both[0]).change is not Change.IDENTICAL


def test_a_counter_that_is_off_by_one_is_a_change(cells: Cells) -> None:
    cell = cells(ADAMW)

    def late(one):
        count = one.count.copy()
        count[3:] -= 1
        return replace(one, count=count)

    found = cell.compared(cell.altered(WHERE, trace(1, late)))
    assert ways(found) == {("changed", "SC103", "counts otherwise")}
    assert "after step 3 the counter of p1 is 2, and was 3" in found.points[0].what


def outside(cell: Made) -> tuple[str, int, int, float]:
    """Return a script, tensor and element that is outside its envelope after the last step, and its radius."""
    for label in cell.recording.facts["runs"]:
        for tensor, one in enumerate(cell.course(label).traces):
            if one.theta.size and cell.script(label).tensors[tensor].dtype == cell.asked.cell["dtype"]:
                field = cell.field(label, "theta", tensor)
                broken = np.flatnonzero(field.ratio[-1] > 1.0)
                if broken.size:
                    return label, tensor, int(broken[0]), float(field.radius[-1, broken[0]])
    raise AssertionError("everything is inside")


def test_a_cell_that_leaves_the_envelope_anyway_is_compared_where_it_parts(cells: Cells) -> None:
    cell = cells(NADAM)
    label, tensor, at, radius = outside(cell)
    course = cell.course(label)
    value = float(course.traces[tensor].theta[-1, at])
    ulp = float(np.spacing(value))
    for away, change in ((ulp, Change.ROUNDING), (1.9 * radius, Change.ROUNDING), (2.5 * radius + ulp, Change.CHANGED)):
        new = cell.altered(label, put("theta", tensor, course.steps, at, lambda value, far=away: value + far))
        found = cell.compared(new)
        assert found.change is change
        assert {point.law for point in found.points} == {"SC101"}


@pytest.mark.parametrize("name", [NARROW, ADAMW])
def test_what_was_outside_its_envelope_may_move_by_both_radii_and_no_more(cells: Cells, name: str) -> None:
    cell = cells(name)
    form = FORMATS[name.split()[2]]
    at, radius = roomy(cell, WHERE, "theta", 0, 4)
    value = float(cell.course(WHERE).traces[0].theta[3, at])
    ulp = 2.0 ** (np.frexp(value)[1] - form.precision)

    def at_radii(number: float) -> Recording:
        return cell.altered(WHERE, put("theta", 0, 4, at, lambda value: float(form.round(value + number * radius))))

    broken = at_radii(3.0 + ulp / radius)
    for new, change in ((4.0, Change.ROUNDING), (1.5, Change.ROUNDING), (9.0, Change.CHANGED), (0.0, Change.CHANGED)):
        found = cell.compared(at_radii(new), broken)
        assert found.change is change, new
        assert {point.law for point in found.points} == {"SC101"}


def unbounded(cell: Made, output: str, *, bounded: bool) -> tuple[str, int, int, int, float]:
    """Return script, tensor, step and element that is finite and not compared by the oracle, and its radius."""
    for label in cell.recording.facts["runs"]:
        script, course = cell.script(label), cell.course(label)
        for tensor, one in enumerate(course.traces):
            if one.theta.size and script.tensors[tensor].dtype == "float16":
                field = cell.field(label, output, tensor)
                values = one.theta if output == "theta" else one.states[output][1:]
                fits = (field.ratio < 0) & (np.isfinite(field.radius) == bounded) & np.isfinite(values) & (values != 0)
                for row, at in np.argwhere(fits):
                    if script.steps[row].applied[tensor] is not None:
                        return label, tensor, int(row) + 1, int(at), float(field.radius[row, at])
    raise AssertionError("everything is compared")


def ended(cell: Made, label: str, steps: int, *changes) -> Recording:
    """Return the recording with the run of one script cut after a step, and changed."""
    return cell.altered(label, lambda course: replace(truncate(course, steps), entries=course.entries), *changes)


def test_what_moves_where_rounding_may_divide_by_zero_moved_by_rounding(cells: Cells) -> None:
    cell = cells(HALF)
    label, tensor, step, at, _ = unbounded(cell, "theta", bounded=False)
    old = ended(cell, label, step)

    def nearby(value: float) -> float:
        return float(np.nextafter(np.float16(value), np.float16(0)))

    for value in (nearby, lambda value: value / 2):
        found = cell.compared(ended(cell, label, step, put("theta", tensor, step, at, value)), old)
        assert ways(found) == {("rounding", "SC101", "moved where the envelope has no bounds")}
        assert found.ulps >= 1.0
        assert found.radii == 0.0
    for lost in (np.inf, np.nan):
        new = ended(cell, label, step, put("theta", tensor, step, at, lambda _, lost=lost: lost))
        assert ways(cell.compared(new, old)) == {("changed", "SC101", "is finite in one and not in the other")}


def test_what_moves_beside_a_number_that_is_lost_is_held_to_its_radius(cells: Cells) -> None:
    cell = cells(HALF)
    label, tensor, step, at, radius = unbounded(cell, "v", bounded=True)
    old = ended(cell, label, step)
    away = 64 * radius + 64 * 2.0**-24
    new = ended(cell, label, step, put("v", tensor, step, at, lambda value: float(np.float16(value + away))))
    assert ways(cell.compared(new, old)) == {("changed", "SC102", "moved by more than rounding")}


def test_what_is_not_finite_in_either_run_moved_by_rounding(cells: Cells) -> None:
    cell = cells(HALF)
    label, tensor, step, at, _ = unbounded(cell, "theta", bounded=False)
    lost, other = (
        ended(cell, label, step, put("theta", tensor, step, at, lambda _, value=value: value))
        for value in (np.nan, -np.inf)
    )
    assert {change for change, *_ in ways(cell.compared(other, lost))} == {"rounding"}


def test_the_real_and_the_imaginary_part_of_a_number_are_compared_each(cells: Cells) -> None:
    cell = cells(COMPLEX)
    for index in (0, 1):
        away = 5 * float(cell.field(WHERE, "theta", 0).radius[3, index])
        found = cell.compared(cell.altered(WHERE, put("theta", 0, 4, index, lambda value, far=away: value + far)))
        assert ways(found) == {("changed", "SC101", "leaves the envelope")}
        assert f"theta of p0[{index}] after step 4" in found.points[0].what
    at, to, _ = inside(cell, WHERE, "theta", 0, 4)
    found = cell.compared(cell.altered(WHERE, put("theta", 0, 4, at, lambda value: to)))
    assert found.change is Change.ROUNDING


def test_a_tensor_that_moves_without_a_gradient_is_a_change(cells: Cells) -> None:
    cell, label = cells(ADAMW), "missing_gradients"
    assert cell.script(label).steps[2].gradients == (None, None, None)
    found = cell.compared(cell.altered(label, put("theta", 1, 3, 2, lambda value: nudged(value))))
    assert ("changed", "SC204", "moves without a gradient, and did not") in ways(found)
    found = cell.compared(cell.altered(label, put("m", 1, 3, 2, lambda value: nudged(value))))
    assert ("changed", "SC204", "moves without a gradient, and did not") in ways(found)


def test_a_parted_tensor_that_moves_without_a_gradient_is_a_change(cells: Cells) -> None:
    cell, label = cells(ADAMW), "missing_gradients"
    at, to, _ = inside(cell, label, "theta", 0, 2)
    parted = [put("theta", 0, step, at, lambda value: to) for step in (2, 3, 4)]
    assert ("changed", "SC204", "moves without a gradient, and did not") not in ways(
        cell.compared(cell.altered(label, *parted))
    )
    moved = put("theta", 0, 4, at, lambda value: nudged(value, 50))
    found = cell.compared(cell.altered(label, *parted, moved))
    assert ("changed", "SC204", "moves without a gradient, and did not") in ways(found)


def test_another_initial_state_is_a_change_wherever_it_leads(cells: Cells) -> None:
    cell = cells(ADAGRAD)

    def shifted(one):
        return replace(one, states={"h": one.states["h"] + np.float32(0.5)})

    found = cell.compared(cell.altered(WHERE, trace(0, shifted)))
    assert ("changed", "SC104", "has another initial state") in ways(found)
    assert "state h of p0[0] starts at" in next(p.what for p in found.points if p.law == "SC104")


def test_a_state_that_is_there_sooner_is_a_change_of_the_api(cells: Cells) -> None:
    cell, label = cells(SGD), "missing_gradients"

    def sooner(one):
        return replace(one, present={"b": np.ones_like(one.present["b"])})

    found = cell.compared(cell.altered(label, trace(0, sooner)))
    assert ways(found) == {("changed", "", "state b is there at other steps than it was")}
    assert found.api


def test_a_parameter_that_comes_to_a_step_with_other_numbers_is_a_change(cells: Cells) -> None:
    cell = cells(ADAMW)

    def elsewhere(row: int):
        def changed(one):
            before = one.before.copy()
            before[row, 0] += 1
            return replace(one, before=before)

        return changed

    for row in (0, 2):
        found = cell.compared(cell.altered(WHERE, trace(1, elsewhere(row))))
        assert ("changed", "", "starts elsewhere") in ways(found)
        assert f"p1 comes to step {row + 1} with other numbers" in "".join(point.what for point in found.points)


def test_numbers_without_a_rule_are_changed_with_their_ulps(cells: Cells) -> None:
    cell = cells(UNRULED)
    found = cell.compared(cell.altered("ordinary", put("theta", 0, 8, 1, lambda value: nudged(value, 3))))
    assert ways(found) == {("changed", "", "moved, and there is no rule here to say whether by rounding")}
    assert (found.ulps, found.moved) == (3.0, 1)
    assert np.isnan(found.points[0].radii)
    assert found.radii == 0.0


def test_states_that_no_name_is_mapped_to_are_compared_too(cells: Cells) -> None:
    cell = cells(UNRULED)
    name = next(name for name in cell.recording.tensors if name.startswith("ordinary/beside ") and "row_var" in name)
    for change in (lambda values: values * 2, lambda values: np.where(values < np.inf, -0.0 * values, 0)):
        tensors = {**cell.recording.tensors, name: change(cell.recording.tensors[name])}
        found = cell.compared(replace(cell.recording, tensors=tensors))
        assert {way for *_, way in ways(found)} == {"row_var differs, and has no envelope"}
        assert found.change is Change.CHANGED


def test_a_state_of_another_dtype_shape_or_kind_is_a_change_of_the_api(cells: Cells) -> None:
    cell = cells(ADAMW)
    kinds, places = cell.recording.facts["runs"][WHERE]["held"]

    def held(change):
        return cell.told(WHERE, held=[[[change(entry) for entry in kind] for kind in kinds], places])

    found = cell.compared(held(lambda e: [e[0], "bfloat16", *e[2:]] if e[0] == "exp_avg" else e))
    assert found.api
    assert "state 'exp_avg' is a bfloat16 tensor of shape" in found.points[0].what
    found = cell.compared(held(lambda e: ["step", "", "", []] if e[0] == "step" else e))
    assert [point.what for point in found.points] == [
        "state 'step' is a number, and was a float32 tensor of shape () on cpu"
    ]
    found = cell.compared(held(lambda e: ["moment", *e[1:]] if e[0] == "exp_avg" else e))
    assert {point.what.partition(",")[0] for point in found.points} == {
        "state 'exp_avg' is gone",
        "state 'moment' is new",
    }


def test_warnings_that_come_and_go_are_changes_of_the_api(cells: Cells) -> None:
    cell = cells(ADAMW)
    warned = cell.told(WHERE, warnings=["FutureWarning: soon"])
    found = cell.compared(warned)
    assert [(point.what, point.api) for point in found.points] == [("warns now: FutureWarning: soon", True)]
    found = cell.compared(cell.recording, warned)
    assert [(point.what, point.api) for point in found.points] == [("no longer warns: FutureWarning: soon", True)]


def until_step(cell: Made, steps: int, fault: Fault) -> Recording:
    return cell.altered(WHERE, lambda course: replace(truncate(course, steps), fault=fault, entries=course.entries))


def test_a_run_that_raises_now_is_a_change_with_both_endings(cells: Cells) -> None:
    cell = cells(ADAMW)
    raising = until_step(cell, 2, Fault("raised", "RuntimeError: no", 3))
    found = cell.compared(raising)
    (point,) = found.points
    assert (point.law, point.way) == ("SC201", "raised at step 3 (RuntimeError: no), and finished before")
    (point,) = cell.compared(cell.recording, raising).points
    assert point.way == "finishes, and before it raised at step 3 (RuntimeError: no)"


def test_another_error_is_a_change_and_other_words_are_of_the_api(cells: Cells) -> None:
    cell = cells(ADAMW)
    old = until_step(cell, 2, Fault("raised", "RuntimeError: no", 3))
    (point,) = cell.compared(until_step(cell, 2, Fault("raised", "ValueError: no", 3)), old).points
    assert (point.law, point.api) == ("SC201", False)
    (point,) = cell.compared(until_step(cell, 2, Fault("raised", "RuntimeError: never", 3)), old).points
    assert (point.what, point.api) == ("says RuntimeError: never, and said RuntimeError: no", True)
    (point,) = cell.compared(until_step(cell, 1, Fault("raised", "RuntimeError: no", 2)), old).points
    assert point.way == "raised at step 2 (RuntimeError: no), and before it raised at step 3 (RuntimeError: no)"
    (point,) = cell.compared(until_step(cell, 2, Fault("crashed", "RuntimeError: no", 3)), old).points
    assert point.law == "SC201"


def test_numbers_before_an_error_are_compared(cells: Cells) -> None:
    cell = cells(ADAMW)
    raising = until_step(cell, 3, Fault("raised", "RuntimeError: no", 4))
    moved = Made(cell.asked, raising).altered(WHERE, put("theta", 0, 2, 0, lambda value: value + 1))
    found = cell.compared(moved, raising)
    assert ("changed", "SC101", "leaves the envelope") in ways(found)


def test_writing_into_a_gradient_is_a_change(cells: Cells) -> None:
    cell = cells(ADAMW)
    found = cell.compared(cell.told(WHERE, wrote=[0, 2]))
    (point,) = found.points
    assert (point.law, point.what) == (
        "SC203",
        f"{WHERE}: tensors whose gradient a step writes into are [0, 2], and were []",
    )


def test_other_calls_of_a_closure_are_a_change(cells: Cells) -> None:
    cell = cells(ADAMW)
    (point,) = cell.compared(cell.told(WHERE, calls=[2, 1, 1, 1]), cell.told(WHERE, calls=[1, 1, 1, 1])).points
    assert point.law == "SC233"


def test_a_script_that_is_refused_now_is_a_change(cells: Cells) -> None:
    cell = cells(ADAMW)
    runs = {label: facts for label, facts in cell.recording.facts["runs"].items() if label != WHERE}
    without = replace(cell.recording, facts={"runs": runs})
    assert ways(cell.compared(without)) == {("changed", "SC201", "is refused, and was not")}
    assert ways(cell.compared(cell.recording, without)) == {("changed", "SC201", "was refused, and is not")}


def test_a_cell_that_is_refused_is_gone_and_one_that_was_is_new(cells: Cells) -> None:
    cell = cells(ADAMW)
    absent = Recording({"absent": "TypeError: no such option"}, {})
    gone, new = cell.compared(absent), cell.compared(cell.recording, absent)
    assert (gone.change, gone.points[0].what) == (Change.GONE, "refused: TypeError: no such option")
    assert (new.change, new.points[0].what) == (Change.NEW, "it was refused: TypeError: no such option")
    assert gone.api
    assert cell.compared(Recording({"absent": "other words"}, {}), absent).change is Change.IDENTICAL
