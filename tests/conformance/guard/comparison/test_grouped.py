"""Differences: their class and order, and groups of those that cells share."""

from __future__ import annotations

import math

from conformance.guard.differences import IN, OUT, SAYS, UNKNOWN, cell
from stepcheck.guard.comparison.difference import CHANGES, Change, Point, worst
from stepcheck.guard.comparison.grouped import grouped, where
from stepcheck.guard.corpus.cell_spec import CHECKPOINT


def test_a_cell_is_of_the_class_of_its_worst_point() -> None:
    assert worst(()) is Change.IDENTICAL
    assert worst((Change.ROUNDING, Change.NEW)) is Change.NEW
    assert cell("A[d] single float32 cpu", [IN, OUT]).change is Change.CHANGED
    assert cell("A[d] single float32 cpu", [IN]).change is Change.ROUNDING
    assert set(CHANGES) == set(Change)


def test_numbers_come_before_words_and_the_worst_before_others() -> None:
    result = cell("A[d] single float32 cpu", [IN, SAYS, OUT])
    assert result.points == (OUT, SAYS, IN)
    assert (result.ulps, result.radii, result.api) == (8388608.0, 1.5e6, True)


def test_a_distance_without_an_envelope_has_no_radii() -> None:
    result = cell("A[d] single float32 cpu", [UNKNOWN])
    assert (result.ulps, result.radii) == (math.inf, 0.0)


def test_a_difference_shared_by_cells_is_one_group_with_the_worst() -> None:
    further = Point(OUT.change, OUT.message, OUT.summary, law=OUT.law, ulps=2.0, radii=9e9)
    cells = [cell(f"A[d] {mode} float32 cpu", [OUT]) for mode in ("single", "foreach")]
    cells.append(cell("A[d] fused float32 cpu", [further]))
    (group,) = grouped(cells)
    assert group.worst is cells[2]
    assert group.where == "3 cells of A (d; single, foreach, fused; float32; cpu)"


def test_a_cell_that_differs_in_one_way_at_several_places_counts_once() -> None:
    other = Point(OUT.change, OUT.message.replace("p0", "p1"), OUT.summary, law=OUT.law, ulps=2.0, radii=9e9)
    (group,) = grouped([cell("A[d] single float32 cpu", [OUT, other]), cell("A[d] fused float32 cpu", [OUT])])
    assert [entry.cell for entry in group.cells] == ["A[d] single float32 cpu", "A[d] fused float32 cpu"]
    assert group.point is other


def test_steps_checkpoints_and_classes_are_grouped_apart() -> None:
    cells = [
        cell("A[d] single float32 cpu", [OUT]),
        cell("A[d] single float32 cpu checkpoint", [OUT], CHECKPOINT),
        cell("B[d] single float32 cpu", [OUT]),
    ]
    assert len(grouped(cells)) == 3


def test_cells_are_named_by_what_they_have_in_common() -> None:
    assert where([cell("A[d] single float32 cpu")]) == "A[d] single float32 cpu"
    several = [cell(f"A[c{n}] single float32 cpu") for n in range(4)]
    assert where(several) == "4 cells of A (single; float32; cpu)"
    assert where([cell("StepLR, rising schedule"), cell("A api")]) == "2 cells, such as StepLR, rising schedule"
    assert where(several[:2], "checkpoints") == "2 checkpoints of A (c0, c1; single; float32; cpu)"
