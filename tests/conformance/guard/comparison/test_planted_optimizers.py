"""Releases that replace a right optimizer by a planted one: its faults are changes, not rounding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import pytest

from conformance.guard.conftest import ROOT
from planted import RIGHT, WRONG, Planted, first_of_each_file, first_of_each_folder
from stepcheck.guard.comparison.compare import compare
from stepcheck.guard.comparison.difference import Change, Difference
from stepcheck.guard.corpus.cell_spec import STEPS, VARIANTS, CellSpec
from stepcheck.guard.corpus.corpus import corpus
from stepcheck.guard.corpus.record_cell import record_cell
from stepcheck.guard.corpus.selection import Selection
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_implementations.workers.pool import Workers

SEEN = {"SC101", "SC102", "SC103", "SC104", "SC201", "SC203", "SC204"}
"""Laws about a single run; others compare runs, or need scripts that guard does not have."""

BEFORE = {planted.claims: planted.target for planted in reversed(RIGHT) if planted.file.startswith("rules/")} | {
    "adam": "tests/planted/rules/controls.py:HandWrittenAdam",
    "sgd": "tests/planted/memory/sizes.py:SgdInChunks",
}
"""The first right optimizer of each rule among those that are about rules, or one that differs in nothing else."""
BEYOND = {
    *("AdamWDecaysAtFirst", "AdamWStopsCorrecting", "AdamWCountsCallsInOneByte", "AdamWCountsInOneByte"),  # a long run
    *("AdamUpdatesWholeChunks", "SgdIndexesIn16Bits", "SgdHalvesAmongThreads"),  # a large tensor
    *("AdamAscendsByDescentMoments", "AdamMaximumOfLastTwo", "AdamTurnsDecayAround", "MomentumLooksAheadTwice"),
}
"""Wrong optimizers that need what no baseline has: its values would take megabytes, or, in the last line, an option
that the right optimizer in whose place they are does not have."""

FOUND = [
    planted
    for planted in WRONG
    if planted.claims in BEFORE
    and planted.name not in BEYOND
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
"""Those whose faults show in invocation variants, or where laws compare two runs."""

Upgraded = Callable[..., Difference]


@pytest.fixture(scope="module")
def upgraded(fork_server: str) -> Iterator[Upgraded]:
    """Returns how the right optimizer of a rule differs from another in its place."""
    with pytest.MonkeyPatch.context() as monkeypatch, Workers(address=fork_server) as workers:
        monkeypatch.chdir(ROOT)

        @cache
        def before(rule: str, variants: bool) -> tuple[CellSpec, Recording]:
            selection = Selection(((BEFORE[rule], rule),), ("single",), ("float32",))
            cells = [entry for entry in corpus(selection, workers) if entry.kind == STEPS]
            (spec,) = [entry for entry in cells if entry.id.endswith(VARIANTS) == variants]
            return spec, record_cell(workers, spec)

        def result(rule: str, where: str, *, variants: bool = False) -> Difference:
            spec, old = before(rule, variants)
            target = {"target": where}
            assert spec.adapter is not None
            assert spec.cell is not None
            retargeted = replace(spec, adapter={**spec.adapter, **target}, cell={**spec.cell, **target})
            return compare(spec, old, record_cell(workers, retargeted))

        yield result


@pytest.mark.parametrize("planted", first_of_each_file(FOUND), ids=lambda planted: planted.name)
def test_a_planted_fault_is_a_change(upgraded: Upgraded, planted: Planted) -> None:
    result = upgraded(planted.claims, planted.target)
    assert result.change is Change.CHANGED
    assert any(point.change is Change.CHANGED and not point.api for point in result.points)


@pytest.mark.parametrize("planted", [entry for entry in WRONG if entry.name in BEYOND], ids=lambda entry: entry.name)
def test_a_fault_beyond_the_scripts_of_guard_does_not_show(upgraded: Upgraded, planted: Planted) -> None:
    result = upgraded(planted.claims, planted.target)
    assert not any(point.change is Change.CHANGED and not point.api for point in result.points)


@pytest.mark.parametrize("planted", first_of_each_folder(WAYS), ids=lambda planted: planted.name)
def test_a_fault_of_an_invocation_variant_is_a_change(upgraded: Upgraded, planted: Planted) -> None:
    result = [upgraded(planted.claims, planted.target, variants=variants) for variants in (True, False)]
    assert {Change.CHANGED, Change.GONE} & {entry.change for entry in result}


def test_there_are_many_of_every_law() -> None:
    assert len(FOUND) > 60
    assert {law for planted in FOUND for law in planted.breaks} >= SEEN - {"SC203"}


def test_another_right_implementation_is_rounding(upgraded: Upgraded) -> None:
    result = upgraded("adam", "tests/planted/rules/controls.py:CorrectAdam")
    assert {point.change for point in result.points if not point.api} == {Change.ROUNDING}
    assert {point.message for point in result.points if point.api} == {
        "state 'step' is a float32 tensor of shape () on cpu, was a number"
    }


@pytest.mark.parametrize("rule", ["adam", "adagrad+initial_accumulator+lr_decay", "nadam", "rprop", "momentum"])
def test_the_same_implementation_is_identical(upgraded: Upgraded, rule: str) -> None:
    assert upgraded(rule, BEFORE[rule]).points == ()
