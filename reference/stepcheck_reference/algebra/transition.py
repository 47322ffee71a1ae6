"""Transition: a linear rule on a quadratic objective, as a power of a matrix.

On f(theta) = curvature*(theta - center)**2/2 the gradient is linear in theta. Where the rule's equations are linear
too, a step is a matrix times (theta, states), the same at every step except possibly the first, while
hyper-parameters are constant. Linearity is read off the equations; a rule without it has a reason in ``NotLinear``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from sympy import Eq, Expr, ImmutableMatrix, Integer, Symbol, factor_terms, false

from stepcheck_reference.algebra.history import unwrapped
from stepcheck_reference.algebra.linear import split
from stepcheck_reference.alphabet import curvature, g, gradient_at, t, theta
from stepcheck_reference.rule import Rule

center = Symbol("center", real=True)
"""The minimizer of the objective."""


@dataclass(frozen=True, slots=True)
class NotLinear:
    """Why the rule is no power of a matrix: the ``reason`` in the equation of ``symbol``."""

    symbol: Symbol
    reason: str


@dataclass(frozen=True, slots=True)
class Transition:
    """The effect of a step on ``vector``: theta, the states and, where a step adds a constant, 1.

    After step t the vector is matrix**(t - 1) * first * start. ``first`` equals ``matrix`` where step 1 is like
    later ones. ``start`` contains the symbol theta, for the parameter before step 1, and each state's initial value.
    """

    vector: tuple[Expr, ...]
    matrix: ImmutableMatrix
    first: ImmutableMatrix
    start: ImmutableMatrix

    def after(self, steps: int, values: Mapping[Symbol, Expr]) -> dict[Symbol, Expr]:
        """Return theta and the states after ``steps`` steps, where the other symbols have these values."""
        matrix, first, start = (part.xreplace(dict(values)) for part in (self.matrix, self.first, self.start))
        result = matrix ** (steps - 1) * first * start if steps else start
        return {symbol: value for symbol, value in zip(self.vector, result, strict=True) if symbol != 1}


@lru_cache(maxsize=256)
def transition(rule: Rule, *, middle: Expr = center) -> Transition | NotLinear:
    """Return the matrix of ``rule`` where the gradient is curvature*(theta - middle), or why it has none.

    A gradient that the rule evaluates elsewhere than at theta is evaluated there.
    """
    vector: tuple[Expr, ...] = (theta, *rule.init)
    start: tuple[Expr, ...] = (theta, *rule.init.values())
    first: list[list[Expr]] = []
    later: list[list[Expr]] = []
    for symbol in vector:
        equation = _on_quadratic(rule.step[symbol], middle)
        for rows, substitution in ((first, {t: Integer(1)}), (later, {Eq(t, 1): false})):
            row = _row(equation.xreplace(substitution), vector)
            if row is None:
                return NotLinear(symbol, "the new value is not linear in theta and the states")
            rows.append(row)
        if any(part.free_symbols & {t, *rule.scalars} for part in later[-1]):
            return NotLinear(symbol, "the coefficients change with the step")
    if any(row[-1] != 0 for row in (*first, *later)):
        vector, start = (*vector, Integer(1)), (*start, Integer(1))
        for rows in (first, later):
            rows.append([Integer(0)] * len(rows) + [Integer(1)])
    return Transition(vector, _matrix(later), _matrix(first), ImmutableMatrix(start))


def _on_quadratic(equation: Expr, middle: Expr) -> Expr:
    """Return ``equation`` with the quadratic's gradient for g, and for every gradient at another point."""
    replaced = unwrapped(equation).replace(gradient_at, lambda point: curvature * (point - middle))
    return replaced.xreplace({g: curvature * (theta - middle)})


def _matrix(rows: list[list[Expr]]) -> ImmutableMatrix:
    return ImmutableMatrix([row[: len(rows)] for row in rows])


def _row(equation: Expr, vector: tuple[Expr, ...]) -> list[Expr] | None:
    """Return the coefficients of ``equation`` for the vector and its constant term; None if it is not linear."""
    row: list[Expr] = []
    for symbol in vector:
        parts = split(equation, symbol)
        if parts is None:
            return None
        coefficient, equation = parts
        row.append(factor_terms(coefficient))
    row.append(factor_terms(equation))
    return None if any(part.free_symbols & set(vector) for part in row) else row
