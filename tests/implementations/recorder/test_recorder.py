"""The recorder: a run with everything that its optimizer holds, raises and warns of."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from implementations.short_scripts import ADAM, cell, hyper_of, script_of
from stepcheck_implementations.adapters import torch_optim, torch_optim_record_only
from stepcheck_implementations.adapters.adapter import Adapter
from stepcheck_implementations.driver import execution
from stepcheck_implementations.recorder import recorder
from stepcheck_implementations.recorder.recording import Recording, concatenate, to_trajectory, truncate
from stepcheck_implementations.recorder.serialize import deserialize
from stepcheck_reference.scripts.script import Literal, Script

MINE = """
import warnings
import torch

class Mine(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)

    def step(self, closure=None):
        warnings.warn(f"soon {hex(id(self))}", FutureWarning)
        super().step(closure)
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p] = {"half": p.detach().to(torch.bfloat16), "n": 3, "pair": (1.5, torch.tensor(2)),
                                 "table": {"x": torch.view_as_complex(torch.ones(1, 2))}, "word": "no"}
"""


@pytest.fixture
def my_adapter(tmp_path: Path) -> Adapter:
    (tmp_path / "mine.py").write_text(MINE)
    return Adapter(f"{tmp_path / 'mine.py'}:Mine", None, {"lr": "lr"}, {}, {"single": {}}, count=None)


def labelled(*labels: str, **options: Any) -> list[Script]:
    return [replace(script_of(ADAM, **options), label=label) for label in labels]


def saved(recording: Recording) -> list[Any]:
    return [
        recording.tensors[f"saved {n}"] for n in range(sum(name.startswith("saved ") for name in recording.tensors))
    ]


def tail_of(script: Script, recording: Recording, at: int) -> Script:
    thetas = [trace.theta[at - 1] for trace in to_trajectory(script, recording).traces]
    tensors = [
        replace(tensor, initial=Literal(tuple(theta.astype(float).tolist())))
        for tensor, theta in zip(script.tensors, thetas, strict=True)
    ]
    return replace(script, tensors=tuple(tensors), steps=script.steps[at:])


def test_a_recorded_run_is_the_run_that_a_worker_makes() -> None:
    where = cell(torch_optim.ADAM)
    scripts = labelled("one", "two")
    recording = recorder.record(torch_optim.ADAM, where, scripts)
    assert list(recording.facts["runs"]) == ["one", "two"]
    expected = execution.run(torch_optim.ADAM, where, scripts[0])
    arrays = {
        name.removeprefix("one/"): values for name, values in recording.tensors.items() if name.startswith("one/")
    }
    trajectory = to_trajectory(scripts[0], Recording(recording.facts["runs"]["one"], arrays))
    assert [trace.theta.tobytes() for trace in trajectory.traces] == [
        trace.theta.tobytes() for trace in expected.traces
    ]
    assert recording.facts["runs"]["one"]["warnings"] == []


def test_states_that_are_not_to_be_read_are_left_out() -> None:
    recording = recorder.record(torch_optim.ADAM, cell(torch_optim.ADAM), labelled("one"), unread=["v"])
    assert "one/state m.f" in recording.tensors
    assert "one/state v.f" not in recording.tensors


def test_a_cell_that_refuses_the_first_step_is_absent() -> None:
    fused = cell(torch_optim.ADAM, mode="fused", dtype="complex64")
    recording = recorder.record(torch_optim.ADAM, fused, labelled("one", dtype="complex64"))
    assert list(recording.facts) == ["absent"]
    assert recording.facts["absent"].startswith("RuntimeError: ")
    assert recording.tensors == {}


def test_an_option_that_cannot_be_built_is_absent_with_its_error() -> None:
    adapter = replace(torch_optim.ADAM, modes={"single": {"speed": 11}})
    recording = recorder.record(adapter, cell(adapter), labelled("one"))
    assert "unexpected keyword argument 'speed'" in recording.facts["absent"]


def test_an_option_that_is_off_and_not_there_yet_is_left_out() -> None:
    adapter = replace(torch_optim.ADAM, modes={"single": {"foreach": False, "speed": False}})
    assert "runs" in recorder.record(adapter, cell(adapter), labelled("one")).facts


def test_warnings_are_recorded_once_and_without_addresses(my_adapter: Adapter) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recording = recorder.record(my_adapter, cell(my_adapter), [replace(script_of({"lr": 0.1}), label="one")])
    assert recording.facts["runs"]["one"]["warnings"] == ["FutureWarning: soon 0x…"]


def test_memory_that_nobody_writes_is_the_same_in_every_run(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE.replace('"n": 3', '"n": torch.empty(512)'))
    adapter = Adapter(f"{file}:Mine", None, {"lr": "lr"}, {}, {"single": {}}, count=None)
    recording = recorder.record(adapter, cell(adapter), [replace(script_of({"lr": 0.1}, shapes=((2,),)), label="one")])
    assert np.isnan(recording.tensors["one/beside 0 n"]).all()


def test_a_state_that_is_not_mapped_is_recorded_too(my_adapter: Adapter) -> None:
    script = replace(script_of({"lr": 0.1}, shapes=((2,),)), label="one")
    recording = recorder.record(my_adapter, cell(my_adapter), [script])
    unmapped = {name.removeprefix("one/beside 0 "): v for name, v in recording.tensors.items() if "/beside " in name}
    assert set(unmapped) == {"half", "n", "pair[0]", "pair[1]", "table['x']"}
    assert unmapped["half"].dtype == np.float32
    theta = recording.tensors["one/theta.f"][-2:]
    assert unmapped["half"].tolist() == torch.tensor(theta).bfloat16().float().tolist()
    assert (unmapped["n"].tolist(), unmapped["pair[0]"].tolist(), unmapped["pair[1]"].tolist()) == ([3.0], [1.5], [2])
    assert unmapped["table['x']"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("adapter", torch_optim.ALL, ids=lambda adapter: adapter.target)
def test_going_on_from_a_checkpoint_is_the_run_without_it(adapter: Adapter) -> None:
    name = adapter.configurations[-1].name
    script = script_of(hyper_of(adapter, name), steps=5)
    recording = recorder.checkpoint(adapter, cell(adapter, name), script, 2)
    assert recording.facts["at"] == 2
    tail = tail_of(script, recording, 2)
    resumed = recorder.resume(adapter, cell(adapter, name), tail, recording.facts["saved"], saved(recording))
    uninterrupted = to_trajectory(script, recording)
    joined = concatenate(truncate(uninterrupted, 2), to_trajectory(tail, resumed))
    for one, other in zip(uninterrupted.traces, joined.traces, strict=True):
        assert one.theta.tobytes() == other.theta.tobytes()
        assert one.count.tolist() == other.count.tolist()
        for state in one.states:
            assert np.array_equal(one.states[state], other.states[state])


def test_a_saved_state_is_the_state_dict_after_that_step() -> None:
    script = script_of(ADAM, shapes=((3,),))
    recording = recorder.checkpoint(torch_optim.ADAM, cell(torch_optim.ADAM), script, 3)
    state = deserialize(recording.facts["saved"], saved(recording))
    assert float(state["state"][0]["step"]) == 3.0
    assert state["param_groups"][0]["lr"] == ADAM["lr"]
    trajectory = to_trajectory(script, recording)
    assert state["state"][0]["exp_avg"].tolist() == trajectory.traces[0].states["m"][3].tolist()


def test_a_class_that_cannot_step_has_no_checkpoint() -> None:
    fused = cell(torch_optim.ADAM, mode="fused", dtype="complex64")
    recording = recorder.checkpoint(torch_optim.ADAM, fused, script_of(ADAM, dtype="complex64"), 2)
    assert list(recording.facts) == ["absent"]


FAULTS = {
    ("torch.optim.LBFGS", "strong_wolfe"): {"scheduled": ["raised", "ZeroDivisionError: float division by zero", 3]}
}
"""A line search divides by the learning rate, which the third step sets to 0."""


@pytest.mark.parametrize("entry", torch_optim_record_only.ALL, ids=lambda entry: entry.adapter.target)
def test_a_class_without_a_rule_takes_its_arguments_in_every_configuration_and_mode(entry) -> None:
    from stepcheck.guard.corpus.unruled_scripts import scripts

    adapter = entry.adapter
    for configuration in adapter.configurations:
        for mode in adapter.modes:
            recording = recorder.record(adapter, cell(adapter, configuration.name, mode), scripts(entry, "float32"))
            faults = {label: facts["fault"] for label, facts in recording.facts["runs"].items() if facts["fault"]}
            assert faults == FAULTS.get((adapter.target, configuration.name), {})


def test_record_only_classes_are_listed_by_their_target() -> None:
    for entry in torch_optim_record_only.ALL:
        assert torch_optim_record_only.find(entry.adapter.target) is entry
    assert torch_optim_record_only.find("torch.optim.Adam") is None
