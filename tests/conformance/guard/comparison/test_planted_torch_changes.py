"""Changes planted in a copy of torch's optimizers: each is reported in its class, and nothing else is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.guard.patched_torch import ANOTHER_ORDER, EPS_OUTSIDE, ONE_LATE, OTHER_ETAS, patched
from stepcheck.guard.check_baseline import check
from stepcheck.guard.comparison.check_result import CheckResult
from stepcheck.guard.comparison.compare import compare
from stepcheck.guard.comparison.difference import Change, Difference
from stepcheck.guard.corpus.cell_spec import API, CHECKPOINT, SCHEDULE, STEPS, CellSpec
from stepcheck.guard.corpus.record_cell import record_cell
from stepcheck.guard.corpus.selection import Selection
from stepcheck.guard.record_baseline import record
from stepcheck.processes.executor import Local
from stepcheck_implementations.recorder import scheduler_recipes
from stepcheck_implementations.workers.interpreter import Interpreter
from stepcheck_implementations.workers.pool import Workers

CLASSES = ("Adadelta", "RMSprop", "Rprop", "Adagrad")
SOME = Selection(
    tuple((f"torch.optim.{name}", None) for name in CLASSES), ("single", "foreach", "differentiable"), ("float32",)
)


@pytest.fixture(scope="module")
def patched_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a torch that has all the changes."""
    return patched(tmp_path_factory.mktemp("patched"), (EPS_OUTSIDE, ANOTHER_ORDER, OTHER_ETAS, ONE_LATE))


@pytest.fixture(scope="module")
def patched_workers(patched_copy: Path) -> Iterator[Workers]:
    """Workers that have the copy."""
    with Workers(
        interpreter=Interpreter(Interpreter.own().python, (str(patched_copy), *Interpreter.own().path))
    ) as workers:
        yield workers


@pytest.fixture(scope="module")
def checked(
    patched_copy: Path, patched_workers: Workers, fork_server: str, tmp_path_factory: pytest.TempPathFactory
) -> CheckResult:
    """The result of a check under the copy, of classes that were recorded under torch itself."""
    from stepcheck.guard import check_baseline, record_baseline

    directory = tmp_path_factory.mktemp("planted") / "baseline"
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(record_baseline, "Workers", lambda interpreter: Workers(address=fork_server))
        record(directory, SOME, executor=Local(1))
        monkeypatch.setattr(check_baseline, "Workers", lambda interpreter: Workers(address=patched_workers.address))
        return check(directory, executor=Local(1))


def of(checked: CheckResult, name: str, kind: str) -> list[Difference]:
    return [entry for entry in checked.differences if entry.target == f"torch.optim.{name}" and entry.kind == kind]


def on_a_patched_path(entry: Difference) -> bool:
    return " single " in entry.cell or " differentiable " in entry.cell


def test_workers_have_the_patched_copy(patched_workers: Workers) -> None:
    signature = patched_workers.record_library({"ask": "surface", "target": "torch.optim.Rprop"}).facts["signature"]
    assert next(entry["default"] for entry in signature if entry["name"] == "etas")[1] == 1.25


def test_a_changed_meaning_leaves_the_envelope(checked: CheckResult) -> None:
    for kind in (STEPS, CHECKPOINT):
        cells = of(checked, "Adadelta", kind)
        for entry in cells:
            if not on_a_patched_path(entry):
                assert entry.change is Change.IDENTICAL, entry.cell
                continue
            assert entry.change is Change.CHANGED
            assert ("SC101", "leaves the envelope") in {(point.law, point.summary) for point in entry.points}
            assert entry.radii > 100
            assert not entry.api
        ways = 2 if kind == STEPS else 1  # plain cells and invocation variants
        assert len([entry for entry in cells if entry.change is Change.CHANGED]) == 4 * ways


def test_another_order_of_operations_is_rounding(checked: CheckResult) -> None:
    cells = [*of(checked, "RMSprop", STEPS), *of(checked, "RMSprop", CHECKPOINT)]
    for entry in cells:
        assert entry.change is (Change.ROUNDING if on_a_patched_path(entry) else Change.IDENTICAL), entry
    rounded = [entry for entry in cells if entry.change is Change.ROUNDING]
    assert len(rounded) == 4 * 2 * 3
    assert all({point.summary for point in entry.points} == {"changed within the envelope"} for entry in rounded)
    assert all(entry.differing > 0 for entry in rounded)
    assert all(1 <= entry.ulps < math.inf for entry in rounded)
    assert all(0 < entry.radii <= 2 for entry in rounded)


def test_another_default_is_a_change_of_the_api_alone(checked: CheckResult) -> None:
    (surface,) = of(checked, "Rprop", API)
    assert surface.change is Change.CHANGED
    assert surface.api
    assert surface.points[0].message == "signature.etas.default[1] is 1.25, was 1.2"
    assert {entry.change for entry in [*of(checked, "Rprop", STEPS), *of(checked, "Rprop", CHECKPOINT)]} == {
        Change.IDENTICAL
    }


def test_nothing_that_was_not_planted_differs(checked: CheckResult) -> None:
    assert {entry.change for entry in checked.differences if entry.target == "torch.optim.Adagrad"} == {
        Change.IDENTICAL
    }
    assert {entry.change for name in ("Adadelta", "RMSprop") for entry in of(checked, name, API)} == {Change.IDENTICAL}
    assert len(checked.differences) == sum(
        len(of(checked, name, kind)) for name in CLASSES for kind in (STEPS, CHECKPOINT, API)
    )


def test_a_check_fails_on_what_changed_and_not_on_rounding(checked: CheckResult) -> None:
    assert {entry.target for entry in checked.failing()} == {"torch.optim.Adadelta", "torch.optim.Rprop"}
    assert {entry.target for entry in checked.failing(("rounding",))} == {
        "torch.optim.Adadelta",
        "torch.optim.Rprop",
        "torch.optim.RMSprop",
    }
    assert {entry.cell for entry in checked.failing(("api",))} == {"Rprop api"}


def test_a_scheduler_that_is_one_step_late_is_found(patched_workers: Workers, fork_server: str) -> None:
    results = {}
    with Workers(address=fork_server) as plain:
        for recipe in scheduler_recipes.ALL:
            if recipe["target"].rpartition(".")[2] in ("StepLR", "MultiStepLR"):
                cell = CellSpec(recipe["name"], SCHEDULE, recipe["target"], {"ask": "schedule", "recipe": recipe})
                results[cell.id] = compare(cell, record_cell(plain, cell), record_cell(patched_workers, cell))
    late = results["StepLR, the default factor"]
    assert late.change is Change.CHANGED
    assert "leaves the envelope" in {point.summary for point in late.points}
    assert not late.api
    changed = {name for name, entry in results.items() if entry.change is Change.CHANGED}
    affected = {"the default factor", "every step", "rising", "gamma 0", "step_size 0", "resumed"}
    assert changed == {f"StepLR, {name}" for name in affected}
    assert {entry.change for name, entry in results.items() if name not in changed} == {Change.IDENTICAL}
