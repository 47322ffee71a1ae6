"""Courses: the real that a failure is about, step by step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from properties.adam_in_float32 import ADAM, ARITHMETICS, AdamInFloat32
from stepcheck.certification.certificate import Point, Worst
from stepcheck.certification.failures.failure import worst_record
from stepcheck.certification.failures.failure_trace import failure_trace
from stepcheck_reference.oracle.judge import judge
from stepcheck_reference.scripts.script import Data, Group, Literal, Script, Step, Tensor
from stepcheck_reference.scripts.trajectory import Trajectory

ONE = Literal((1.0,))
HYPER = {"lr": 0.5, "beta1": 0.5, "beta2": 0.5, "eps": 1.0}


def scripted(*gradients: Data | None) -> Script:
    """Return a script over one tensor of two elements that start at 1."""
    steps = tuple(Step((gradient,)) for gradient in gradients)
    return Script((Tensor((2,), "float32", ONE),), (Group((0,), HYPER),), steps)


def walked(script: Script, trajectory: Trajectory, shown: Worst) -> tuple[Point, ...]:
    return failure_trace(ADAM, script, trajectory, ARITHMETICS, "float32", shown)


def exact(output: str, step: int, observed: float, expected: float) -> Worst:
    """Return what is shown of an output that is compared exactly."""
    return Worst(
        output=output, tensor=0, step=step, index=0, observed=observed, expected=expected, radius=0.0, ratio="inf"
    )


def test_a_trace_starts_before_the_first_step_and_has_a_point_a_step() -> None:
    script = scripted(ONE, ONE, ONE)
    trajectory = AdamInFloat32(eps_inside=True)(script)
    shown = worst_record(judge(ADAM, script, trajectory, ARITHMETICS).worst["theta"])
    points = walked(script, trajectory, shown)
    assert [point.step for point in points] == [0, 1, 2, 3]
    assert points[0] == Point(step=0, observed=1.0, expected=1.0, radius=0.0)
    assert [point.observed for point in points[1:]] == [float(row[0]) for row in trajectory.traces[0].theta]
    failing = points[shown.step]
    assert (failing.observed, failing.expected, failing.radius) == (shown.observed, shown.expected, shown.radius)
    assert all(abs(float(p.observed) - float(p.expected)) > float(p.radius) for p in points[1:])


def test_a_step_without_gradient_has_to_leave_everything_where_it_was() -> None:
    script = scripted(ONE, None)
    trajectory = AdamInFloat32(moves_without_gradient=True)(script)
    shown = worst_record(judge(ADAM, script, trajectory, ARITHMETICS).worst["theta"])
    still = walked(script, trajectory, shown)[2]
    assert (still.radius, still.expected) == (0.0, float(trajectory.traces[0].theta[0, 0]))
    assert still.observed == float(trajectory.traces[0].theta[1, 0]) != still.expected


def test_a_counter_is_compared_with_the_gradients_so_far() -> None:
    script = scripted(ONE, None, ONE, ONE)
    trajectory = AdamInFloat32(counts_to=1)(script)
    points = walked(script, trajectory, exact("count", 3, 1.0, 2.0))
    assert [(point.observed, point.expected) for point in points] == [(0, 0), (1, 1), (1, 1), (1, 2), (1, 3)]


def test_a_wrong_start_is_the_point_before_the_first_step() -> None:
    script = scripted(ONE)
    trajectory = AdamInFloat32(second_moment_starts_at=1.0)(script)
    points = walked(script, trajectory, exact("v", 0, 1.0, 0.0))
    assert points[0] == Point(step=0, observed=1.0, expected=0.0, radius=0.0)
    assert len(points) == 2


def test_what_is_not_compared_has_no_radius() -> None:
    script = scripted(ONE, Literal((float("inf"), 1.0)), ONE)
    right = AdamInFloat32()(script)
    theta = np.array(right.traces[0].theta)
    theta[0, 0] += 1.0
    trajectory = replace(right, traces=(replace(right.traces[0], theta=theta),))
    shown = worst_record(judge(ADAM, script, trajectory, ARITHMETICS).worst["theta"])
    points = walked(script, trajectory, shown)
    assert [point.radius == "nan" for point in points] == [False, False, True, True]


def test_a_subject_that_does_something_else_now_has_no_trace() -> None:
    script = scripted(ONE)
    assert walked(script, AdamInFloat32()(script), exact("theta", 1, 17.0, 0.5)) == ()
    assert walked(script, AdamInFloat32()(script), exact("theta", 5, 0.5, 0.5)) == ()


def test_a_subject_that_does_not_finish_now_has_no_trace() -> None:
    script = scripted(ONE, ONE)
    stopped = AdamInFloat32(crashes_at=1)(script)
    assert walked(script, stopped, exact("theta", 2, 0.5, 0.25)) == ()
    assert walked(script, replace(stopped, traces=()), exact("theta", 2, 0.5, 0.25)) == ()
