"""Induction: what holds before the first step, and after a step where it held before, holds at every step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sympy import Eq, Expr, Integer, Symbol, false, sympify

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.alphabet import g, gradient_at, t, theta
from stepcheck_reference.facts.equations import Equations, equations
from stepcheck_reference.rule import Rule

Part = tuple[bool | None, str]
"""Whether one thing holds that a proof takes, and what it says."""


def solves(rule: Rule, formulas: Mapping[Symbol, Expr], gradient: Expr) -> Iterator[Part]:
    """Yield the parts of a proof that each state is its formula in t after every step with these gradients."""
    starts = {**rule.init, **rule.scalars}
    before = {state: formula.xreplace({t: t - 1}) for state, formula in formulas.items()}
    for state, formula in formulas.items():
        first = at_first(rule)[state].xreplace({**starts, g: gradient.xreplace({t: Integer(1)})})
        yield vanishes(first - formula.xreplace({t: Integer(1)})), f"{state} is its formula after step 1"
        later = after_first(rule)[state].xreplace({**before, g: gradient})
        yield vanishes(later - formula), f"{state} is its formula after a step that it was before"


def carries(
    rule: Rule, other: Rule, relation: Mapping[Symbol, Expr], values: Mapping[Symbol, Expr | int] | None = None
) -> Iterator[Part]:
    """Yield the parts of a proof that two rules move as one: ``other``'s theta and states stay these of ``rule``'s.

    ``values`` are hyper-parameters of both. Where a rule asks for gradients of its own, each g is the gradient at theta
    of the rule that has it.
    """
    substitution = {symbol: sympify(value) for symbol, value in (values or {}).items()}
    relation = {symbol: value.xreplace(substitution) for symbol, value in relation.items()}
    starts = {symbol: sympify(value).xreplace(substitution) for symbol, value in {**rule.init, **rule.scalars}.items()}
    for state, value in relation.items():
        if state != theta:
            start = sympify({**other.init, **other.scalars}[state])
            yield vanishes(value.xreplace(starts) - start.xreplace(substitution)), f"{state} corresponds at first"
    moves_gradient = any(equation.has(gradient_at) for one in (rule, other) for equation in one.step.values())
    for when, step, place in ((at_first, "in step 1", starts), (after_first, "in a later step", {})):
        left, right = when(rule), when(other)
        if moves_gradient:
            left, right = _taken(left), _taken(right)
        left = {symbol: equation.xreplace({**substitution, **place}) for symbol, equation in left.items()}
        for symbol, value in relation.items():
            new = right[symbol].xreplace(substitution).xreplace(relation).xreplace(place)
            yield vanishes(new - value.xreplace(left)), f"{symbol} goes on to correspond {step}"


def at_first(rule: Rule) -> Equations:
    """Return the equations of step 1."""
    return {symbol: equation.xreplace({t: Integer(1)}) for symbol, equation in equations(rule).items()}


def after_first(rule: Rule) -> Equations:
    """Return the equations of the steps after the first."""
    return {symbol: equation.xreplace({Eq(t, 1): false}) for symbol, equation in equations(rule).items()}


def _taken(new: Equations) -> Equations:
    """Return equations with the gradient at theta, as a function, for g."""
    return {symbol: equation.xreplace({g: gradient_at(theta)}) for symbol, equation in new.items()}
