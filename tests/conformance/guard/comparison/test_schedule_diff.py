"""Schedules compared: rates that differ are compared with the envelope of the documented formula."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from stepcheck.guard.comparison.compare import compare
from stepcheck.guard.comparison.difference import Change, Difference
from stepcheck.guard.corpus.cell_spec import SCHEDULE, CellSpec
from stepcheck.guard.corpus.record_cell import record_cell
from stepcheck_implementations.recorder import scheduler_recipes
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_implementations.workers.pool import Workers

Recorded = Callable[[str], tuple[CellSpec, Recording]]


@pytest.fixture(scope="module")
def recorded(fork_server: str) -> Iterator[Recorded]:
    """Returns the spec and recording of a schedule by name, recorded once."""
    recipes = {recipe["name"]: recipe for recipe in scheduler_recipes.ALL}
    with Workers(address=fork_server) as workers:

        @cache
        def record_schedule(name: str) -> tuple[CellSpec, Recording]:
            recipe = recipes[name]
            spec = CellSpec(f"{name} schedule", SCHEDULE, recipe["target"], {"ask": "schedule", "recipe": recipe})
            return spec, record_cell(workers, spec)

        yield record_schedule


def put(recording: Recording, name: str, row: int, change: Callable[[float], float]) -> Recording:
    values = recording.tensors[name].copy()
    values[row, 0] = change(values[row, 0])
    return replace(recording, tensors={**recording.tensors, name: values})


def differs(recorded: Recorded, schedule: str, name: str, row: int, change: Callable[[float], float]) -> Difference:
    spec, old = recorded(schedule)
    return compare(spec, old, put(old, name, row, change))


def test_every_schedule_is_identical_to_itself(recorded: Recorded) -> None:
    for recipe in scheduler_recipes.ALL:
        spec, result = recorded(recipe["name"])
        difference = compare(spec, result, result)
        assert (difference.change, difference.points, difference.differing) == (Change.IDENTICAL, (), 0)
        assert difference.compared == sum(values.size for values in result.tensors.values())


@pytest.mark.parametrize("name", ["lr", "last_lr", "closed"])
def test_a_rate_an_ulp_away_is_rounding(recorded: Recorded, name: str) -> None:
    result = differs(recorded, "ExponentialLR, falling", name, 9, lambda value: float(np.nextafter(value, np.inf)))
    assert result.change is Change.ROUNDING
    assert (result.ulps, result.differing) == (1.0, 1)
    assert 0 < result.radii <= 2
    assert "of group 0 in row 9 is" in result.points[0].message


@pytest.mark.parametrize("name", ["lr", "last_lr", "closed"])
def test_a_rate_far_away_leaves_the_envelope(recorded: Recorded, name: str) -> None:
    result = differs(recorded, "ExponentialLR, falling", name, 9, lambda value: value * (1 + 1e-9))
    assert (result.change, result.points[0].summary) == (Change.CHANGED, "leaves the envelope")
    assert result.radii > 1000
    assert not result.api


def test_a_rate_that_was_outside_and_is_inside_is_a_change(recorded: Recorded) -> None:
    spec, now = recorded("ExponentialLR, falling")
    result = compare(spec, put(now, "lr", 9, lambda value: value * 2), now)
    assert (result.change, result.points[0].summary) == (Change.CHANGED, "was outside the envelope, and is inside")
    result = compare(spec, put(now, "lr", 9, lambda value: value * 2), put(now, "lr", 9, lambda value: value * 3))
    assert (result.change, result.points[0].summary) == (Change.CHANGED, "changed outside the envelope")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_rate_that_is_not_finite_leaves_the_envelope(recorded: Recorded, value: float) -> None:
    result = differs(recorded, "ExponentialLR, falling", "lr", 9, lambda _: value)
    assert (result.change, result.ulps) == (Change.CHANGED, np.inf)


def test_a_rate_without_a_formula_is_a_change_however_small(recorded: Recorded) -> None:
    result = differs(recorded, "ExponentialLR, resumed", "lr", 3, lambda value: float(np.nextafter(value, np.inf)))
    assert (result.change, result.differing, result.ulps, result.radii) == (Change.CHANGED, 1, 1.0, 0.0)
    assert result.points[0].summary == "changed, and the documentation defines no such sequence"


def test_a_shorter_sequence_and_one_that_is_gone_are_changes(recorded: Recorded) -> None:
    spec, old = recorded("StepLR, rising")
    short = replace(old, tensors={**old.tensors, "lr": old.tensors["lr"][:-1]})
    result = compare(spec, old, short)
    groups = old.tensors["lr"].shape[1]
    size = old.tensors["lr"].size
    assert result.points[0].message == f"the rate has {size - groups} values instead of {size}"
    gone = replace(old, tensors={name: values for name, values in old.tensors.items() if name != "closed"})
    (point,) = compare(spec, old, gone).points
    assert (point.message, point.api) == ("the closed form is gone", True)
    (point,) = compare(spec, gone, old).points
    assert (point.message, point.api) == ("the closed form is new", True)


def test_another_warning_or_state_is_a_change_of_the_api(recorded: Recorded) -> None:
    spec, old = recorded("StepLR, rising")
    result = compare(spec, old, Recording({**old.facts, "more": {"step": 1}}, old.tensors))
    assert (result.change, result.api, result.differing) == (Change.CHANGED, True, 0)


def test_rates_in_the_state_are_compared_as_a_sequence_only(recorded: Recorded) -> None:
    spec, old = recorded("StepLR, rising")
    state = {**old.facts["state"], "_last_lr": [99.0]}
    assert compare(spec, old, Recording({**old.facts, "state": state}, old.tensors)).points == ()
