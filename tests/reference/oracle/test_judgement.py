"""What the oracle compares, what it does not, and how it says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from exam.evaluation_orders import ORDERS, run, script_for
from stepcheck_reference import rules
from stepcheck_reference.oracle.arithmetic import plain
from stepcheck_reference.oracle.judge import judge
from stepcheck_reference.oracle.judgement import DIVISOR, INPUT, RANGE, UNKNOWN, Judgement
from stepcheck_reference.scripts.script import Drawn, Group, Literal, Script, Step, Tensor
from stepcheck_reference.scripts.trajectory import Trace, Trajectory

HYPER = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8}
ADAM = rules.find("adam")
TEXTBOOK = ORDERS[0].step


def judged(script: Script, trajectory: Trajectory, dtype: str = "float32") -> Judgement:
    return judge(ADAM, script, trajectory, {dtype: plain(dtype)})


def scripted(
    dtype: str = "float32", *, size: int = 6, steps: int = 4, regime: str = "normal", scale: float = 1.0
) -> Script:
    return script_for(dtype, size=size, steps=steps, hyper=HYPER, regime=regime, scale=scale, seed=3)


def changed(trajectory: Trajectory, change: Callable[[Trace], Trace]) -> Trajectory:
    return replace(trajectory, traces=tuple(change(trace) for trace in trajectory.traces))


def with_value(values: np.ndarray, step: int, index: int, value: float) -> np.ndarray:
    copy = np.array(values)
    copy[step, index] = value
    return copy


def test_every_element_of_every_step_is_compared_and_conforms() -> None:
    script = scripted()
    judgement = judged(script, run(TEXTBOOK, script, plain("float32")))
    assert judgement.compared == script.element_steps == 24
    assert judgement.not_compared == {}
    assert judgement.observability == "stepwise"
    assert judgement.conforms


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_two_units_in_the_last_place_too_far_are_broken(dtype: str) -> None:
    script = scripted(dtype)
    trajectory = run(TEXTBOOK, script, plain(dtype))
    # The largest element: its radius is little more than the rounding of theta itself.
    at = int(np.argmax(np.abs(trajectory.traces[0].theta[2])))
    value = float(trajectory.traces[0].theta[2, at]) * (1 + 4.0 * plain(dtype).storage.unit_roundoff)
    perturbed = changed(trajectory, lambda trace: replace(trace, theta=with_value(trace.theta, 2, at, value)))
    (deviation,) = judged(script, perturbed, dtype).breaks
    assert (deviation.output, deviation.step, deviation.index) == ("theta", 3, at)
    assert 1.0 < deviation.ratio < 6.0


def test_a_wrong_state_is_broken_at_its_own_step_only() -> None:
    script = scripted()
    trajectory = run(TEXTBOOK, script, plain("float32"))
    last = len(script.steps)
    perturbed = changed(trajectory, lambda trace: replace(
        trace, states={**trace.states, "v": with_value(trace.states["v"], last, 0, 1.0)}
    ))  # fmt: skip
    judgement = judged(script, perturbed)
    assert [deviation.output for deviation in judgement.breaks] == ["v"]
    assert judgement.broken == {"v": 1}


def test_a_nan_where_the_rule_is_finite_is_broken() -> None:
    script = scripted()
    trajectory = run(TEXTBOOK, script, plain("float32"))
    perturbed = changed(trajectory, lambda trace: replace(trace, theta=with_value(trace.theta, 3, 2, float("nan"))))
    assert judged(script, perturbed).worst["theta"].ratio == float("inf")


def test_a_non_finite_gradient_is_not_compared_until_the_state_is_finite_again() -> None:
    script = scripted(size=3)
    first = Drawn("normal", 1, 1.0, ((0, float("inf")),))
    script = replace(script, steps=(Step((first,)), *script.steps[1:]))
    judgement = judged(script, run(TEXTBOOK, script, plain("float32")))
    assert judgement.compared == 8
    assert judgement.not_compared == {INPUT: 4}
    assert judgement.conforms


def test_an_intermediate_that_leaves_the_range_is_counted_and_not_compared() -> None:
    script = scripted("float16", size=2, regime="constant", scale=1000.0)
    judgement = judged(script, run(TEXTBOOK, script, plain("float16")), "float16")
    assert judgement.compared == 0
    assert judgement.not_compared[RANGE] + judgement.not_compared.get(INPUT, 0) == 8


def test_a_divisor_that_may_be_zero_is_counted_and_not_compared() -> None:
    script = scripted("float16", size=2, regime="constant", scale=0.0)
    judgement = judged(script, run(TEXTBOOK, script, plain("float16")), "float16")
    assert judgement.not_compared.get(DIVISOR, 0) > 0
    assert judgement.conforms


def test_an_unobserved_state_has_a_running_ball() -> None:
    script = scripted(steps=6)
    trajectory = replace(run(TEXTBOOK, script, plain("float32")), observed=("m",))
    judgement = judged(script, trajectory)
    assert judgement.observability == "theta_only"
    assert judgement.compared == script.element_steps
    assert judgement.conforms
    value = float(trajectory.traces[0].theta[5, 0]) * (1 + 1e-3) + 1e-3
    perturbed = changed(trajectory, lambda trace: replace(trace, theta=with_value(trace.theta, 5, 0, value)))
    assert [deviation.output for deviation in judged(script, perturbed).breaks] == ["theta"]


def test_an_element_is_never_compared_again_once_its_unobserved_state_is_unknown() -> None:
    script = scripted(size=2, steps=3)
    script = replace(script, steps=(Step((Literal((float("inf"), 1.0)),)), *script.steps[1:]))
    trajectory = replace(run(TEXTBOOK, script, plain("float32")), observed=())
    judgement = judged(script, trajectory)
    assert judgement.not_compared[UNKNOWN] == 2
    assert judgement.compared == 3


def test_a_wrong_counter_is_reported_with_its_first_step() -> None:
    script = scripted()
    trajectory = run(TEXTBOOK, script, plain("float32"))
    frozen = changed(trajectory, lambda trace: replace(trace, count=np.minimum(trace.count, 2.0)))
    (wrong,) = judged(script, frozen).counts
    assert (wrong.step, wrong.observed, wrong.expected) == (3, 2.0, 3)


def test_a_wrong_initial_state_is_reported() -> None:
    script = scripted()
    trajectory = run(TEXTBOOK, script, plain("float32"))
    perturbed = changed(trajectory, lambda trace: replace(
        trace, states={**trace.states, "v": with_value(trace.states["v"], 0, 1, 0.1)}
    ))  # fmt: skip
    assert [(entry.output, entry.index) for entry in judged(script, perturbed).initials] == [("v", 1)]


def idle(theta: list[list[float]]) -> tuple[Script, Trajectory]:
    script = Script(
        (Tensor((2,), "float32", Literal((1.0, 2.0))),), (Group((0,), {"lr": 1.0}),), (Step((None,)), Step((None,)))
    )
    values = np.array(theta)
    trace = Trace(values[:-1], values[1:], {}, {}, np.full(3, -1.0))
    return script, Trajectory((trace,), 2, None, ())


def test_without_a_gradient_a_parameter_must_not_change() -> None:
    script, still = idle([[1.0, 2.0]] * 3)
    judgement = judge(rules.find("sgd"), script, still, {"float32": plain("float32")})
    assert judgement.conforms
    assert judgement.compared == 4
    script, moving = idle([[1.0, 2.0], [1.0, 2.0], [1.0, np.nextafter(2.0, 3.0)]])
    judgement = judge(rules.find("sgd"), script, moving, {"float32": plain("float32")})
    assert judgement.worst["theta"].ratio == float("inf")
    assert judgement.worst["theta"].step == 2


def test_only_tensors_of_the_requested_dtype_are_judged() -> None:
    script = Script(
        (Tensor((1,), "float32", Literal((1.0,))), Tensor((1,), "float64", Literal((1.0,)))),
        (Group((0, 1), {"lr": 0.5}),),
        (Step((Literal((1.0,)), Literal((1.0,)))),),
    )
    right = Trace(np.array([[1.0]]), np.array([[0.5]]), {}, {}, np.full(2, -1.0))
    wrong = Trace(np.array([[1.0]]), np.array([[0.25]]), {}, {}, np.full(2, -1.0))
    trajectory = Trajectory((right, wrong), 1, None, ())
    arithmetics = {dtype: plain(dtype) for dtype in ("float32", "float64")}
    sgd = rules.find("sgd")
    assert judge(sgd, script, trajectory, arithmetics, only="float32").conforms
    assert judge(sgd, script, trajectory, arithmetics, only="float64").breaks
    assert judge(sgd, script, trajectory, arithmetics).compared == 2


def test_a_complex_element_is_compared_only_where_both_its_parts_are() -> None:
    script = Script(
        (Tensor((2,), "complex64", Literal((1.0, 1.0, 1.0, 1.0))),),
        (Group((0,), {"lr": 0.5}),),
        (Step((Literal((float("inf"), 1.0, 1.0, 1.0)),)),),
    )
    after = np.array([[-np.inf, 123.0, 0.5, 0.5]])
    trajectory = Trajectory((Trace(np.ones((1, 4)), after, {}, {}, np.full(2, -1.0)),), 1, None, ())
    judgement = judge(rules.find("sgd"), script, trajectory, {"complex64": plain("complex64")})
    assert judgement.compared == 1
    assert judgement.not_compared == {INPUT: 1}
    assert judgement.conforms
