"""Induction: a statement that holds initially, and is preserved by every step, holds at every step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sympy import Eq, Expr, Integer, Symbol, false, sympify

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.alphabet import g, gradient_at, t, theta
from stepcheck_reference.facts.equations import Equations, equations
from stepcheck_reference.rule import Rule

Part = tuple[bool | None, str]
"""Whether one statement of a proof holds, and the statement."""


def solves(rule: Rule, formulas: Mapping[Symbol, Expr], gradient: Expr) -> Iterator[Part]:
    """Yield the parts of a proof that each state is its formula in t after every step with these gradients."""
    starts = {**rule.init, **rule.scalars}
    before = {state: formula.xreplace({t: t - 1}) for state, formula in formulas.items()}
    for state, formula in formulas.items():
        first = at_first(rule)[state].xreplace({**starts, g: gradient.xreplace({t: Integer(1)})})
        yield vanishes(first - formula.xreplace({t: Integer(1)})), f"{state} is its formula after step 1"
        later = after_first(rule)[state].xreplace({**before, g: gradient})
        yield vanishes(later - formula), f"if {state} is its formula before a later step, it is after it"


def preserves_relation(
    rule: Rule, other: Rule, relation: Mapping[Symbol, Expr], values: Mapping[Symbol, Expr | int] | None = None
) -> Iterator[Part]:
    """Yield the parts of a proof that ``relation`` gives theta and states of ``other`` from those of ``rule`` forever.

    ``values`` are hyper-parameters of both. If either rule evaluates gradients itself, each g is the gradient at theta
    of its own rule.
    """
    substitution = {symbol: sympify(value) for symbol, value in (values or {}).items()}
    relation = {symbol: value.xreplace(substitution) for symbol, value in relation.items()}
    starts = {symbol: sympify(value).xreplace(substitution) for symbol, value in {**rule.init, **rule.scalars}.items()}
    for state, value in relation.items():
        if state != theta:
            start = sympify({**other.init, **other.scalars}[state])
            yield vanishes(value.xreplace(starts) - start.xreplace(substitution)), f"{state} corresponds initially"
    evaluates_gradients = any(
        equation.has(gradient_at) for some_rule in (rule, other) for equation in some_rule.step.values()
    )
    for equations_of, step, initial in ((at_first, "step 1", starts), (after_first, "a later step", {})):
        left, right = equations_of(rule), equations_of(other)
        if evaluates_gradients:
            left, right = _with_gradient_function(left), _with_gradient_function(right)
        left = {symbol: equation.xreplace({**substitution, **initial}) for symbol, equation in left.items()}
        for symbol, value in relation.items():
            new = right[symbol].xreplace(substitution).xreplace(relation).xreplace(initial)
            yield vanishes(new - value.xreplace(left)), f"{symbol} still corresponds after {step}"


def at_first(rule: Rule) -> Equations:
    """Return the equations of step 1."""
    return {symbol: equation.xreplace({t: Integer(1)}) for symbol, equation in equations(rule).items()}


def after_first(rule: Rule) -> Equations:
    """Return the equations of the steps after the first."""
    return {symbol: equation.xreplace({Eq(t, 1): false}) for symbol, equation in equations(rule).items()}


def _with_gradient_function(new: Equations) -> Equations:
    """Return the equations with g replaced by the gradient function at theta."""
    return {symbol: equation.xreplace({g: gradient_at(theta)}) for symbol, equation in new.items()}
