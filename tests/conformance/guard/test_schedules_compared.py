"""Schedules compared: rates that moved are held to the envelope of the documented formula."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from stepcheck.guard.comparison.compare import compare
from stepcheck.guard.comparison.difference import Change, Difference
from stepcheck.guard.corpus import spec as asking
from stepcheck.guard.corpus.spec import SCHEDULE, Asked
from stepcheck_implementations.recorder import scheduler_recipes
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_implementations.workers.pool import Workers

Told = Callable[[str], tuple[Asked, Recording]]


@pytest.fixture(scope="module")
def recorded(fork_server: str) -> Iterator[Told]:
    """What gives a schedule by name with what it came to, recorded once."""
    recipes = {recipe["name"]: recipe for recipe in scheduler_recipes.ALL}
    with Workers(address=fork_server) as workers:

        @cache
        def made(name: str) -> tuple[Asked, Recording]:
            recipe = recipes[name]
            asked = Asked(f"{name} schedule", SCHEDULE, recipe["target"], {"ask": "schedule", "recipe": recipe})
            return asked, asking.record(workers, asked)

        yield made


def put(recording: Recording, name: str, row: int, change: Callable[[float], float]) -> Recording:
    values = recording.tensors[name].copy()
    values[row, 0] = change(values[row, 0])
    return replace(recording, tensors={**recording.tensors, name: values})


def differs(recorded: Told, schedule: str, name: str, row: int, change: Callable[[float], float]) -> Difference:
    asked, old = recorded(schedule)
    return compare(asked, old, put(old, name, row, change))


def test_every_schedule_is_identical_to_itself(recorded: Told) -> None:
    for recipe in scheduler_recipes.ALL:
        asked, found = recorded(recipe["name"])
        told = compare(asked, found, found)
        assert (told.change, told.points, told.moved) == (Change.IDENTICAL, (), 0)
        assert told.reals == sum(values.size for values in found.tensors.values())


@pytest.mark.parametrize("name", ["lr", "last_lr", "closed"])
def test_a_rate_an_ulp_away_moved_by_rounding(recorded: Told, name: str) -> None:
    found = differs(recorded, "ExponentialLR, falling", name, 9, lambda value: float(np.nextafter(value, np.inf)))
    assert found.change is Change.ROUNDING
    assert (found.ulps, found.moved) == (1.0, 1)
    assert 0 < found.radii <= 2
    assert "of group 0 in row 9 is" in found.points[0].what


@pytest.mark.parametrize("name", ["lr", "last_lr", "closed"])
def test_a_rate_far_away_leaves_the_envelope(recorded: Told, name: str) -> None:
    found = differs(recorded, "ExponentialLR, falling", name, 9, lambda value: value * (1 + 1e-9))
    assert (found.change, found.points[0].way) == (Change.CHANGED, "leaves the envelope")
    assert found.radii > 1000
    assert not found.api


def test_a_rate_that_was_outside_and_is_inside_is_a_change(recorded: Told) -> None:
    asked, now = recorded("ExponentialLR, falling")
    found = compare(asked, put(now, "lr", 9, lambda value: value * 2), now)
    assert (found.change, found.points[0].way) == (Change.CHANGED, "was outside the envelope, and is inside")
    found = compare(asked, put(now, "lr", 9, lambda value: value * 2), put(now, "lr", 9, lambda value: value * 3))
    assert (found.change, found.points[0].way) == (Change.CHANGED, "moved outside the envelope")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_rate_that_is_not_finite_leaves_the_envelope(recorded: Told, value: float) -> None:
    found = differs(recorded, "ExponentialLR, falling", "lr", 9, lambda _: value)
    assert (found.change, found.ulps) == (Change.CHANGED, np.inf)


def test_a_rate_without_a_formula_is_a_change_however_little_it_moved(recorded: Told) -> None:
    found = differs(recorded, "ExponentialLR, resumed", "lr", 3, lambda value: float(np.nextafter(value, np.inf)))
    assert (found.change, found.moved, found.ulps, found.radii) == (Change.CHANGED, 1, 1.0, 0.0)
    assert found.points[0].way == "moved, and the documentation defines no such sequence"


def test_a_shorter_sequence_and_one_that_is_gone_are_changes(recorded: Told) -> None:
    asked, old = recorded("StepLR, rising")
    short = replace(old, tensors={**old.tensors, "lr": old.tensors["lr"][:-1]})
    found = compare(asked, old, short)
    groups = old.tensors["lr"].shape[1]
    size = old.tensors["lr"].size
    assert found.points[0].what == f"the rate has {size - groups} numbers, and had {size}"
    gone = replace(old, tensors={name: values for name, values in old.tensors.items() if name != "closed"})
    (point,) = compare(asked, old, gone).points
    assert (point.what, point.api) == ("the closed form is gone", True)
    (point,) = compare(asked, gone, old).points
    assert (point.what, point.api) == ("the closed form is new", True)


def test_another_warning_or_state_is_a_change_of_the_api(recorded: Told) -> None:
    asked, old = recorded("StepLR, rising")
    found = compare(asked, old, Recording({**old.facts, "more": {"step": 1}}, old.tensors))
    assert (found.change, found.api, found.moved) == (Change.CHANGED, True, 0)


def test_rates_in_the_state_are_told_as_a_sequence_and_not_again(recorded: Told) -> None:
    asked, old = recorded("StepLR, rising")
    state = {**old.facts["state"], "_last_lr": [99.0]}
    assert compare(asked, old, Recording({**old.facts, "state": state}, old.tensors)).points == ()
