"""A release that put a planted optimizer in the place of a right one: what it does wrong is a change, not rounding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import pytest

from conformance.guard.conftest import ROOT
from planted import RIGHT, WRONG, Planted
from stepcheck.guard.comparison.compare import compare
from stepcheck.guard.comparison.difference import Change, Difference
from stepcheck.guard.corpus import spec as asking
from stepcheck.guard.corpus.corpus import Wanted, corpus
from stepcheck.guard.corpus.spec import OTHER_WAYS, STEPS, Asked
from stepcheck_implementations.workers.pool import Workers

SEEN = {"SC101", "SC102", "SC103", "SC104", "SC201", "SC203", "SC204"}
"""Laws of what a run does; others compare runs, or ask for what guard's scripts do not do."""

BEFORE = {planted.claims: planted.target for planted in RIGHT} | {
    "adam": "tests/planted/rules/controls.py:HandWrittenAdam"
}
FOUND = [
    planted
    for planted in WRONG
    if planted.claims in BEFORE
    and planted.breaks & SEEN
    and (planted.mode, planted.dtype, planted.hangs) == ("single", "float32", False)
]

WAYS = [
    planted
    for planted in WRONG
    if planted.claims in BEFORE
    and not planted.breaks & SEEN
    and (planted.mode, planted.dtype, planted.hangs) == ("single", "float32", False)
]
"""Those that are wrong where they are driven in other ways than plainly, or where laws compare two runs."""

Upgraded = Callable[..., Difference]


@pytest.fixture(scope="module")
def upgraded(fork_server: str) -> Iterator[Upgraded]:
    """What gives how the right optimizer of a rule differs from another that is in its place."""
    with pytest.MonkeyPatch.context() as monkeypatch, Workers(address=fork_server) as workers:
        monkeypatch.chdir(ROOT)

        @cache
        def before(rule: str, ways: bool) -> tuple[Asked, asking.Recording]:
            wanted = Wanted(((BEFORE[rule], rule),), ("single",), ("float32",))
            cells = [entry for entry in corpus(wanted, workers) if entry.kind == STEPS]
            (asked,) = [entry for entry in cells if entry.id.endswith(OTHER_WAYS) == ways]
            return asked, asking.record(workers, asked)

        def found(rule: str, where: str, *, ways: bool = False) -> Difference:
            asked, old = before(rule, ways)
            target = {"target": where}
            assert asked.adapter is not None
            assert asked.cell is not None
            moved = replace(asked, adapter={**asked.adapter, **target}, cell={**asked.cell, **target})
            return compare(asked, old, asking.record(workers, moved))

        yield found


@pytest.mark.parametrize("planted", FOUND, ids=lambda planted: planted.name)
def test_what_went_wrong_is_a_change(upgraded: Upgraded, planted: Planted) -> None:
    found = upgraded(planted.claims, planted.target)
    assert found.change is Change.CHANGED
    assert any(point.change is Change.CHANGED and not point.api for point in found.points)


@pytest.mark.parametrize("planted", WAYS, ids=lambda planted: planted.name)
def test_what_goes_wrong_in_another_way_is_a_change(upgraded: Upgraded, planted: Planted) -> None:
    found = [upgraded(planted.claims, planted.target, ways=ways) for ways in (True, False)]
    assert {Change.CHANGED, Change.GONE} & {entry.change for entry in found}


def test_there_are_many_of_every_law() -> None:
    assert len(FOUND) > 60
    assert {law for planted in FOUND for law in planted.breaks} >= SEEN - {"SC203"}


def test_another_right_implementation_is_rounding(upgraded: Upgraded) -> None:
    found = upgraded("adam", "tests/planted/rules/controls.py:CorrectAdam")
    assert {point.change for point in found.points if not point.api} == {Change.ROUNDING}
    assert {point.what for point in found.points if point.api} == {
        "state 'step' is a float32 tensor of shape () on cpu, and was a number"
    }


@pytest.mark.parametrize("rule", ["adam", "adagrad+initial_accumulator+lr_decay", "nadam", "rprop", "momentum"])
def test_the_same_implementation_is_identical(upgraded: Upgraded, rule: str) -> None:
    assert upgraded(rule, BEFORE[rule]).points == ()
