"""Zero gradients: what a rule does from its initial state when every gradient is zero."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from sympy import Expr, Integer, Symbol, nan, zoo

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.algebra.linear import split
from stepcheck_reference.alphabet import g, gradient_at, theta
from stepcheck_reference.facts.equations import equations
from stepcheck_reference.facts.sample import ROUNDED, sample
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective


@lru_cache(maxsize=1024)
def resting_states(rule: Rule) -> Mapping[Symbol, bool | None]:
    """Return for each state whether zero gradients leave it at its initial value, where eps > 0; None if unknown."""
    states = {**rule.init, **rule.scalars}
    resting = dict(states)
    while changed := [state for state, value in resting.items() if _at_zero_gradient(rule, resting, state) != value]:
        resting = {state: value for state, value in resting.items() if state not in changed}
    changing = _changing_somewhere(rule)
    answers = {state: True if state in resting else False if state in changing else None for state in states}
    return MappingProxyType(answers)


@lru_cache(maxsize=1024)
def rest_factor(rule: Rule) -> Expr | None:
    """Return the factor that theta is multiplied by while every gradient has been zero; None where there is none.

    The factor is 1 without weight decay. It depends on hyper-parameters, t and scalars of the rule; assumes eps > 0.
    """
    resting = {state: value for state, value in rule.init.items() if resting_states(rule)[state]}
    parts = split(_at_zero_gradient(rule, resting, theta), theta)
    if parts is None or parts[1] != 0 or parts[0].free_symbols & {theta, *rule.init}:
        return None
    return parts[0] if parts[0] not in (nan, zoo) else None


def rests(rule: Rule) -> bool | None:
    """Return whether zero gradients from the initial state leave theta, up to exactly its decay; None if unknown."""
    if rest_factor(rule) is not None:
        return True
    if needs_objective(rule):
        return None
    from_one, from_two = (
        iterate(rule, sample(rule), start, [Integer(0)], digits=ROUNDED)[-1][theta] for start in (1, 2)
    )
    return False if vanishes(from_two - 2 * from_one) is False else None


def _at_zero_gradient(rule: Rule, resting: Mapping[Symbol, Expr], symbol: Symbol) -> Expr:
    equation = equations(rule)[symbol].replace(gradient_at, lambda point: Integer(0))
    return equation.xreplace({g: Integer(0), **resting})


def _changing_somewhere(rule: Rule) -> set[Symbol]:
    if needs_objective(rule):
        return set()
    trace = iterate(rule, sample(rule), Integer(1), [Integer(0)] * 2, digits=ROUNDED)
    states = (*rule.init, *rule.scalars)
    return {state for values in trace for state in states if vanishes(values[state] - trace[0][state]) is False}
