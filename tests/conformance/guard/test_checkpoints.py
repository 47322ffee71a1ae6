"""Checkpoints: a state dict that an older torch saved goes on here, and one that cannot is told as such."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.guard.courses import Made
from stepcheck.guard.comparison.compare import compare, resumed
from stepcheck.guard.comparison.difference import Change, Difference
from stepcheck.guard.corpus import spec as asking
from stepcheck.guard.corpus.corpus import SAVED_AT, Wanted, corpus
from stepcheck.guard.corpus.spec import CHECKPOINT
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
def saved(workers: Workers) -> Callable[[str], Made]:
    """What gives the first checkpoint of a class, recorded once."""

    @cache
    def made(target: str) -> Made:
        asked = next(
            e for e in corpus(Wanted(((target, None),), ("single",), ("float32",)), workers) if e.kind == CHECKPOINT
        )
        return Made(asked, asking.record(workers, asked))

    return made


def gone_on(workers: Workers, made: Made, old: Recording) -> Difference:
    """Return how going on from what is saved in ``old`` differs."""
    again = resumed(made.asked, old)
    assert again is not None
    return compare(made.asked, old, asking.record(workers, again))


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
def test_a_state_dict_of_this_torch_goes_on_as_if_never_interrupted(workers: Workers, saved, name: str) -> None:
    made = saved(f"torch.optim.{name}")
    found = gone_on(workers, made, made.recording)
    assert (found.change, found.points) == (Change.IDENTICAL, ())
    assert found.reals > 0


@pytest.mark.parametrize("name", COUNTING)
def test_steps_that_were_whole_numbers_go_on(workers: Workers, saved, name: str) -> None:
    made = saved(f"torch.optim.{name}")
    old = edited(made.recording, int_steps)
    assert old.facts["saved"] != made.recording.facts["saved"]
    assert gone_on(workers, made, old).points == ()


@pytest.mark.parametrize("name", NAMES)
def test_groups_without_what_came_later_go_on(workers: Workers, saved, name: str) -> None:
    made = saved(f"torch.optim.{name}")
    old = edited(made.recording, without(*LATER))
    assert str(old.facts["saved"]).count("foreach") == 0
    assert gone_on(workers, made, old).points == ()


def test_an_old_state_dict_of_adamw_goes_on(workers: Workers, saved) -> None:
    made = saved("torch.optim.AdamW")
    old = edited(edited(made.recording, int_steps), without(*LATER))
    assert gone_on(workers, made, old).points == ()


def test_a_state_dict_that_cannot_be_loaded_is_told_as_such(workers: Workers, saved) -> None:
    made = saved("torch.optim.Adam")
    found = gone_on(workers, made, edited(made.recording, without("params")))
    assert found.change is Change.CHANGED
    (point,) = found.points
    assert point.law == "SC201"
    assert point.way.startswith("cannot be loaded (KeyError: 'params'")


def test_a_state_dict_that_is_loaded_and_fails_at_the_next_step_says_at_which(workers: Workers, saved) -> None:
    made = saved("torch.optim.Adam")
    found = gone_on(workers, made, edited(made.recording, without("exp_avg")))
    (point,) = found.points
    assert point.way == f"raised at step {SAVED_AT + 1} (KeyError: 'exp_avg'), and finished before"


def test_a_moment_that_is_loaded_as_another_leaves_the_envelope(workers: Workers, saved) -> None:
    made = saved("torch.optim.Adam")
    place = dict(made.recording.facts["saved"]["dict"])["state"]["dict"][0][1]["dict"]
    number = dict(place)["exp_avg"]["tensor"]
    tensors = {**made.recording.tensors, f"saved {number}": 2 * made.recording.tensors[f"saved {number}"]}
    found = gone_on(workers, made, replace(made.recording, tensors=tensors))
    assert {(point.law, point.way) for point in found.points} >= {("SC102", "leaves the envelope")}
    assert f"after step {SAVED_AT + 1} is" in found.points[0].what


def test_a_state_dict_that_has_lost_a_moment_counts_from_one_again(workers: Workers, saved) -> None:
    made = saved("torch.optim.Adam")
    emptied = edited(
        made.recording,
        lambda tree, arrays: over_pairs(tree, lambda p: [["state", {"dict": []}]] if p[0] == "state" else [p]),
    )
    found = gone_on(workers, made, emptied)
    assert ("SC103", "counts otherwise") in {(point.law, point.way) for point in found.points}


def test_what_is_asked_of_a_checkpoint_starts_where_it_was_saved(saved) -> None:
    made = saved("torch.optim.Adam")
    again = resumed(made.asked, made.recording)
    assert again is not None
    head, tail = (from_json(asked.request["script"]) for asked in (made.asked, again))
    assert tail.steps == head.steps[SAVED_AT:]
    theta = made.recording.tensors["theta.f"].reshape(2, len(head.steps), -1)[0, SAVED_AT - 1]
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


def test_a_run_that_ends_where_it_is_saved_is_recorded_anew(workers: Workers, tmp_path: Path) -> None:
    file = tmp_path / "breaks.py"
    file.write_text(BREAKS.replace("AFTER", str(SAVED_AT)))
    wanted = Wanted(((f"{file}:Breaks", None),), ("single",), ("float32",))
    (asked,) = [entry for entry in corpus(wanted, workers) if entry.kind == CHECKPOINT]
    old = asking.record(workers, asked)
    assert old.facts["fault"] == ["raised", "RuntimeError: no more", SAVED_AT + 1]
    assert resumed(asked, old) is None
    assert compare(asked, old, asking.record(workers, asked)).points == ()


def test_a_class_without_a_state_dict_has_no_checkpoint(workers: Workers, tmp_path: Path) -> None:
    file = tmp_path / "breaks.py"
    file.write_text(BREAKS.replace("AFTER", "1"))
    wanted = Wanted(((f"{file}:Breaks", None),), ("single",), ("float32",))
    (asked,) = [entry for entry in corpus(wanted, workers) if entry.kind == CHECKPOINT]
    assert asking.record(workers, asked).facts == {"absent": "RuntimeError: no more"}
