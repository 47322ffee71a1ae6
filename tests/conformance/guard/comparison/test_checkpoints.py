"""Checkpoints: state dicts of an older torch resume here, and those that cannot are reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.guard.recorded_cells import RecordedCell
from stepcheck.guard.comparison.checkpoint import resume_spec
from stepcheck.guard.comparison.compare import compare
from stepcheck.guard.comparison.difference import Change, Difference
from stepcheck.guard.corpus.cell_spec import CHECKPOINT, SAVED_AT
from stepcheck.guard.corpus.corpus import corpus
from stepcheck.guard.corpus.record_cell import record_cell
from stepcheck.guard.corpus.selection import Selection
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_implementations.workers.pool import Workers
from stepcheck_reference.scripts.script_json import from_json

NAMES = ("Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "ASGD", "NAdam", "RAdam", "RMSprop", "Rprop", "SGD")
COUNTING = tuple(name for name in NAMES if name != "SGD")
LATER = ("foreach", "fused", "capturable", "differentiable", "maximize", "decoupled_weight_decay", "decoupled")
"""Keys of groups that came with later releases."""

Tree = Any


@pytest.fixture(scope="module")
def workers(fork_server: str) -> Iterator[Workers]:
    with Workers(address=fork_server) as opened:
        yield opened


@pytest.fixture(scope="module")
def saved(workers: Workers) -> Callable[[str], RecordedCell]:
    """Returns the first checkpoint of a class, recorded once."""

    @cache
    def recorded(target: str) -> RecordedCell:
        spec = next(
            e for e in corpus(Selection(((target, None),), ("single",), ("float32",)), workers) if e.kind == CHECKPOINT
        )
        return RecordedCell(spec, record_cell(workers, spec))

    return recorded


def resume(workers: Workers, recorded: RecordedCell, old: Recording) -> Difference:
    """Return how a run that resumes from ``old`` differs."""
    resumed = resume_spec(recorded.spec, old)
    assert resumed is not None
    return compare(recorded.spec, old, record_cell(workers, resumed))


def edited(recording: Recording, change: Callable[[Tree, Sequence[Any]], Tree]) -> Recording:
    """Return ``recording`` with another state dict in it; ``change`` gets the frozen tree and its arrays."""
    arrays = [recording.tensors[f"saved {n}"] for n in range(sum(name[:6] == "saved " for name in recording.tensors))]
    return replace(recording, facts={**recording.facts, "saved": change(recording.facts["saved"], arrays)})


def over_pairs(tree: Tree, change: Callable[[list[Any]], list[list[Any]]]) -> Tree:
    """Return ``tree`` with each pair of a dict replaced by the pairs that ``change`` makes of it, innermost first."""
    if isinstance(tree, list):
        return [over_pairs(entry, change) for entry in tree]
    if isinstance(tree, dict) and "dict" in tree:
        return {"dict": [pair for key, value in tree["dict"] for pair in change([key, over_pairs(value, change)])]}
    return tree


def int_steps(tree: Tree, arrays: Sequence[Any]) -> Tree:
    return over_pairs(tree, lambda pair: [["step", int(arrays[pair[1]["tensor"]])]] if pair[0] == "step" else [pair])


def without(*keys: str) -> Callable[[Tree, Sequence[Any]], Tree]:
    return lambda tree, arrays: over_pairs(tree, lambda pair: [] if pair[0] in keys else [pair])


@pytest.mark.parametrize("name", NAMES)
def test_a_state_dict_of_this_torch_resumes_as_if_never_interrupted(workers: Workers, saved, name: str) -> None:
    recorded = saved(f"torch.optim.{name}")
    result = resume(workers, recorded, recorded.recording)
    assert (result.change, result.points) == (Change.IDENTICAL, ())
    assert result.compared > 0


@pytest.mark.parametrize("name", COUNTING)
def test_integer_step_counts_resume(workers: Workers, saved, name: str) -> None:
    recorded = saved(f"torch.optim.{name}")
    old = edited(recorded.recording, int_steps)
    assert old.facts["saved"] != recorded.recording.facts["saved"]
    assert resume(workers, recorded, old).points == ()


@pytest.mark.parametrize("name", NAMES)
def test_groups_without_later_keys_resume(workers: Workers, saved, name: str) -> None:
    recorded = saved(f"torch.optim.{name}")
    old = edited(recorded.recording, without(*LATER))
    assert str(old.facts["saved"]).count("foreach") == 0
    assert resume(workers, recorded, old).points == ()


def test_an_old_state_dict_of_adamw_resumes(workers: Workers, saved) -> None:
    recorded = saved("torch.optim.AdamW")
    old = edited(edited(recorded.recording, int_steps), without(*LATER))
    assert resume(workers, recorded, old).points == ()


def test_a_state_dict_that_cannot_be_loaded_is_reported_as_such(workers: Workers, saved) -> None:
    recorded = saved("torch.optim.Adam")
    result = resume(workers, recorded, edited(recorded.recording, without("params")))
    assert result.change is Change.CHANGED
    (point,) = result.points
    assert point.law == "SC201"
    assert point.summary.startswith("cannot be loaded (KeyError: 'params'")


def test_a_loaded_state_dict_that_fails_later_names_the_step(workers: Workers, saved) -> None:
    recorded = saved("torch.optim.Adam")
    result = resume(workers, recorded, edited(recorded.recording, without("exp_avg")))
    (point,) = result.points
    assert point.summary == f"raised at step {SAVED_AT + 1} (KeyError: 'exp_avg'), finished before"


def test_a_moment_that_is_loaded_as_another_leaves_the_envelope(workers: Workers, saved) -> None:
    recorded = saved("torch.optim.Adam")
    state = dict(recorded.recording.facts["saved"]["dict"])["state"]["dict"][0][1]["dict"]
    number = dict(state)["exp_avg"]["tensor"]
    tensors = {**recorded.recording.tensors, f"saved {number}": 2 * recorded.recording.tensors[f"saved {number}"]}
    result = resume(workers, recorded, replace(recorded.recording, tensors=tensors))
    assert {(point.law, point.summary) for point in result.points} >= {("SC102", "leaves the envelope")}
    assert f"after step {SAVED_AT + 1} is" in result.points[0].message


def test_a_state_dict_that_has_lost_a_moment_counts_from_one_again(workers: Workers, saved) -> None:
    recorded = saved("torch.optim.Adam")
    emptied = edited(
        recorded.recording,
        lambda tree, arrays: over_pairs(tree, lambda p: [["state", {"dict": []}]] if p[0] == "state" else [p]),
    )
    result = resume(workers, recorded, emptied)
    assert ("SC103", "counts steps differently") in {(point.law, point.summary) for point in result.points}


def test_a_resumed_script_starts_where_it_was_saved(saved) -> None:
    recorded = saved("torch.optim.Adam")
    resumed = resume_spec(recorded.spec, recorded.recording)
    assert resumed is not None
    head, tail = (from_json(spec.request["script"]) for spec in (recorded.spec, resumed))
    assert tail.steps == head.steps[SAVED_AT:]
    theta = recorded.recording.tensors["theta.f"].reshape(2, len(head.steps), -1)[0, SAVED_AT - 1]
    assert np.array_equal(np.array(tail.tensors[0].initial.values), theta.astype(float))


BREAKS = """
import torch

class Breaks(torch.optim.SGD):
    taken = 0

    def step(self, closure=None):
        for group in self.param_groups:
            group["taken"] = group.get("taken", 0) + 1
            if group["taken"] > AFTER:
                raise RuntimeError("no more")
        return super().step(closure)
"""


def test_a_run_that_ends_where_it_is_saved_is_repeated_whole(workers: Workers, tmp_path: Path) -> None:
    file = tmp_path / "breaks.py"
    file.write_text(BREAKS.replace("AFTER", str(SAVED_AT)))
    selection = Selection(((f"{file}:Breaks", None),), ("single",), ("float32",))
    (spec,) = [entry for entry in corpus(selection, workers) if entry.kind == CHECKPOINT]
    old = record_cell(workers, spec)
    assert old.facts["fault"] == ["raised", "RuntimeError: no more", SAVED_AT + 1]
    assert resume_spec(spec, old) is None
    assert compare(spec, old, record_cell(workers, spec)).points == ()


def test_a_class_without_a_state_dict_has_no_checkpoint(workers: Workers, tmp_path: Path) -> None:
    file = tmp_path / "breaks.py"
    file.write_text(BREAKS.replace("AFTER", "1"))
    selection = Selection(((f"{file}:Breaks", None),), ("single",), ("float32",))
    (spec,) = [entry for entry in corpus(selection, workers) if entry.kind == CHECKPOINT]
    assert record_cell(workers, spec).facts == {"absent": "RuntimeError: no more"}
