"""Bounds: to which rules they apply, and that correct runs stay as far inside as the laws say."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_implementations.adapters.torch_optim import ADAGRAD, ADAM, RMSPROP, SGD
from stepcheck_implementations.driver import execution
from stepcheck_properties import laws
from stepcheck_properties.law import CheckOutcome, Evidence, Facts
from stepcheck_properties.laws.convergence import acceleration, gradient_descent
from stepcheck_properties.profile import QUICK
from stepcheck_properties.scripts.convex_quadratics import STEP_SIZES, STEPS, largest_distance
from stepcheck_reference.oracle.judgement import Deviation, Judgement
from stepcheck_reference.rules import ALL, find
from stepcheck_reference.scripts.script import Literal, Script
from stepcheck_reference.scripts.script_json import from_json, to_json
from stepcheck_reference.scripts.trajectory import Trajectory

SUBJECTS = {
    ("SC603", "sgd"): (SGD, "plain"),
    ("SC604", "momentum"): (SGD, "momentum"),
    ("SC604", "nesterov"): (SGD, "nesterov"),
    ("SC605", "adam"): (ADAM, "default"),
    ("SC605", "rmsprop"): (RMSPROP, "default"),
    ("SC606", "amsgrad"): (ADAM, "amsgrad"),
    ("SC607", "adagrad+initial_accumulator+lr_decay"): (ADAGRAD, "default"),
}


def facts(name: str, dtype: str = "float32", **others: object) -> Facts:
    return replace(Facts(find(name), dtype=dtype), **others)  # type: ignore[arg-type]


def script_of(code: str, name: str, dtype: str = "float32") -> Script:
    scripts = laws.find(code).scripts
    assert scripts is not None
    (script,) = scripts(facts(name, dtype), QUICK, 1)
    return script


def run(adapter: Adapter, configuration: str, script: Script) -> Trajectory:
    dtype = script.tensors[0].dtype
    return execution.run(adapter, Cell(adapter.target, configuration, "single", dtype, "cpu"), script)


def checked(
    code: str, name: str, script: Script, trajectory: Trajectory, worst: Deviation | None = None
) -> CheckOutcome:
    judgement = Judgement("stepwise", worst={} if worst is None else {worst.output: worst})
    return laws.find(code).check(Evidence(find(name), script, trajectory, lambda: judgement))


def applying(code: str) -> set[str]:
    return {rule.name for rule in ALL if laws.find(code).applies(Facts(rule))}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize(("code", "name"), SUBJECTS)
def test_torch_meets_every_bound(code: str, name: str, dtype: str) -> None:
    if not laws.find(code).applies(facts(name, dtype)):
        assert dtype in ("float16", "bfloat16")
        assert code in ("SC603", "SC604")
        return
    script = script_of(code, name, dtype)
    outcome = checked(code, name, script, run(*SUBJECTS[code, name], script))
    assert outcome.compared > 0
    assert outcome.breaches == ()


def test_bounds_apply_to_rules_by_their_equations() -> None:
    assert applying("SC603") == {
        "sgd", "momentum_lr_inside", "momentum_ema", "nesterov_gradient_difference", "nesterov_ema",
        "qhm",
    }  # fmt: skip
    assert applying("SC604") == {"momentum", "momentum_lr_inside", "nesterov", "nesterov_lookahead"}
    assert applying("SC605") >= {"adam", "adam_eps_hat", "adamw", "adam_l2", "rmsprop", "nadam"}
    assert applying("SC606") == {"amsgrad", "amsgrad_paper", "amsgrad_corrected_max", "amsgrad_eps_hat"}
    assert applying("SC607") >= {"adagrad", "adagrad_eps_inside"}
    assert not applying("SC605") & applying("SC606")


@pytest.mark.parametrize(("code", "name"), SUBJECTS)
def test_bounds_do_not_apply_where_the_rate_is_fixed(code: str, name: str) -> None:
    assert laws.find(code).applies(facts(name))
    assert not laws.find(code).applies(facts(name, fixed_hyper={"lr": 0.1}))


@pytest.mark.parametrize("code", ["SC603", "SC605", "SC606", "SC607"])
def test_bounds_do_not_apply_where_a_decay_is_fixed(code: str) -> None:
    name = {"SC603": "sgd", "SC605": "adam", "SC606": "amsgrad", "SC607": "adagrad"}[code] + "+coupled_decay"
    assert laws.find(code).applies(facts(name))
    assert not laws.find(code).applies(facts(name, fixed_hyper={"weight_decay": 0.1}))


def test_a_rising_momentum_has_to_be_changeable() -> None:
    assert not acceleration.NESTEROV_BOUND.applies(facts("nesterov", constant_hyper=("momentum",)))


def test_gradient_descent_stays_below_its_bound_by_the_margin_of_the_law() -> None:
    worst = max(
        (1 - size) ** step / gradient_descent.distance_bound(step, size)
        for step in range(1, 1000)
        for size in (number / 1000 for number in range(1, 1001))
    )
    assert 0.42 < worst < math.sqrt(0.5)


def test_exact_traces_have_the_margin_of_the_law() -> None:
    rule = find("nesterov_lookahead")
    values = {"lr": 2.0 * STEP_SIZES[-1], "momentum": 0.0}
    assert (
        largest_distance(rule, values, acceleration.distance_bound, acceleration.schedule(rule))
        < acceleration.LARGEST_SHARE
    )
    assert largest_distance(rule, values, acceleration.distance_bound, lambda step: 0.0) > 1.4


@pytest.mark.parametrize(("code", "name"), SUBJECTS)
def test_parameters_that_do_not_move_are_out_of_bounds(code: str, name: str) -> None:
    script = script_of(code, name)
    trajectory = run(*SUBJECTS[code, name], script)
    traces = tuple(
        replace(
            trace,
            before=np.broadcast_to(trace.before[0], trace.before.shape),
            theta=np.broadcast_to(trace.before[0], trace.theta.shape),
        )
        for trace in trajectory.traces
    )
    left = Deviation("theta", 0, 1, 0, 1.0, 0.5, 0.01, 50.0, {})
    (breach,) = checked(code, name, script, replace(trajectory, traces=traces), left).breaches
    assert breach.output == "theta"
    assert breach.ratio > 1.0
    assert breach.deviation is not None


@pytest.mark.parametrize(("code", "name"), SUBJECTS)
def test_nan_is_out_of_bounds(code: str, name: str) -> None:
    script = script_of(code, name)
    trajectory = run(*SUBJECTS[code, name], script)
    traces = tuple(
        replace(trace, before=np.full_like(trace.before, np.nan), theta=np.full_like(trace.theta, np.nan))
        for trace in trajectory.traces
    )
    left = Deviation("theta", 0, 1, 0, math.nan, 0.5, 0.01, math.inf, {})
    assert checked(code, name, script, replace(trajectory, traces=traces), left).breaches


def test_a_regret_beyond_its_bound_is_no_breach_if_the_run_stays_inside_its_envelope() -> None:
    name = "adagrad"
    script = script_of("SC607", name)
    trajectory = run(ADAGRAD, "default", script)
    traces = tuple(replace(trace, before=np.full_like(trace.before, 100.0)) for trace in trajectory.traces)
    assert checked("SC607", name, script, replace(trajectory, traces=traces)).breaches == ()


@pytest.mark.parametrize(("code", "name"), SUBJECTS)
def test_nothing_is_compared_in_another_script(code: str, name: str) -> None:
    script = script_of(code, name)
    first = script.steps[0]
    other = replace(script, steps=(replace(first, overwrite=((0, Literal((0.5,))),)), *script.steps[1:]))
    assert checked(code, name, other, run(*SUBJECTS[code, name], other)).compared == 0
    assert from_json(to_json(script)) == script


def test_a_shortened_descent_is_still_compared() -> None:
    script = script_of("SC603", "sgd").until(5)
    assert checked("SC603", "sgd", script, run(SGD, "plain", script)).compared == 5 * len(STEP_SIZES) * 4
    assert STEPS > 5


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize(("code", "name"), SUBJECTS)
def test_an_unfinished_run_is_judged_as_far_as_it_went(code: str, name: str, steps: int) -> None:
    script = script_of(code, name)
    trajectory = run(*SUBJECTS[code, name], script.until(steps))
    outcome = checked(code, name, script, trajectory)
    assert outcome.breaches == ()
    assert (outcome.compared == 0) == (steps == 0 or code in ("SC605", "SC606"))
