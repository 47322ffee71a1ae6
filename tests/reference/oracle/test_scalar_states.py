"""States that are one number per tensor: observed and compared, or derived if hidden, and stored in a format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from exam.any_order import run
from exam.evaluation_orders import script_for
from stepcheck_reference import rules
from stepcheck_reference.formats import BINARY32
from stepcheck_reference.oracle.arithmetic import Arithmetic, plain
from stepcheck_reference.oracle.judge import judge
from stepcheck_reference.oracle.judgement import Judgement
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor
from stepcheck_reference.scripts.trajectory import Trace, Trajectory

NADAM, ASGD = rules.find("nadam"), rules.find("asgd")
HYPER = {
    "nadam": {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "momentum_decay": 0.1},
    "asgd": {"lr": 0.1, "lambd": 0.1, "alpha": 0.75, "t0": 2.0},
}
DTYPES = ("float16", "bfloat16", "float32", "float64")


def scripted(name: str, dtype: str = "float32", *, steps: int = 6) -> Script:
    return script_for(dtype, size=7, steps=steps, hyper=HYPER[name], regime="normal", scale=1.0, seed=4)


def judged(name: str, script: Script, trajectory: Trajectory, arithmetic: Arithmetic | None = None) -> Judgement:
    dtype = script.tensors[0].dtype
    return judge(rules.find(name), script, trajectory, {dtype: arithmetic or plain(dtype)})


def right(name: str, dtype: str = "float32", *, steps: int = 6) -> tuple[Script, Trajectory]:
    script = scripted(name, dtype, steps=steps)
    return script, run(rules.find(name), script, plain(dtype), seed=1)


def with_state(trajectory: Trajectory, name: str, change: Callable[[np.ndarray], np.ndarray]) -> Trajectory:
    """Return ``trajectory`` with other values of one state, shape (steps + 1, 1)."""
    (trace,) = trajectory.traces
    states = {**trace.states, name: change(np.array(trace.states[name]))}
    return replace(trajectory, traces=(replace(trace, states=states),))


def scaled(step: int, factor: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(values: np.ndarray) -> np.ndarray:
        values[step] *= factor
        return values

    return change


@pytest.mark.parametrize("name", ["nadam", "asgd"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_scalar_states_are_compared_once_a_step(name: str, dtype: str) -> None:
    script, trajectory = right(name, dtype)
    judgement = judged(name, script, trajectory)
    assert judgement.observability == "stepwise"
    assert judgement.conforms
    for symbol in rules.find(name).scalars:
        assert 0.0 <= judgement.worst[symbol.name].ratio <= 1.0
        assert int(judgement.ratios[symbol.name].sum()) == len(script.steps)
    assert judgement.compared == script.element_steps


@pytest.mark.parametrize(("name", "state"), [("nadam", "mu_product"), ("asgd", "eta"), ("asgd", "mu")])
def test_a_wrong_scalar_state_is_broken_at_its_own_step(name: str, state: str) -> None:
    script, trajectory = right(name)
    last = len(script.steps)
    judgement = judged(name, script, with_state(trajectory, state, scaled(last, 1 + 1e-12)))
    assert [deviation.output for deviation in judgement.breaks] == [state]
    (deviation,) = judgement.breaks
    assert (deviation.step, deviation.index, judgement.broken) == (last, 0, {state: 1})
    assert 0.9 < (deviation.observed / deviation.expected - 1) / 1e-12 < 1.1


def test_a_step_starts_from_the_observed_scalar_state() -> None:
    """A deviation at step 3 is broken there; the later steps follow from the observed value and conform."""
    script, trajectory = right("nadam")
    judgement = judged("nadam", script, with_state(trajectory, "mu_product", scaled(3, 1.001)))
    assert {deviation.step for deviation in judgement.breaks if deviation.output == "mu_product"} <= {3, 4}
    assert judgement.broken["mu_product"] == 2
    assert judgement.worst["theta"].step == 4
    assert judgement.worst["theta"].ratio > 1.0


@pytest.mark.parametrize(
    ("name", "state", "start"), [("nadam", "mu_product", 1.0), ("asgd", "eta", 0.1), ("asgd", "mu", 1.0)]
)
def test_a_wrong_initial_scalar_state_is_reported(name: str, state: str, start: float) -> None:
    script, trajectory = right(name)
    judgement = judged(name, script, with_state(trajectory, state, scaled(0, 0.5)))
    (entry,) = judgement.initials
    assert (entry.output, entry.step, entry.observed, entry.expected) == (state, 0, start / 2, start)
    assert not judgement.conforms


def idled(script: Script, trajectory: Trajectory, at: int) -> tuple[Script, Trajectory]:
    """Return both with a step put in before step ``at`` in which the tensor has no gradient, and nothing moves."""
    (trace,) = trajectory.traces
    steps = (*script.steps[: at - 1], Step((None,)), *script.steps[at - 1 :])

    def twice(values: np.ndarray) -> np.ndarray:
        return np.insert(values, at - 1, values[at - 1], axis=0)

    waited = Trace(
        twice(trace.before), np.insert(trace.theta, at - 1, trace.before[at - 1], axis=0),
        {name: twice(values) for name, values in trace.states.items()},
        {name: twice(values) for name, values in trace.present.items()}, twice(trace.count),
    )  # fmt: skip
    return replace(script, steps=steps), replace(trajectory, traces=(waited,), steps=len(steps))


def test_a_step_without_a_gradient_leaves_scalar_states_alone() -> None:
    script, trajectory = idled(*right("nadam"), at=4)
    assert judged("nadam", script, trajectory).conforms
    judgement = judged("nadam", script, with_state(trajectory, "mu_product", scaled(4, 0.9)))
    (deviation,) = [deviation for deviation in judgement.breaks if deviation.ratio == float("inf")]
    assert (deviation.output, deviation.step) == ("mu_product", 4)


def hiding(trajectory: Trajectory, *names: str) -> Trajectory:
    (trace,) = trajectory.traces
    states = {name: values for name, values in trace.states.items() if name not in names}
    present = {name: values for name, values in trace.present.items() if name not in names}
    shown = tuple(name for name in trajectory.observed if name not in names)
    return replace(trajectory, traces=(replace(trace, states=states, present=present),), observed=shown)


@pytest.mark.parametrize(("name", "hidden"), [("nadam", ("mu_product",)), ("asgd", ("eta", "mu")), ("asgd", ("mu",))])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_hidden_scalar_state_is_derived_and_the_check_remains_stepwise(
    name: str, hidden: tuple[str, ...], dtype: str
) -> None:
    script, trajectory = right(name, dtype, steps=30)
    judgement = judged(name, script, hiding(trajectory, *hidden))
    assert judgement.observability == "stepwise"
    assert judgement.conforms
    assert set(judgement.worst).isdisjoint(hidden)
    assert judgement.compared == script.element_steps


def test_a_wrong_hidden_scalar_state_shows_in_the_parameters() -> None:
    script = scripted("nadam")
    early = replace(script, groups=(replace(script.groups[0], hyper={**HYPER["nadam"], "momentum_decay": 0.11}),))
    wrong = hiding(run(NADAM, early, plain("float32"), seed=1), "mu_product")
    judgement = judged("nadam", script, wrong)
    assert [deviation.output for deviation in judgement.breaks] == ["theta"]
    script = scripted("asgd")
    steeper = replace(script, groups=(replace(script.groups[0], hyper={**HYPER["asgd"], "alpha": 0.76}),))
    judgement = judged("asgd", script, hiding(run(ASGD, steeper, plain("float32"), seed=1), "eta", "mu"))
    assert judgement.worst["theta"].ratio > 1.0
    assert judgement.worst["theta"].step > 1  # the first step takes lr itself


def test_a_product_stored_in_binary32_is_beyond_a_float64_radius_unless_declared() -> None:
    """What torch.optim.NAdam does, whose mu_product is a tensor of the default dtype."""
    script = scripted("nadam", "float64", steps=12)
    narrow_states = plain("float64").with_(scalar_states=BINARY32)
    trajectory = run(NADAM, script, narrow_states, seed=1)
    judgement = judged("nadam", script, trajectory)
    assert judgement.worst["mu_product"].ratio > 1e6
    assert judged("nadam", script, trajectory, narrow_states).conforms
    hidden = hiding(trajectory, "mu_product")
    assert judged("nadam", script, hidden).worst["theta"].ratio > 1e4
    assert judged("nadam", script, hidden, narrow_states).conforms
    # A float64 product is well within what binary32 would allow, so that figure is not for everyone.
    assert judged("nadam", script, run(NADAM, script, plain("float64"), seed=1), narrow_states).conforms


def test_a_change_of_lr_takes_effect_where_the_rule_says() -> None:
    for name in ("asgd", "nadam", "rprop", "adagrad+lr_decay", "lion"):
        rule = rules.find(name)
        usual = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.1, "lr_decay": 0.1,
                 "eta_minus": 0.5, "eta_plus": 1.2, "step_min": 1e-6, "step_max": 50.0,
                 **HYPER["asgd"], "momentum_decay": 0.1}  # fmt: skip
        hyper = {symbol.name: usual[symbol.name] for symbol in rule.hyper}
        script = script_for("float32", size=9, steps=6, hyper=hyper, regime="normal", scale=1.0, seed=6)
        changed = replace(script.steps[3], hyper=((0, "lr", 0.03),))
        scheduled = replace(script, steps=(*script.steps[:3], changed, *script.steps[4:]))
        trajectory = run(rule, scheduled, plain("float32"), seed=1)
        assert judge(rule, scheduled, trajectory, {"float32": plain("float32")}).conforms, name
        felt = judge(rule, script, trajectory, {"float32": plain("float32")})
        assert felt.conforms == (name == "rprop"), name
        first = {"asgd": "eta"}.get(name, "theta")
        if name != "rprop":
            assert felt.worst[first].step >= 4


@pytest.mark.parametrize("name", ["nadam", "asgd"])
def test_an_empty_tensor_without_a_gradient_conforms(name: str) -> None:
    script = Script((Tensor((0,), "float32", Literal((0.0,))),), (Group((0,), HYPER[name]),), (Step((None,)),))
    states = [symbol.name for symbol in (*rules.find(name).init, *rules.find(name).scalars)]
    nothing, never = np.zeros((2, 0)), np.zeros(2, dtype=np.bool_)
    trace = Trace(nothing[:1], nothing[:1], dict.fromkeys(states, nothing), dict.fromkeys(states, never), -np.ones(2))
    judgement = judged(name, script, Trajectory((trace,), 1, None, tuple(states)))
    assert judgement.conforms
    assert judgement.compared == 0
