"""Convex quadratics drawn at random, whose gradient at each step is taken at the parameter's current value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from sympy import Expr, Integer, Rational

from stepcheck_properties.compare.breaches import wrong_real
from stepcheck_properties.law import THETA, CheckOutcome, Evidence, Facts
from stepcheck_properties.scripts.baseline_scripts import drawn, hyper, initial_hyper, is_uninterrupted
from stepcheck_properties.scripts.exact_traces import Values, hyper_of_rule
from stepcheck_properties.scripts.quadratic_traces import linear_step
from stepcheck_reference.algebra.transition import center
from stepcheck_reference.alphabet import curvature, momentum, theta
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Group, Quadratic, Script, Step, Tensor

CURVATURE = 0.5
STEPS = 48
STEP_SIZES = (1.0, 0.15, 2.0**-6)
"""Learning rates times the curvature; 1 is the largest for which the bounds are theorems."""
ELEMENTS = 4
LEAST_PRECISION = 24
"""Bits that a format needs: in a narrower one a step becomes smaller than half an ulp before the minimum is near."""

Schedule = Callable[[int], float]
"""Returns the momentum of a step."""
DistanceBound = Callable[[int, float], float]
"""Returns the largest distance from the minimum, in initial distances, after a step with lr*curvature."""


def is_precise(dtype: str) -> bool:
    """Whether parameters in ``dtype`` follow the bounds through all steps."""
    return FORMATS[dtype].precision >= LEAST_PRECISION


def hyper_per_step_size(facts: Facts, **preferred: float) -> list[dict[str, float]]:
    """Return hyper-parameters with a learning rate for each of ``STEP_SIZES``."""
    return [hyper(facts, 0, **{"lr": size / CURVATURE, **preferred}) for size in STEP_SIZES]


def descent(facts: Facts, seed: int, hypers: Sequence[Mapping[str, float]], schedule: Schedule | None = None) -> Script:
    """Return a script with a tensor for each of ``hypers``; starts and minima are anywhere in (-1, 1)."""
    indices = range(len(hypers))
    tensors = tuple(Tensor((ELEMENTS,), facts.dtype, drawn(seed, "uniform", "descent", index)) for index in indices)
    minima = tuple(drawn(seed, "uniform", "lowest", index) for index in indices)
    steps = tuple(
        Step(
            minima, tuple((index, "momentum", schedule(number)) for index in indices) if schedule and number > 1 else ()
        )
        for number in range(1, STEPS + 1)
    )
    groups = tuple(Group((index,), dict(values)) for index, values in enumerate(hypers))
    return Script(tensors, groups, steps, Quadratic(CURVATURE, by_closure=needs_objective(facts.rule)))


def check_distances(evidence: Evidence, bound: DistanceBound, *, applies: Callable[[Script], bool]) -> CheckOutcome:
    """Return whether every parameter is as near to its minimum after each step as ``bound`` says.

    Nothing is compared in a script that is no descent, or to which the bound does not apply (``applies``).
    """
    script, trajectory = evidence.script, evidence.trajectory
    objective = script.objective
    if objective is None or not is_uninterrupted(script) or script.box is not None or not applies(script):
        return CheckOutcome(0)
    compared, breach = 0, None
    for tensor, trace in enumerate(trajectory.traces):
        item = script.tensors[tensor]
        size = initial_hyper(script, tensor)["lr"] * objective.curvature
        minima = {step.gradients[tensor] for step in script.steps}
        data = minima.pop() if len(minima) == 1 else None
        if data is None or not 0.0 < size <= 1.0:
            continue
        minimum = expand(data, item.size, item.dtype)
        initial = np.abs(expand(item.initial, item.size, item.dtype) - minimum)
        values = np.asarray(trace.theta, np.float64)
        radius = initial * np.array([bound(step, size) for step in range(1, len(values) + 1)]).reshape(-1, 1)
        distance = np.abs(values - minimum)
        compared += values.size
        beyond = np.argwhere(~(distance <= radius))
        if len(beyond) and breach is None:
            row, at = map(int, beyond[0])
            observed, expected, most = float(values[row, at]), float(minimum[at]), float(radius[row, at])
            ratio = float(distance[row, at]) / most if most and np.isfinite(observed) else float("inf")
            message = f"theta={observed!r}, but should be within {most!r} of {expected!r} after {row + 1} steps"
            breach = wrong_real(THETA, tensor, row + 1, at, observed, expected, message, radius=most, ratio=ratio)
    return CheckOutcome(compared, () if breach is None else (breach,))


def largest_distance(rule: Rule, hyper: Mapping[str, float], bound: DistanceBound, schedule: Schedule) -> float:
    """Return the largest distance of a linear rule's exact trace from the minimum, in units of ``bound``."""
    size = hyper["lr"] * CURVATURE
    factors = tuple(schedule(step) for step in range(1, STEPS + 1))
    distances = _distances(rule, hyper_of_rule(rule, hyper), factors)
    return max(float(abs(distance)) / bound(step, size) for step, distance in enumerate(distances, 1))


@lru_cache(maxsize=256)
def _distances(rule: Rule, hyper: Values, factors: tuple[float, ...]) -> tuple[Expr, ...]:
    """Return theta after each step, exactly, from 1 with the minimum at 0; ``factors`` are the momentum of each."""
    step = linear_step(rule)
    values: dict[Expr, Expr] = {symbol: Rational(dict(hyper)[str(symbol)]) for symbol in rule.hyper}
    values |= {curvature: Rational(CURVATURE), center: Integer(0), theta: Integer(1)}
    vector = step.start.xreplace(values)
    distances = []
    for number, factor in enumerate(factors):
        matrix = step.matrix if number else step.first
        vector = matrix.xreplace({**values, momentum: Rational(factor)}) * vector
        distances.append(vector[0])
    return tuple(distances)
