"""Quadratics: exact courses of linear rules on curvature/2*theta**2, on both sides of where they stop to converge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np
from sympy import Expr, Integer, Rational, Symbol

from stepcheck_properties.law import Facts
from stepcheck_properties.scripts.baseline_scripts import hyper
from stepcheck_properties.scripts.exact_scripts import NOTHING
from stepcheck_properties.scripts.exact_traces import dyadic
from stepcheck_reference.algebra.transition import Transition, center, transition
from stepcheck_reference.alphabet import curvature, theta
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Data, Group, Literal, Quadratic, Script, Step, Tensor

CURVATURE = 1.0
START = 1.0
STEPS = 8
RATES = (0.5, 0.25, 1.0, 2.0, 4.0, 8.0)
"""Learning rates that are tried for one that converges and for one that does not."""

Course = tuple[Mapping[Symbol, Expr], ...]


def course(rule: Rule, values: Mapping[str, float], start: float, steps: int) -> Course:
    """Return what theta and the states hold before the first step and after each, on CURVATURE/2*theta**2."""
    names = {str(symbol) for symbol in rule.hyper}
    return _course(rule, tuple((name, value) for name, value in values.items() if name in names), start, steps)


@lru_cache(maxsize=256)
def _course(rule: Rule, values: tuple[tuple[str, float], ...], start: float, steps: int) -> Course:
    moved = transition(rule)
    assert isinstance(moved, Transition), "the rule is linear"
    known = {symbol: Rational(dict(values)[str(symbol)]) for symbol in rule.hyper}
    known |= {curvature: Rational(CURVATURE), center: Integer(0), theta: Rational(start)}
    matrix, first, held = (part.xreplace(known) for part in (moved.matrix, moved.first, moved.start))
    found = [held]
    for step in range(steps):
        found.append((matrix if step else first) * found[-1])
    return tuple(dict(zip(moved.vector, vector, strict=True)) for vector in found)


def is_linear(rule: Rule) -> bool:
    """Whether a step on a quadratic is a matrix times what is held before it."""
    return isinstance(transition(rule), Transition)


def radius(rule: Rule, values: Mapping[str, float]) -> float:
    """Return the spectral radius of a step: parameters converge from everywhere exactly where it is below 1."""
    return _radius(rule, tuple(values[str(symbol)] for symbol in rule.hyper))


@lru_cache(maxsize=1024)
def _radius(rule: Rule, values: tuple[float, ...]) -> float:
    moved = transition(rule)
    assert isinstance(moved, Transition), "the rule is linear"
    known = {symbol: Rational(value) for symbol, value in zip(rule.hyper, values, strict=True)}
    matrix = moved.matrix.xreplace({**known, curvature: Rational(CURVATURE), center: Integer(0)})
    many = len(moved.vector) - (moved.vector[-1] == 1)
    return float(np.abs(np.linalg.eigvals(np.array(matrix.tolist(), np.float64)[:many, :many])).max(initial=0.0))


def both_sides(facts: Facts) -> list[dict[str, float]]:
    """Return hyper-parameters at which the rule converges and some at which it does not, of those that there are."""
    tried = [hyper(facts, 0, **{**NOTHING, "lr": rate}) for rate in RATES]
    sides: dict[bool, dict[str, float]] = {}
    for values in tried:
        found = radius(facts.rule, values)
        if found < 0.9 or found > 1.1:
            sides.setdefault(found < 1.0, values)
    return [sides[side] for side in sorted(sides)]


def quadratic(facts: Facts) -> Script:
    """Return a script that minimizes the quadratic from ``START``: its gradients are those of the exact course.

    A rule that asks for gradients is given the objective instead.
    """
    sides = both_sides(facts)
    tensors = tuple(Tensor((2,), facts.dtype, Literal((START,))) for _ in sides)
    courses = [course(facts.rule, values, START, STEPS) for values in sides]
    wants = needs_objective(facts.rule)

    def given(number: int) -> Iterator[Data]:
        for held in courses:
            yield Literal((0.0 if wants else CURVATURE * float(held[number][theta]),))

    groups = tuple(Group((index,), values) for index, values in enumerate(sides))
    steps = tuple(Step(tuple(given(number))) for number in range(STEPS))
    return Script(tensors, groups, steps, Quadratic(CURVATURE) if wants else None)


def held_exactly(exact: Course, dtype: str) -> int:
    """Return after how many steps everything is still a number that ``dtype`` holds."""
    for step, held in enumerate(exact):
        if any(symbol != 1 and dyadic(value, dtype) is None for symbol, value in held.items()):
            return step - 1
    return len(exact) - 1
