"""Scripts judged together: what is said of each is what is said of it alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from exam.evaluation_orders import ORDERS, run, script_for
from stepcheck_reference import rules
from stepcheck_reference.arithmetic import plain
from stepcheck_reference.judgement import Judgement
from stepcheck_reference.oracle import judge, judge_all
from stepcheck_reference.script import Literal, Script, Step
from stepcheck_reference.trajectory import Trace, Trajectory

HYPER = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1.0}
TEXTBOOK = ORDERS[0].step
Played = tuple[Script, Trajectory]


def played(dtype: str, *, steps: int = 4, size: int = 6, regime: str = "normal", **hyper: float) -> Played:
    """Return a script and what textbook Adam does over it."""
    script = script_for(dtype, size=size, steps=steps, hyper={**HYPER, **hyper}, regime=regime, scale=1.0, seed=3)
    return script, run(TEXTBOOK, script, plain(dtype))


def with_trace(pair: Played, **changes: Any) -> Played:
    """Return ``pair`` with what the first tensor's trace holds changed."""
    script, trajectory = pair
    trace = replace(trajectory.traces[0], **changes)
    return script, replace(trajectory, traces=(trace, *trajectory.traces[1:]))


def moved(pair: Played, step: int, index: int, value: float) -> Played:
    """Return ``pair`` with one element of theta somewhere else after ``step``."""
    theta = np.array(pair[1].traces[0].theta)
    theta[step, index] = value
    return with_trace(pair, theta=theta)


def blind(pair: Played) -> Played:
    """Return ``pair`` of a subject whose second moment cannot be seen."""
    script, trajectory = pair
    traces = []
    for trace in trajectory.traces:
        present = {**trace.present, "v": np.zeros_like(trace.present["v"])}
        traces.append(replace(trace, present=present))
    return script, replace(trajectory, traces=tuple(traces))


def negative(pair: Played) -> Played:
    """Return ``pair`` with a second moment below zero, which no correct subject holds."""
    trace: Trace = pair[1].traces[0]
    v = np.array(trace.states["v"])
    v[1:, 0] = -1.0
    return with_trace(pair, states={**trace.states, "v": v})


def resting(pair: Played) -> Played:
    """Return ``pair`` with gradients of zero and a parameter that nevertheless becomes nan."""
    script = replace(pair[0], steps=tuple(Step((Literal((0.0,)),) * len(pair[0].tensors)) for _ in pair[0].steps))
    trajectory = run(TEXTBOOK, script, plain(script.tensors[0].dtype))
    return moved((script, trajectory), 0, 0, float("nan"))


def told(judgement: Judgement) -> tuple[object, ...]:
    """Return everything that a judgement says, in a form that compares."""
    counted = {output: counts.tolist() for output, counts in judgement.ratios.items()}
    rest = {name: getattr(judgement, name) for name in judgement.__dataclass_fields__ if name != "ratios"}
    return repr(counted), repr(rest)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("rule", ["adam", "adam_eps_inside"])
def test_what_is_said_of_a_script_does_not_depend_on_those_beside_it(dtype: str, rule: str) -> None:
    pairs = [
        played(dtype),
        resting(played(dtype)),
        moved(played(dtype, beta1=0.0), 2, 1, 7.0),
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
    assert [told(entry) for entry in together] == [told(entry) for entry in alone]
    assert [entry.observability for entry in together].count("theta_only") == 1
    assert not together[1].conforms


def test_no_scripts_are_no_judgements() -> None:
    assert judge_all(rules.find("adam"), [], {}) == []
