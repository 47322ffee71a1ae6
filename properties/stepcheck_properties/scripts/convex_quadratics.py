"""Descents: convex quadratics drawn at random, each step's gradient taken where the parameter stands by then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from sympy import Expr, Integer, Rational

from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts
from stepcheck_properties.scripts.baseline_scripts import drawn, hyper
from stepcheck_properties.scripts.from_zero import group_of
from stepcheck_properties.scripts.zero_hyper_parameters import is_steady
from stepcheck_reference.algebra.transition import Transition, center, transition
from stepcheck_reference.alphabet import curvature, momentum, theta
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.oracle.judgement import Deviation
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Group, Quadratic, Script, Step, Tensor

CURVATURE = 0.5
STEPS = 48
ROOMS = (1.0, 0.15, 2.0**-6)
"""Learning rates times the curvature: 1 is the largest that the bounds allow."""
ELEMENTS = 4
LEAST_PRECISION = 24
"""Bits that a format needs: in a narrower one parameters come to rest before they arrive."""

Schedule = Callable[[int], float]
"""The momentum at each step."""
Reach = Callable[[int, float], float]
"""How far from the lowest point parameters may be after a step, at a learning rate times the curvature."""


def is_wide(dtype: str) -> bool:
    """Whether steps in ``dtype`` go on to where the bounds lead."""
    return FORMATS[dtype].precision >= LEAST_PRECISION


def choices(facts: Facts, **wanted: float) -> list[dict[str, float]]:
    """Return hyper-parameters with a learning rate for each of ``ROOMS``."""
    return [hyper(facts, 0, **{"lr": room / CURVATURE, **wanted}) for room in ROOMS]


def descent(facts: Facts, seed: int, values: Sequence[Mapping[str, float]], schedule: Schedule | None = None) -> Script:
    """Return a script of a tensor for each of ``values``, which start and are lowest anywhere in (-1, 1)."""
    many = range(len(values))
    tensors = tuple(Tensor((ELEMENTS,), facts.dtype, drawn(seed, "uniform", "descent", index)) for index in many)
    low = tuple(drawn(seed, "uniform", "lowest", index) for index in many)
    steps = tuple(
        Step(low, tuple((index, "momentum", schedule(number)) for index in many) if schedule and number > 1 else ())
        for number in range(1, STEPS + 1)
    )
    groups = tuple(Group((index,), dict(chosen)) for index, chosen in enumerate(values))
    return Script(tensors, groups, steps, Quadratic(CURVATURE, by_closure=needs_objective(facts.rule)))


def within(evidence: Evidence, reach: Reach, *, follows: Callable[[Script], bool]) -> CheckOutcome:
    """Return how every parameter is as near to the lowest point as ``reach`` says, in units of how far it was at first.

    ``reach`` is asked with the step and with the learning rate times the curvature. Nothing is compared of a script
    that is no descent, or that does not do what ``follows`` looks for.
    """
    script, trajectory = evidence.script, evidence.trajectory
    objective = script.objective
    if objective is None or not is_steady(script) or script.box is not None or not follows(script):
        return CheckOutcome(0)
    compared, found = 0, None
    for tensor, trace in enumerate(trajectory.traces):
        item = script.tensors[tensor]
        room = group_of(script, tensor)["lr"] * objective.curvature
        given = {step.gradients[tensor] for step in script.steps}
        lowest = given.pop() if len(given) == 1 else None
        if lowest is None or not 0.0 < room <= 1.0:
            continue
        low = expand(lowest, item.size, item.dtype)
        first = np.abs(expand(item.initial, item.size, item.dtype) - low)
        held = np.asarray(trace.theta, np.float64)
        radius = first * np.array([reach(step, room) for step in range(1, len(held) + 1)]).reshape(-1, 1)
        away = np.abs(held - low)
        compared += held.size
        beyond = np.argwhere(~(away <= radius))
        if len(beyond) and found is None:
            row, at = map(int, beyond[0])
            step, ours, wanted, most = row + 1, float(held[row, at]), float(low[at]), float(radius[row, at])
            ratio = float(away[row, at]) / most if most and np.isfinite(ours) else float("inf")
            told = f"theta={ours!r}, but should be within {most!r} of {wanted!r} after {step} steps"
            deviation = Deviation("theta", tensor, step, at, ours, wanted, most, ratio, {})
            found = Breach("theta", tensor, step, ratio, told, deviation)
    return CheckOutcome(compared, () if found is None else (found,))


def farthest(rule: Rule, values: Mapping[str, float], reach: Reach, schedule: Schedule) -> float:
    """Return how far the exact course of a linear rule comes from the lowest point, in units of ``reach``, at most."""
    names = {str(symbol) for symbol in rule.hyper}
    chosen = tuple((name, value) for name, value in values.items() if name in names)
    room = values["lr"] * CURVATURE
    course = _course(rule, chosen, tuple(schedule(step) for step in range(1, STEPS + 1)))
    return max(float(abs(away)) / reach(step, room) for step, away in enumerate(course, 1))


@lru_cache(maxsize=256)
def _course(rule: Rule, values: tuple[tuple[str, float], ...], factors: tuple[float, ...]) -> tuple[Expr, ...]:
    """Return where theta is after each step, exactly, from 1 with the lowest point at 0."""
    moved = transition(rule)
    assert isinstance(moved, Transition), "the rule is linear"
    known: dict[Expr, Expr] = {symbol: Rational(dict(values)[str(symbol)]) for symbol in rule.hyper}
    known |= {curvature: Rational(CURVATURE), center: Integer(0), theta: Integer(1)}
    held = moved.start.xreplace(known)
    found = []
    for step, factor in enumerate(factors):
        matrix = moved.matrix if step else moved.first
        held = matrix.xreplace({**known, momentum: Rational(factor)}) * held
        found.append(held[0])
    return tuple(found)
