"""Schedules: every scheduler class has recipes, and a recording holds what the scheduler did."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from stepcheck_implementations.recorder import scheduler_recipes, scheduler_runs
from stepcheck_implementations.recorder.scheduler_recipes import ALL, FUNCTIONS
from stepcheck_implementations.workers import wire
from stepcheck_implementations.workers.inside.serve import serve

BY_NAME = {recipe["name"]: recipe for recipe in ALL}


@cache
def recorded(name: str) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
    return scheduler_runs.schedule(BY_NAME[name])


def test_every_public_scheduler_has_several_recipes() -> None:
    targets = [recipe["target"] for recipe in ALL]
    assert len(BY_NAME) == len(ALL)
    assert set(scheduler_runs.schedulers()) == set(targets)
    assert all(targets.count(target) >= 3 for target in targets)


def test_recipes_are_json_and_their_functions_take_what_the_table_says() -> None:
    def functions(value: Any) -> list[dict[str, Any]]:
        if isinstance(value, dict):
            inside = [function for entry in value.values() for function in functions(entry)]
            return [value, *inside] if "function" in value else inside
        return [function for entry in value for function in functions(entry)] if isinstance(value, list) else []

    assert json.loads(json.dumps(ALL, allow_nan=False)) == list(ALL)
    calls = functions(list(ALL))
    assert {entry["function"] for entry in calls} == set(FUNCTIONS)
    for entry in calls:
        assert set(entry) - {"function", "object"} == set(FUNCTIONS[entry["function"]])


def test_the_recipes_need_no_torch() -> None:
    assert "torch" not in vars(scheduler_recipes)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_recording_is_json_and_float64_and_the_same_twice(name: str) -> None:
    facts, arrays = recorded(name)
    again, same = scheduler_runs.schedule(BY_NAME[name])
    assert json.dumps(facts, allow_nan=False) == json.dumps(again)
    assert {key: array.tobytes() for key, array in arrays.items()} == {key: a.tobytes() for key, a in same.items()}
    steps, groups = BY_NAME[name]["steps"], len(BY_NAME[name]["groups"])
    assert all(array.dtype == np.float64 and array.shape[1] == groups for array in arrays.values())
    assert len(arrays["lr"]) == steps + 1 or facts["raised"]["driven"]
    assert "driven" in facts["raised"] or facts["continues"]
    assert arrays["last_lr"].tobytes() == arrays["lr"].tobytes()


def test_a_rate_is_recorded_for_every_group_and_step_with_its_closed_form() -> None:
    facts, arrays = recorded("StepLR, every step")
    assert arrays["lr"][:3].tolist() == [[0.1, 0.003], [0.1 * 0.9, 0.003 * 0.9], [0.1 * 0.9 * 0.9, 0.003 * 0.9 * 0.9]]
    assert arrays["closed"][:3].tolist() == [[0.1, 0.003], [0.1 * 0.9, 0.003 * 0.9], [0.1 * 0.9**2, 0.003 * 0.9**2]]
    assert arrays["jumped"][1].tolist() == [0.1 * 0.9**5, 0.003 * 0.9**5]
    assert facts["state"]["step_size"] == 1
    assert facts["groups"] == [{"initial_lr": 0.1}, {"initial_lr": 0.003}]
    assert [text[:36] for text in facts["warnings"]["jumped"]] == ["UserWarning: The epoch parameter in "]
    assert list(facts["warnings"]["jumped"].values()) == [len(BY_NAME["StepLR, every step"]["jumps"])]


def test_momentum_is_recorded_where_it_is_cycled() -> None:
    momentum = recorded("CyclicLR, triangular")[1]["momentum"]
    assert momentum[[0, 5, 10], 0].tolist() == [0.9, 0.8, 0.9]
    assert recorded("OneCycleLR, Adam's beta1")[1]["beta1"][[0, 23], 0].tolist() == [0.95, 0.95]
    assert "momentum" not in recorded("StepLR, every step")[1]


@pytest.mark.parametrize(
    ("name", "at", "error"),
    [
        ("LinearLR, start_factor 0", "construction", "ValueError: Starting multiplicative factor"),
        ("ConstantLR, factor 0", "step 4", "ZeroDivisionError"),
        ("OneCycleLR, more steps than it has", "step 13", "ValueError: Tried to step 13 times"),
        ("StepLR, resumed without initial rates", "construction", "KeyError"),
    ],
)
def test_an_error_is_recorded_with_its_place_after_the_steps_before_it(name: str, at: str, error: str) -> None:
    facts, arrays = recorded(name)
    assert facts["raised"]["driven"]["at"] == at
    assert facts["raised"]["driven"]["error"].startswith(error)
    assert len(arrays["lr"]) == (0 if at == "construction" else int(at.removeprefix("step ")))


def test_a_class_that_is_not_there_is_absent_and_so_is_what_holds_it() -> None:
    missing = {**ALL[0], "target": "torch.optim.lr_scheduler.InverseLR"}
    absent = {"absent": f"torch {torch.__version__} has no torch.optim.lr_scheduler.InverseLR"}
    assert scheduler_runs.schedule(missing) == (absent, {})
    chain = {**ALL[0], "target": "torch.optim.lr_scheduler.ChainedScheduler", "settings": {"schedulers": [missing]}}
    assert scheduler_runs.schedule(chain) == (absent, {})


def test_a_schedule_whose_state_is_lost_is_not_resumed_identically(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.optim.lr_scheduler.LRScheduler, "load_state_dict", lambda self, state: None)
    facts, arrays = scheduler_runs.schedule(BY_NAME["StepLR, the default factor"])
    assert not facts["continues"]
    assert arrays["resumed"][0].tobytes() == arrays["lr"][7].tobytes()
    assert arrays["resumed"].tobytes() != arrays["lr"][7:].tobytes()


def test_the_worker_answers_recording_requests_with_facts_and_named_arrays() -> None:
    recipe = BY_NAME["CyclicLR, triangular"]
    requests = [
        {"ask": "schedule", "recipe": recipe},
        {"ask": "schedulers"},
        {"ask": "surface", "target": "torch.optim.SGD"},
        {"ask": "library_surface", "library": "torch.optim"},
        {"ask": "surface", "target": "torch.optim.Nothing"},
    ]
    sent = b"".join(wire.pack(request) for request in requests)
    answers: list[bytes] = []

    def reader(data: bytes) -> Any:
        position = 0

        def read(count: int) -> bytes:
            nonlocal position
            if count and position == len(data):
                raise EOFError
            position += count
            return data[position - count : position]

        return read

    serve(reader(sent), answers.append)
    (ran, arrays), (all_of_them, _), (sgd, _), (library, _), (error, _) = (wire.unpack(reader(a)) for a in answers)
    assert list(ran["tensors"]) == list(recorded(recipe["name"])[1])
    assert [array.tobytes() for array in arrays] == [array.tobytes() for array in recorded(recipe["name"])[1].values()]
    assert list(all_of_them["facts"]) == scheduler_runs.schedulers()
    step = all_of_them["facts"]["torch.optim.lr_scheduler.StepLR"]
    assert [entry["name"] for entry in step["signature"]] == ["optimizer", "step_size", "gamma", "last_epoch"]
    assert sgd["facts"]["target"] == "torch.optim.SGD"
    assert "torch.optim" in library["facts"]["modules"]
    assert error["error"][0] == "target"
