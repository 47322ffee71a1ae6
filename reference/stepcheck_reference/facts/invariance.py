"""Invariance: whether an element's step depends on other elements, and on where the parameters are."""

from __future__ import annotations

from functools import lru_cache

from sympy import Abs, Add, Basic, Expr, Integer, Max, Min, Mul, Number, Piecewise, Pow, Symbol, expand, false, sign
from sympy.core.relational import Relational
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import BooleanAtom, BooleanFunction

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.algebra.linear import split
from stepcheck_reference.alphabet import g, gradient_at, t, theta
from stepcheck_reference.facts.equations import Equations, cases, equations, feeding
from stepcheck_reference.facts.sample import GRADIENTS, ROUNDED, sample
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective

SCALAR = (
    Symbol, Number, Add, Mul, Pow, Abs, sign, Max, Min, Piecewise, ExprCondPair, Relational, BooleanAtom,
    BooleanFunction,
)  # fmt: skip
"""Nodes that are functions of numbers: of one element if their arguments are."""


@lru_cache(maxsize=1024)
def is_elementwise(rule: Rule) -> bool | None:
    """Return whether every equation is a function of numbers; None where a gradient is evaluated elsewhere than theta.

    Such a gradient depends on one element alone only if the objective is separable, which a rule does not state.
    """
    if rule.kind != "elementwise":
        return False
    return True if all(_is_function_of_numbers(equation) for equation in equations(rule).values()) else None


def _is_function_of_numbers(expression: Basic) -> bool:
    return isinstance(expression, SCALAR) and all(map(_is_function_of_numbers, expression.args))


@lru_cache(maxsize=1024)
def is_translation_invariant(rule: Rule) -> bool | None:
    """Return whether steps are independent of the initial theta; None if unknown.

    A gradient that is evaluated elsewhere is translated with the objective: it is unchanged where its point is theta
    plus a term that does not depend on theta.
    """
    points = points_of(rule)
    if all(_translates(new) or (points and _translates_with(points, when, new)) for when, new in cases(rule)):
        return True
    return False if _refuted(rule) else None


def points_of(rule: Rule) -> frozenset[Symbol]:
    """Return the states that the step depends on and that may be points, moved with theta where theta is moved."""
    new = equations(rule)
    return frozenset(state for state in feeding(new) if theta in new[state].free_symbols)


def _translates(new: Equations, points: frozenset[Symbol] = frozenset()) -> bool:
    """Return whether theta and the ``points`` keep what is added to both, and no other state depends on it."""
    return (
        _gradients_translate(new)
        and _has_theta_coefficient(new[theta], 1)
        and all(_has_theta_coefficient(new[state], int(state in points)) for state in feeding(new))
    )


def _translates_with(points: frozenset[Symbol], when: Basic, new: Equations) -> bool:
    """Return the same for points as they are off theta; before the first step there is no point to move."""
    if when.subs(t, 1) != false and any(points & equation.free_symbols for equation in new.values()):
        return False
    off = {point: theta + point for point in points}
    return _translates({symbol: equation.xreplace(off) for symbol, equation in new.items()}, points)


def _has_theta_coefficient(equation: Expr, coefficient: int) -> bool:
    """Return whether ``equation`` is ``coefficient`` times theta plus a term without theta."""
    parts = split(equation.replace(gradient_at, lambda point: g), theta)
    return parts is not None and expand(parts[0] - coefficient) == 0


def _gradients_translate(new: Equations) -> bool:
    """Return whether every point that a gradient is evaluated at is theta plus a term without theta."""
    return all(
        _has_theta_coefficient(gradient.args[0], 1)
        for equation in new.values()
        for gradient in equation.atoms(gradient_at)
    )


def _refuted(rule: Rule) -> bool:
    if needs_objective(rule):
        return False
    hyper = sample(rule)
    from_one, from_three = (iterate(rule, hyper, Integer(start), GRADIENTS, digits=ROUNDED) for start in (1, 3))
    return any(
        vanishes(second[theta] - first[theta] - 2) is False for first, second in zip(from_one, from_three, strict=True)
    )
