"""Recordings: a trajectory comes back from its recording bit by bit, and can be truncated and concatenated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

from implementations.short_scripts import cell, misbehaving, script_of
from stepcheck_implementations.adapters import torch_optim
from stepcheck_implementations.adapters.adapter import Adapter
from stepcheck_implementations.driver import execution
from stepcheck_implementations.recorder.recording import Recording, concatenate, to_recording, to_trajectory, truncate
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.edge_cases import edge_cases
from stepcheck_reference import rules
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.scripts.script import Drawn, Group, Literal, Quadratic, Script, Step, Tensor
from stepcheck_reference.scripts.trajectory import Fault, Trace, Trajectory

SHORT = Profile("recordings", 0, 1, 112, 2, 0, MappingProxyType(dict.fromkeys(FORMATS, 5)))
CLASSES = (
    (torch_optim.SGD, "momentum", "momentum+coupled_decay"),
    (torch_optim.ADAM, "amsgrad", "amsgrad+coupled_decay"),
    (torch_optim.ADAGRAD, "default", "adagrad+initial_accumulator+lr_decay+coupled_decay"),
    (torch_optim.NADAM, "default", "nadam+coupled_decay"),
    (torch_optim.ASGD, "default", "asgd+coupled_decay"),
    (torch_optim.RPROP, "default", "rprop"),
)
"""States that come late, scalar states, states from the start, and counts of two kinds."""


def scripts(adapter: Adapter, configuration: str, rule: str, dtype: str) -> Iterator[Script]:
    fixed_hyper = adapter.configuration(configuration).fixed_hyper
    made = edge_cases(
        rule=rules.find(rule), dtype=dtype, profile=SHORT, fixed_hyper=fixed_hyper, companions=tuple(FORMATS)
    )
    for entry in made:
        yield entry.script
        if entry.name == "two_groups":
            yield replace(entry.script, box=(-0.25, 0.5), label="boxed")


def bits(values: np.ndarray) -> tuple[object, ...]:
    return values.dtype, values.shape, np.ascontiguousarray(values).tobytes()


def same(one: Trajectory, other: Trajectory) -> None:
    for name in ("steps", "fault", "observed", "modified_gradients", "calls", "entries"):
        assert getattr(one, name) == getattr(other, name), name
    for name in ("returned", "losses"):
        assert bits(np.array(getattr(one, name))) == bits(np.array(getattr(other, name)))
    assert len(one.traces) == len(other.traces)
    for left, right in zip(one.traces, other.traces, strict=True):
        for name in ("before", "theta", "count"):
            assert bits(getattr(left, name)) == bits(getattr(right, name)), name
        assert list(left.states) == list(right.states)
        for name in left.states:
            assert bits(left.states[name]) == bits(right.states[name]), name
            assert np.array_equal(left.present[name], right.present[name]), name


def carried(recording: Recording) -> Recording:
    """Return ``recording`` after its facts have been JSON."""
    return Recording(json.loads(json.dumps(recording.facts, allow_nan=False)), recording.tensors)


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize(("adapter", "configuration", "rule"), CLASSES, ids=lambda value: getattr(value, "target", ""))
def test_every_edge_case_comes_back_bit_by_bit(adapter: Adapter, configuration: str, rule: str, dtype: str) -> None:
    where = cell(adapter, configuration, dtype=dtype)
    for script in scripts(adapter, configuration, rule, dtype):
        trajectory = execution.run(adapter, where, script)
        assert trajectory.fault is None
        recording = to_recording(script, trajectory)
        assert all(values.ndim == 1 and values.size for values in recording.tensors.values())
        same(to_trajectory(script, carried(recording)), trajectory)


@pytest.mark.parametrize("name", ["RaisesInStepThree", "RaisesSystemExit"])
def test_a_fault_comes_back(name: str) -> None:
    adapter = misbehaving(name)
    script = script_of({"lr": 0.1}, shapes=((3,), (0,)), steps=4)
    trajectory = execution.run(adapter, cell(adapter), script)
    assert trajectory.fault is not None
    same(to_trajectory(script, carried(to_recording(script, trajectory))), trajectory)


def test_calls_of_a_closure_come_back() -> None:
    script = replace(script_of({"lr": 0.1}, shapes=((3,),), steps=3), objective=Quadratic(0.75))
    adapter = torch_optim.SGD
    trajectory = execution.run(adapter, cell(adapter, "plain"), script)
    assert (trajectory.calls, len(trajectory.returned), len(trajectory.losses)) == ((1, 1, 1), 3, 3)
    same(to_trajectory(script, carried(to_recording(script, trajectory))), trajectory)


def test_starting_points_are_recorded_only_where_no_step_made_them() -> None:
    tensors = (Tensor((2,), "float32", Literal((1.0, -2.0))),)
    plain = Step((Literal((0.5, 0.25)),))
    script = Script(tensors, (Group((0,), {"lr": 0.1}),), (plain, replace(plain, overwrite=((0, Literal((0.0,))),))))
    recording = to_recording(script, execution.run(torch_optim.SGD, cell(torch_optim.SGD, "plain"), script))
    assert recording.facts["before"] == [[0, 1]]
    assert recording.tensors["before.f"].tolist() == [0.0, 0.0]


def test_a_zero_of_the_other_sign_is_recorded() -> None:
    tensors = (Tensor((1,), "float32", Literal((0.0,))),)
    script = Script(
        tensors, (Group((0,), {"lr": 0.0}),), (Step((Literal((1.0,)),), overwrite=((0, Literal((-0.0,))),)),)
    )
    trajectory = execution.run(torch_optim.SGD, cell(torch_optim.SGD, "plain"), script)
    assert np.signbit(trajectory.traces[0].before).all()
    same(to_trajectory(script, to_recording(script, trajectory)), trajectory)


def after(trajectory: Trajectory, steps: int) -> Trajectory:
    """Return what came after ``steps`` steps, as a run that went on from there sees it."""
    return replace(
        trajectory,
        traces=tuple(
            Trace(
                trace.before[steps:],
                trace.theta[steps:],
                {name: rows[steps:] for name, rows in trace.states.items()},
                {name: rows[steps:] for name, rows in trace.present.items()},
                trace.count[steps:],
            )
            for trace in trajectory.traces
        ),
        steps=trajectory.steps - steps,
    )


@pytest.mark.parametrize("steps", range(7))
@pytest.mark.parametrize(("adapter", "configuration", "rule"), CLASSES, ids=lambda value: getattr(value, "target", ""))
def test_a_run_cut_anywhere_and_joined_is_the_run(adapter: Adapter, configuration: str, rule: str, steps: int) -> None:
    (script,) = [one for one in scripts(adapter, configuration, rule, "float32") if one.label == "missing_gradients"]
    trajectory = execution.run(adapter, cell(adapter, configuration), script)
    same(concatenate(truncate(trajectory, steps), after(trajectory, steps)), trajectory)
    assert truncate(trajectory, steps).steps == steps


def test_a_state_that_was_one_number_and_is_an_array_is_joined_as_one() -> None:
    def part(rows: int, width: int) -> Trajectory:
        values = np.zeros((rows, 3), np.float32)
        states = {"m": np.ones((rows + 1, width), np.float32)}
        trace = Trace(values, values, states, {"m": np.ones(rows + 1, np.bool_)}, np.arange(rows + 1.0))
        return Trajectory((trace,), rows, observed=("m",))

    assert concatenate(part(2, 1), part(2, 3)).traces[0].states["m"].shape == (5, 3)
    assert concatenate(part(2, 3), part(2, 1)).traces[0].states["m"].shape == (5, 3)


def test_a_fault_of_the_second_part_is_counted_from_the_first_step() -> None:
    script = Script(
        (Tensor((3,), "float32", Drawn("normal", 1)),),
        (Group((0,), {"lr": 0.1}),),
        tuple(Step((Drawn("normal", number),)) for number in range(4)),
    )
    trajectory = execution.run(torch_optim.SGD, cell(torch_optim.SGD, "plain"), script)
    tail = replace(after(truncate(trajectory, 3), 2), fault=Fault("raised", "no", 2), observed=trajectory.observed)
    assert concatenate(truncate(trajectory, 2), tail).fault == Fault("raised", "no", 4)
    at_once = replace(after(truncate(trajectory, 2), 2), fault=Fault("raised", "no", 0), observed=trajectory.observed)
    assert concatenate(truncate(trajectory, 2), at_once).fault == Fault("raised", "no", 0)
