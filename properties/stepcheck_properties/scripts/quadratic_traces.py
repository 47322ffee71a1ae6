"""Quadratic traces: exact trajectories of linear rules on curvature/2*theta**2, where they converge and where not."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from sympy import Expr, Integer, Rational, Symbol

from stepcheck_properties.law import Facts
from stepcheck_properties.scripts.baseline_scripts import hyper
from stepcheck_properties.scripts.exact_scripts import PLAIN_HYPER
from stepcheck_properties.scripts.exact_traces import Values, dyadic, hyper_of_rule
from stepcheck_reference.algebra.transition import Transition, center, transition
from stepcheck_reference.alphabet import curvature, theta
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Group, Literal, Quadratic, Script, Step, Tensor

CURVATURE = 1.0
START = 1.0
STEPS = 8
RATES = (0.5, 0.25, 1.0, 2.0, 4.0, 8.0)
"""Learning rates that are tried for one that converges and one that diverges: powers of two, which round nothing."""

QuadraticTrace = tuple[Mapping[Symbol, Expr], ...]
"""Theta and the states before the first step and after each, exactly."""


def linear_step(rule: Rule) -> Transition:
    """Return the matrices of ``rule``, which has to be linear."""
    step = transition(rule)
    assert isinstance(step, Transition), "the rule is linear"
    return step


def quadratic_trace(rule: Rule, hyper: Mapping[str, float], start: float, steps: int) -> QuadraticTrace:
    """Return the exact trace of ``rule`` from ``start`` on CURVATURE/2*theta**2."""
    return _quadratic_trace(rule, hyper_of_rule(rule, hyper), start, steps)


@lru_cache(maxsize=256)
def _quadratic_trace(rule: Rule, hyper: Values, start: float, steps: int) -> QuadraticTrace:
    step = linear_step(rule)
    values = {symbol: Rational(dict(hyper)[str(symbol)]) for symbol in rule.hyper}
    values |= {curvature: Rational(CURVATURE), center: Integer(0), theta: Rational(start)}
    matrix, first, vector = (part.xreplace(values) for part in (step.matrix, step.first, step.start))
    vectors = [vector]
    for number in range(steps):
        vectors.append((matrix if number else first) * vectors[-1])
    return tuple(dict(zip(step.vector, vector, strict=True)) for vector in vectors)


def is_linear(rule: Rule) -> bool:
    """Whether a step on a quadratic is a matrix times theta and the states before it."""
    return isinstance(transition(rule), Transition)


def spectral_radius(rule: Rule, hyper: Mapping[str, float]) -> float:
    """Return the spectral radius of a step: parameters converge from everywhere if and only if it is below 1."""
    return _spectral_radius(rule, tuple(hyper[str(symbol)] for symbol in rule.hyper))


@lru_cache(maxsize=1024)
def _spectral_radius(rule: Rule, hyper: tuple[float, ...]) -> float:
    step = linear_step(rule)
    values = {symbol: Rational(value) for symbol, value in zip(rule.hyper, hyper, strict=True)}
    matrix = step.matrix.xreplace({**values, curvature: Rational(CURVATURE), center: Integer(0)})
    size = len(step.vector) - (step.vector[-1] == 1)  # without the constant 1, whose eigenvalue is 1
    return float(np.abs(np.linalg.eigvals(np.array(matrix.tolist(), np.float64)[:size, :size])).max(initial=0.0))


def both_sides(facts: Facts) -> list[dict[str, float]]:
    """Return hyper-parameters at which the rule diverges and some at which it converges, of those that there are.

    Radii between 0.9 and 1.1 are passed over: eigenvalues are computed in binary64, and 1 itself is neither side.
    """
    sides: dict[bool, dict[str, float]] = {}
    for rate in RATES:
        values = hyper(facts, 0, **{**PLAIN_HYPER, "lr": rate})
        radius = spectral_radius(facts.rule, values)
        if radius < 0.9 or radius > 1.1:
            sides.setdefault(radius < 1.0, values)
    return [sides[side] for side in sorted(sides)]


def quadratic_script(facts: Facts) -> Script:
    """Return a script that minimizes the quadratic from ``START``: its gradients are those of the exact trace.

    A rule that takes gradients at points of its own is given the objective instead.
    """
    sides = both_sides(facts)
    tensors = tuple(Tensor((2,), facts.dtype, Literal((START,))) for _ in sides)
    traces = [quadratic_trace(facts.rule, values, START, STEPS) for values in sides]
    objective = Quadratic(CURVATURE) if needs_objective(facts.rule) else None
    steps = tuple(
        Step(tuple(Literal((0.0 if objective else CURVATURE * float(trace[number][theta]),)) for trace in traces))
        for number in range(STEPS)
    )
    groups = tuple(Group((index,), values) for index, values in enumerate(sides))
    return Script(tensors, groups, steps, objective)


def exact_steps(trace: QuadraticTrace, dtype: str) -> int:
    """Return after how many steps theta and all states are still numbers of ``dtype``."""
    for step, values in enumerate(trace):
        if any(symbol != 1 and dyadic(value, dtype) is None for symbol, value in values.items()):
            return step - 1
    return len(trace) - 1
