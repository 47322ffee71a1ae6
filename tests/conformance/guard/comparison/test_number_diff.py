"""Numbers compared: which class and law each difference of a real recording belongs to once its numbers are altered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from conformance.guard.comparison.conftest import (
    ADAGRAD,
    ADAMW,
    COMPLEX,
    HALF,
    NADAM,
    NARROW,
    SGD,
    UNRULED,
    WHERE,
    Cells,
    summaries,
)
from conformance.guard.recorded_cells import RecordedCell, put, trace
from stepcheck.certification.undeclared.inference import PLAIN
from stepcheck.guard.comparison.difference import Change
from stepcheck.guard.comparison.number_diff import arithmetics_of
from stepcheck.guard.comparison.run_pair import RunPair
from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_implementations.recorder.recording import Recording, truncate
from stepcheck_reference import dataclass_codec, rules
from stepcheck_reference.formats import FORMATS


def roomiest(cell: RecordedCell, label: str, output: str, tensor: int, step: int) -> tuple[int, float]:
    """Return the element with the most room in its envelope after a step, and its radius."""
    field = cell.field(label, output, tensor)
    ratio, radius = field.ratio[step - 1], field.radius[step - 1]
    at = int(np.argmax(np.where(ratio >= 0, (1 - ratio) * radius, -1)))
    return at, float(radius[at])


def next_after(values: float, times: int = 1) -> float:
    number = np.float32(values)
    for _ in range(times):
        number = np.nextafter(number, np.float32(np.inf))
    return float(number)


def movable_inside(cell: RecordedCell, label: str, output: str, tensor: int, step: int) -> tuple[int, float, float]:
    """Return an element that can move by an ulp up or down inside its envelope, where to, and its radius."""
    at, radius = roomiest(cell, label, output, tensor, step)
    one = cell.trajectory(label).traces[tensor]
    rows = one.theta[step - 1] if output == "theta" else one.states[output][step]
    for end in (np.inf, -np.inf):
        to = float(np.nextafter(rows[at], rows.dtype.type(end)))
        changed = RecordedCell(cell.spec, cell.altered(label, put(output, tensor, step, at, lambda value, to=to: to)))
        if changed.field(label, output, tensor).ratio[step - 1, at] <= 1.0:
            return at, to, radius
    raise AssertionError("no room")


@pytest.mark.parametrize(
    ("cell", "label", "name"),
    [("AdamW[default] differentiable float64 cpu", "two_groups", "float32 scalars in t"), (SGD, WHERE, PLAIN.name)],
)
def test_an_undeclared_subject_has_the_arithmetic_that_its_old_runs_keep_to(
    cells: Cells, cell: str, label: str, name: str
) -> None:
    one = cells(cell)
    undeclared = {**one.spec.adapter, "declared": False}
    script, trajectory = one.script(label), one.trajectory(label)
    arithmetics = arithmetics_of(
        rules.find(one.spec.rule),
        dataclass_codec.decode(Adapter, undeclared),
        dataclass_codec.decode(Cell, one.spec.cell),
        [RunPair(script, trajectory, trajectory)],
    )
    assert arithmetics[script.tensors[0].dtype].name == name


def test_a_recording_does_not_differ_from_itself(cells: Cells) -> None:
    for name in (ADAMW, COMPLEX, NARROW, NADAM, ADAGRAD, UNRULED):
        result = cells(name).compared(cells(name).recording)
        assert (result.change, result.points, result.differing) == (Change.IDENTICAL, (), 0)
        assert result.compared > 1000


@pytest.mark.parametrize(("output", "law"), [("theta", "SC101"), ("m", "SC102"), ("v", "SC102")])
def test_a_number_an_ulp_away_inside_its_envelope_is_rounding(cells: Cells, output: str, law: str) -> None:
    cell = cells(ADAMW)
    at, to, _ = movable_inside(cell, WHERE, output, 0, 4)
    new = cell.altered(WHERE, put(output, 0, 4, at, lambda value: to))
    result = cell.compared(new)
    assert summaries(result) == {("rounding", law, "changed within the envelope")}
    assert (result.differing, result.ulps) == (1, 1.0)
    assert 0 < result.radii <= 2
    assert f"{WHERE}: " in result.points[0].message
    assert f"p0[{at}] after step 4 is {to!r}" in result.points[0].message


@pytest.mark.parametrize(("output", "law"), [("theta", "SC101"), ("m", "SC102"), ("v", "SC102")])
def test_a_number_three_radii_away_leaves_the_envelope(cells: Cells, output: str, law: str) -> None:
    cell = cells(ADAMW)
    at, radius = roomiest(cell, WHERE, output, 0, 4)
    result = cell.compared(cell.altered(WHERE, put(output, 0, 4, at, lambda value: value + 3 * radius)))
    assert summaries(result) == {("changed", law, "leaves the envelope")}
    assert result.differing == 1
    assert result.radii >= 2
    assert "radii from the centre, was 0." in result.points[0].message


def test_a_changed_number_is_found_in_every_script(cells: Cells) -> None:
    cell = cells(ADAMW)
    for label in cell.recording.facts["runs"]:
        trajectory = cell.trajectory(label)
        filled = [tensor for tensor, one in enumerate(trajectory.traces) if one.theta.shape[1]]
        for tensor in {filled[0], filled[len(filled) // 2], filled[-1]} if filled else ():
            new = cell.altered(label, put("theta", tensor, trajectory.steps, 0, lambda value: 2 * value + 1))
            result = cell.compared(new)
            assert result.change is Change.CHANGED, (label, tensor)
            assert result.differing == 1


def test_an_element_that_diverges_by_rounding_is_compared_with_its_own_envelope_afterwards(cells: Cells) -> None:
    cell = cells(ADAMW)
    at, to, _ = movable_inside(cell, WHERE, "theta", 0, 2)
    field = cell.field(WHERE, "theta", 0)
    alone = cell.compared(cell.altered(WHERE, put("theta", 0, 2, at, lambda value: to)))
    assert alone.change in (Change.ROUNDING, Change.CHANGED)
    away = 4 * field.radius[2, at]
    both = (put("theta", 0, 2, at, lambda value: to), put("theta", 0, 3, at, lambda value: value + away))
    result = cell.compared(cell.altered(WHERE, *both))
    assert ("changed", "SC101", "leaves the envelope") in summaries(result)
    assert ("rounding", "SC101", "changed within the envelope") in summaries(result)


def test_elements_that_diverge_later_are_found_as_well_as_earlier_ones(cells: Cells) -> None:
    cell = cells(ADAMW)
    first, to, _ = movable_inside(cell, WHERE, "theta", 0, 1)
    second = (first + 1) % 9
    radius = cell.field(WHERE, "theta", 0).radius[3, second]
    late = put("theta", 0, 4, second, lambda value: value + 5 * radius)
    result = cell.compared(cell.altered(WHERE, put("theta", 0, 1, first, lambda value: to), late))
    assert f"theta of p0[{second}] after step 4" in result.points[0].message
    assert result.points[0].summary == "leaves the envelope"
    assert result.points[0].radii >= 4


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_no_longer_finite_is_a_change(cells: Cells, value: float) -> None:
    cell = cells(ADAMW)
    for output in ("theta", "m"):
        result = cell.compared(cell.altered(WHERE, put(output, 0, 4, 0, lambda _: value)))
        assert result.change is Change.CHANGED
        assert result.ulps == np.inf


def test_a_nan_that_is_a_number_now_is_a_change(cells: Cells) -> None:
    cell = cells(ADAMW)
    old = cell.altered(WHERE, put("theta", 0, 4, 0, lambda _: np.nan))
    assert cell.compared(cell.recording, old).change is Change.CHANGED


def test_zeros_of_other_signs_are_rounding_and_never_identical(cells: Cells) -> None:
    cell = cells(ADAMW)
    old = cell.altered(WHERE, put("theta", 0, 4, 0, lambda _: 0.0))
    new = cell.altered(WHERE, put("theta", 0, 4, 0, lambda _: -0.0))
    result = cell.compared(new, old)
    assert result.change is not Change.IDENTICAL
    assert (result.differing, result.ulps) == (1, 0.0)
    assert "is -0.0, was 0.0" in result.points[0].message


def test_a_zero_of_another_sign_without_an_envelope_is_not_identical(cells: Cells) -> None:
    cell = cells(ADAMW)
    label = "missing_gradients"
    resting = cell.script(label).steps[2]
    assert resting.gradients == (None, None, None)
    both = [
        cell.altered(label, *(put("theta", 0, step, 0, lambda _, zero=zero: zero) for step in (2, 3, 4)))
        for zero in (0.0, -0.0)
    ]
    late = RecordedCell(cell.spec, both[0]).altered(label, put("theta", 0, 6, 0, lambda value: value))
    assert cell.compared(late, both[0]).change is Change.IDENTICAL
    assert cell.compared(both[1], both[0]).change is not Change.IDENTICAL


def test_a_counter_that_is_off_by_one_is_a_change(cells: Cells) -> None:
    cell = cells(ADAMW)

    def late(one):
        count = one.count.copy()
        count[3:] -= 1
        return replace(one, count=count)

    result = cell.compared(cell.altered(WHERE, trace(1, late)))
    assert summaries(result) == {("changed", "SC103", "counts steps differently")}
    assert "the step count of p1 after step 3 is 2, was 3" in result.points[0].message


def outside(cell: RecordedCell) -> tuple[str, int, int, float]:
    """Return a script, tensor and element that is outside its envelope after the last step, and its radius."""
    for label in cell.recording.facts["runs"]:
        for tensor, one in enumerate(cell.trajectory(label).traces):
            if one.theta.size and cell.script(label).tensors[tensor].dtype == cell.spec.cell["dtype"]:
                field = cell.field(label, "theta", tensor)
                broken = np.flatnonzero(field.ratio[-1] > 1.0)
                if broken.size:
                    return label, tensor, int(broken[0]), float(field.radius[-1, broken[0]])
    raise AssertionError("everything is inside")


def test_a_cell_that_leaves_the_envelope_anyway_is_compared_where_it_diverges(cells: Cells) -> None:
    cell = cells(NADAM)
    label, tensor, at, radius = outside(cell)
    trajectory = cell.trajectory(label)
    value = float(trajectory.traces[tensor].theta[-1, at])
    ulp = float(np.spacing(value))
    for away, change in ((ulp, Change.ROUNDING), (1.9 * radius, Change.ROUNDING), (2.5 * radius + ulp, Change.CHANGED)):
        new = cell.altered(label, put("theta", tensor, trajectory.steps, at, lambda value, far=away: value + far))
        result = cell.compared(new)
        assert result.change is change
        assert {point.law for point in result.points} == {"SC101"}


@pytest.mark.parametrize("name", [NARROW, ADAMW])
def test_a_number_outside_its_envelope_may_differ_by_both_radii_and_no_more(cells: Cells, name: str) -> None:
    cell = cells(name)
    form = FORMATS[name.split()[2]]
    at, radius = roomiest(cell, WHERE, "theta", 0, 4)
    value = float(cell.trajectory(WHERE).traces[0].theta[3, at])
    ulp = 2.0 ** (np.frexp(value)[1] - form.precision)

    def at_radii(number: float) -> Recording:
        return cell.altered(WHERE, put("theta", 0, 4, at, lambda value: float(form.round(value + number * radius))))

    broken = at_radii(3.0 + ulp / radius)
    for new, change in ((4.0, Change.ROUNDING), (1.5, Change.ROUNDING), (9.0, Change.CHANGED), (0.0, Change.CHANGED)):
        result = cell.compared(at_radii(new), broken)
        assert result.change is change, new
        assert {point.law for point in result.points} == {"SC101"}


def uncompared(cell: RecordedCell, output: str, *, bounded: bool) -> tuple[str, int, int, int, float]:
    """Return script, tensor, step and element that is finite and not compared by the oracle, and its radius."""
    for label in cell.recording.facts["runs"]:
        script, trajectory = cell.script(label), cell.trajectory(label)
        for tensor, one in enumerate(trajectory.traces):
            if one.theta.size and script.tensors[tensor].dtype == "float16":
                field = cell.field(label, output, tensor)
                values = one.theta if output == "theta" else one.states[output][1:]
                fits = (field.ratio < 0) & (np.isfinite(field.radius) == bounded) & np.isfinite(values) & (values != 0)
                for row, at in np.argwhere(fits):
                    if script.steps[row].applied[tensor] is not None:
                        return label, tensor, int(row) + 1, int(at), float(field.radius[row, at])
    raise AssertionError("everything is compared")


def ended(cell: RecordedCell, label: str, steps: int, *changes) -> Recording:
    """Return the recording with the run of one script cut after a step, and changed."""
    return cell.altered(
        label, lambda trajectory: replace(truncate(trajectory, steps), entries=trajectory.entries), *changes
    )


def test_a_change_where_rounding_may_divide_by_zero_is_rounding(cells: Cells) -> None:
    cell = cells(HALF)
    label, tensor, step, at, _ = uncompared(cell, "theta", bounded=False)
    old = ended(cell, label, step)

    def nearby(value: float) -> float:
        return float(np.nextafter(np.float16(value), np.float16(0)))

    for value in (nearby, lambda value: value / 2):
        result = cell.compared(ended(cell, label, step, put("theta", tensor, step, at, value)), old)
        assert summaries(result) == {("rounding", "SC101", "changed where the envelope is unbounded")}
        assert result.ulps >= 1.0
        assert result.radii == 0.0
    for lost in (np.inf, np.nan):
        new = ended(cell, label, step, put("theta", tensor, step, at, lambda _, lost=lost: lost))
        assert summaries(cell.compared(new, old)) == {("changed", "SC101", "is finite in only one of the two")}


def test_a_bounded_number_that_is_not_compared_may_differ_by_its_radius(cells: Cells) -> None:
    cell = cells(HALF)
    label, tensor, step, at, radius = uncompared(cell, "v", bounded=True)
    old = ended(cell, label, step)
    away = 64 * radius + 64 * 2.0**-24
    new = ended(cell, label, step, put("v", tensor, step, at, lambda value: float(np.float16(value + away))))
    assert summaries(cell.compared(new, old)) == {("changed", "SC102", "changed by more than rounding")}


def test_a_number_that_is_finite_in_neither_run_is_rounding(cells: Cells) -> None:
    cell = cells(HALF)
    label, tensor, step, at, _ = uncompared(cell, "theta", bounded=False)
    lost, other = (
        ended(cell, label, step, put("theta", tensor, step, at, lambda _, value=value: value))
        for value in (np.nan, -np.inf)
    )
    assert {change for change, *_ in summaries(cell.compared(other, lost))} == {"rounding"}


def test_real_and_imaginary_parts_are_compared_separately(cells: Cells) -> None:
    cell = cells(COMPLEX)
    for index in (0, 1):
        away = 5 * float(cell.field(WHERE, "theta", 0).radius[3, index])
        result = cell.compared(cell.altered(WHERE, put("theta", 0, 4, index, lambda value, far=away: value + far)))
        assert summaries(result) == {("changed", "SC101", "leaves the envelope")}
        assert f"theta of p0[{index}] after step 4" in result.points[0].message
    at, to, _ = movable_inside(cell, WHERE, "theta", 0, 4)
    result = cell.compared(cell.altered(WHERE, put("theta", 0, 4, at, lambda value: to)))
    assert result.change is Change.ROUNDING


def test_a_tensor_that_changes_without_a_gradient_is_a_change(cells: Cells) -> None:
    cell, label = cells(ADAMW), "missing_gradients"
    assert cell.script(label).steps[2].gradients == (None, None, None)
    result = cell.compared(cell.altered(label, put("theta", 1, 3, 2, lambda value: next_after(value))))
    assert ("changed", "SC204", "changes without a gradient, did not before") in summaries(result)
    result = cell.compared(cell.altered(label, put("m", 1, 3, 2, lambda value: next_after(value))))
    assert ("changed", "SC204", "changes without a gradient, did not before") in summaries(result)


def test_a_diverged_tensor_that_changes_without_a_gradient_is_a_change(cells: Cells) -> None:
    cell, label = cells(ADAMW), "missing_gradients"
    at, to, _ = movable_inside(cell, label, "theta", 0, 2)
    parted = [put("theta", 0, step, at, lambda value: to) for step in (2, 3, 4)]
    assert ("changed", "SC204", "changes without a gradient, did not before") not in summaries(
        cell.compared(cell.altered(label, *parted))
    )
    change = put("theta", 0, 4, at, lambda value: next_after(value, 50))
    result = cell.compared(cell.altered(label, *parted, change))
    assert ("changed", "SC204", "changes without a gradient, did not before") in summaries(result)


def test_another_initial_state_is_a_change_wherever_it_leads(cells: Cells) -> None:
    cell = cells(ADAGRAD)

    def shifted(one):
        return replace(one, states={"h": one.states["h"] + np.float32(0.5)})

    result = cell.compared(cell.altered(WHERE, trace(0, shifted)))
    assert ("changed", "SC104", "has another initial value") in summaries(result)
    assert "state h of p0[0] starts at" in next(p.message for p in result.points if p.law == "SC104")


def test_a_state_that_exists_earlier_is_a_change_of_the_api(cells: Cells) -> None:
    cell, label = cells(SGD), "missing_gradients"

    def sooner(one):
        return replace(one, present={"b": np.ones_like(one.present["b"])})

    result = cell.compared(cell.altered(label, trace(0, sooner)))
    assert summaries(result) == {("changed", "", "state b exists at other steps than before")}
    assert result.api


def test_a_parameter_that_starts_a_step_from_other_values_is_a_change(cells: Cells) -> None:
    cell = cells(ADAMW)

    def elsewhere(row: int):
        def changed(one):
            before = one.before.copy()
            before[row, 0] += 1
            return replace(one, before=before)

        return changed

    for row in (0, 2):
        result = cell.compared(cell.altered(WHERE, trace(1, elsewhere(row))))
        assert ("changed", "", "starts from other values") in summaries(result)
        assert f"p1 at step {row + 1}: starts from other values" in "".join(point.message for point in result.points)


def test_numbers_without_a_rule_are_changed_with_their_ulps(cells: Cells) -> None:
    cell = cells(UNRULED)
    result = cell.compared(cell.altered("ordinary", put("theta", 0, 8, 1, lambda value: next_after(value, 3))))
    assert summaries(result) == {("changed", "", "changed, and without a rule there is no envelope")}
    assert (result.ulps, result.differing) == (3.0, 1)
    assert np.isnan(result.points[0].radii)
    assert result.radii == 0.0
