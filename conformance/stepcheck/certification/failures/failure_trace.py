"""The trace of a failure: what the one real that it is about did in each step of its witness, for a report to draw."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stepcheck.certification.certificate import Point, Worst, number
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.judge import judge
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trace, Trajectory


def failure_trace(
    rule: Rule,
    script: Script,
    trajectory: Trajectory,
    arithmetics: Mapping[str, Arithmetic],
    dtype: str,
    shown: Worst,
) -> tuple[Point, ...]:
    """Return one point a step of what ``shown`` points at, what was there before the first step in front.

    Every step is judged from what was observed before it, as everywhere. Empty where ``trajectory`` does not
    show again what ``shown`` says, as that of a subject that does something else each time.
    """
    if shown.tensor >= len(trajectory.traces):
        return ()
    trace = trajectory.traces[shown.tensor]
    done = script.steps[: trajectory.steps]
    stepped = [step for step, entry in enumerate(done, 1) if entry.applied[shown.tensor] is not None]
    if shown.output == "count":
        points = _counted(trace, stepped, trajectory.steps)
    else:
        watch = (shown.output, shown.tensor, shown.index)
        judgement = judge(rule, script, trajectory, arithmetics, only=dtype, watch=[watch])
        points = {
            entry.step: _point(
                entry.step, entry.observed, entry.expected, entry.radius if entry.ratio >= 0 else float("nan")
            )
            for entry in judgement.watched
        }
        idle = set(range(1, trajectory.steps + 1)) - set(stepped)
        points |= {step: _point(step, after, before) for step, before, after in _moves(trace, shown) if step in idle}
        before = _before(trace, shown)
        if before is not None:
            points[0] = _point(0, before, before)
    if shown.step == 0:
        points[0] = Point(step=0, observed=shown.observed, expected=shown.expected, radius=shown.radius)
    if shown.step not in points or points[shown.step].observed != shown.observed:
        return ()
    return tuple(points[step] for step in sorted(points))


def _point(step: int, observed: float, expected: float, radius: float = 0.0) -> Point:
    return Point(step=step, observed=number(observed), expected=number(expected), radius=number(radius))


def _counted(trace: Trace, stepped: list[int], steps: int) -> dict[int, Point]:
    """A count is exact; where the subject holds none yet there is no point."""
    return {
        step: _point(step, float(trace.count[step]), float(sum(entry <= step for entry in stepped)))
        for step in range(steps + 1)
        if trace.count[step] != -1
    }


def _moves(trace: Trace, shown: Worst) -> list[tuple[int, float, float]]:
    """Return (step, value before it, value after it) of every step."""
    if shown.output == "theta":
        pairs = zip(trace.before[:, shown.index], trace.theta[:, shown.index], strict=True)
        return [(step, float(before), float(after)) for step, (before, after) in enumerate(pairs, 1)]
    if shown.output not in trace.states:
        return []
    values, present = trace.states[shown.output][:, shown.index], trace.present[shown.output]
    return [
        (step, float(values[step - 1]), float(values[step]))
        for step in range(1, len(values))
        if present[step - 1] and present[step]
    ]


def _before(trace: Trace, shown: Worst) -> float | None:
    """Return what was there before the first step, None where the subject did not hold it yet."""
    if shown.output == "theta":
        return float(trace.before[0, shown.index]) if len(trace.before) else None
    if shown.output not in trace.states or not np.any(trace.present[shown.output][:1]):
        return None
    return float(trace.states[shown.output][0, shown.index])
