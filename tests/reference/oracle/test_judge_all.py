"""Scripts judged together: each judgement is the same as for the script alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from exam.evaluation_orders import ORDERS, run, script_for
from stepcheck_reference import rules
from stepcheck_reference.oracle.arithmetic import plain
from stepcheck_reference.oracle.judge import judge, judge_all
from stepcheck_reference.oracle.judgement import Judgement
from stepcheck_reference.scripts.script import Literal, Script, Step
from stepcheck_reference.scripts.trajectory import Trace, Trajectory

HYPER = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1.0}
TEXTBOOK = ORDERS[0].step
Played = tuple[Script, Trajectory]


def played(dtype: str, *, steps: int = 4, size: int = 6, regime: str = "normal", **hyper: float) -> Played:
    """Return a script and the trajectory of textbook Adam on it."""
    script = script_for(dtype, size=size, steps=steps, hyper={**HYPER, **hyper}, regime=regime, scale=1.0, seed=3)
    return script, run(TEXTBOOK, script, plain(dtype))


def with_trace(pair: Played, **changes: Any) -> Played:
    """Return ``pair`` with changes to the trace of the first tensor."""
    script, trajectory = pair
    trace = replace(trajectory.traces[0], **changes)
    return script, replace(trajectory, traces=(trace, *trajectory.traces[1:]))


def displaced(pair: Played, step: int, index: int, value: float) -> Played:
    """Return ``pair`` with another value of one element of theta after ``step``."""
    theta = np.array(pair[1].traces[0].theta)
    theta[step, index] = value
    return with_trace(pair, theta=theta)


def blind(pair: Played) -> Played:
    """Return ``pair`` for a subject whose second moment is not observed."""
    script, trajectory = pair
    traces = []
    for trace in trajectory.traces:
        present = {**trace.present, "v": np.zeros_like(trace.present["v"])}
        traces.append(replace(trace, present=present))
    return script, replace(trajectory, traces=tuple(traces))


def negative(pair: Played) -> Played:
    """Return ``pair`` with a negative second moment, which no correct subject has."""
    trace: Trace = pair[1].traces[0]
    v = np.array(trace.states["v"])
    v[1:, 0] = -1.0
    return with_trace(pair, states={**trace.states, "v": v})


def resting(pair: Played) -> Played:
    """Return ``pair`` with gradients of zero and a parameter that nevertheless becomes nan."""
    script = replace(pair[0], steps=tuple(Step((Literal((0.0,)),) * len(pair[0].tensors)) for _ in pair[0].steps))
    trajectory = run(TEXTBOOK, script, plain(script.tensors[0].dtype))
    return displaced((script, trajectory), 0, 0, float("nan"))


def as_values(judgement: Judgement) -> tuple[object, ...]:
    """Return all fields of a judgement, in a form that compares."""
    counted = {output: counts.tolist() for output, counts in judgement.ratios.items()}
    rest = {name: getattr(judgement, name) for name in judgement.__dataclass_fields__ if name != "ratios"}
    return repr(counted), repr(rest)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("rule", ["adam", "adam_eps_inside"])
def test_a_judgement_does_not_depend_on_the_other_scripts(dtype: str, rule: str) -> None:
    pairs = [
        played(dtype),
        resting(played(dtype)),
        displaced(played(dtype, beta1=0.0), 2, 1, 7.0),
        played(dtype, size=300, regime="wide"),
        blind(played(dtype, beta2=0.5)),
        negative(played(dtype, steps=2)),
        played(dtype, eps=1e-16, beta2=0.0, regime="tiny"),
        played(dtype, regime="huge"),
        played(dtype, steps=1, size=0),
    ]
    arithmetics = {dtype: plain(dtype)}
    alone = [judge(rules.find(rule), *pair, arithmetics) for pair in pairs]
    together = judge_all(rules.find(rule), pairs, arithmetics)
    assert [as_values(entry) for entry in together] == [as_values(entry) for entry in alone]
    assert [entry.observability for entry in together].count("theta_only") == 1
    assert not together[1].conforms


def test_no_scripts_give_no_judgements() -> None:
    assert judge_all(rules.find("adam"), [], {}) == []


@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64", "complex64"])
def test_fields_hold_the_ratio_and_radius_of_every_real(dtype: str) -> None:
    pairs = [played(dtype, steps=3, size=5), played(dtype, steps=6, size=4, regime="wide")]
    arithmetics = {dtype: plain(dtype)}
    for (script, trajectory), judged in zip(
        pairs, judge_all(rules.find("adam"), pairs, arithmetics, fields=True), strict=True
    ):
        assert set(judged.fields) == {
            (name, tensor) for name in ("theta", "m", "v") for tensor in range(len(script.tensors))
        }
        for (name, tensor), field in judged.fields.items():
            size = script.tensors[tensor].size
            assert field.ratio.shape == field.radius.shape == (trajectory.steps, size)
            watch = [(name, tensor, index) for index in range(size)]
            watched = judge(rules.find("adam"), script, trajectory, arithmetics, watch=watch).watched
            for point in watched:
                assert field.ratio[point.step - 1, point.index] == point.ratio
                assert point.ratio < 0 or field.radius[point.step - 1, point.index] == point.radius
        for name, worst in judged.worst.items():
            assert worst.ratio == max(
                field.ratio.max() for (output, _), field in judged.fields.items() if output == name
            )


def test_fields_are_recorded_only_on_request() -> None:
    pair = played("float32")
    (judgement,) = judge_all(rules.find("adam"), [pair], {"float32": plain("float32")})
    assert judgement.fields == {}


def test_a_field_marks_steps_that_were_not_compared() -> None:
    script, trajectory = pair = played("float32", steps=4)
    steps = tuple(Step((None,) * len(script.tensors)) if n == 2 else step for n, step in enumerate(script.steps))
    (judgement,) = judge_all(
        rules.find("adam"), [(replace(script, steps=steps), trajectory)], {"float32": plain("float32")}, fields=True
    )
    field = judgement.fields["theta", 0]
    assert (field.ratio[2] == -1).all()
    assert np.isnan(field.radius[2]).all()
    assert (field.ratio[[0, 1]] >= 0).all()
    assert pair[0] is script


def test_a_field_of_an_element_far_away_has_its_ratio() -> None:
    pair = displaced(played("float32"), 1, 3, 1e6)
    (judgement,) = judge_all(rules.find("adam"), [pair], {"float32": plain("float32")}, fields=True)
    field = judgement.fields["theta", 0]
    assert field.ratio[1, 3] == judgement.worst["theta"].ratio > 1e6
    assert np.argwhere(field.ratio > 1).tolist() == [[1, 3]]
