"""Zero gradients: what zero gradients leave of a rule that starts from its initial state."""

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
    """Return of each state whether zero gradients leave it at its initial value, where eps > 0; None if unknown."""
    states = {**rule.init, **rule.scalars}
    resting = dict(states)
    while lost := [state for state, value in resting.items() if _unmoved(rule, resting, state) != value]:
        resting = {state: value for state, value in resting.items() if state not in lost}
    moved = _moved(rule)
    answers = {state: True if state in resting else False if state in moved else None for state in states}
    return MappingProxyType(answers)


@lru_cache(maxsize=1024)
def rest_factor(rule: Rule) -> Expr | None:
    """Return what a step with zero gradients, so far and now, multiplies theta by; None where it is not a factor.

    It is 1 without weight decay. It holds hyper-parameters, t, and scalars of the rule; it takes eps > 0.
    """
    resting = {state: value for state, value in rule.init.items() if resting_states(rule)[state]}
    parts = split(_unmoved(rule, resting, theta), theta)
    if parts is None or parts[1] != 0 or parts[0].free_symbols & {theta, *rule.init}:
        return None
    return parts[0] if parts[0] not in (nan, zoo) else None


def rests(rule: Rule) -> bool | None:
    """Return whether zero gradients from the initial state leave theta, or exactly its decay; None if unknown."""
    if rest_factor(rule) is not None:
        return True
    if needs_objective(rule):
        return None
    one, two = (iterate(rule, sample(rule), start, [Integer(0)], digits=ROUNDED)[-1][theta] for start in (1, 2))
    return False if vanishes(two - 2 * one) is False else None


def _unmoved(rule: Rule, resting: Mapping[Symbol, Expr], symbol: Symbol) -> Expr:
    equation = equations(rule)[symbol].replace(gradient_at, lambda point: Integer(0))
    return equation.xreplace({g: Integer(0), **resting})


def _moved(rule: Rule) -> set[Symbol]:
    if needs_objective(rule):
        return set()
    trace = iterate(rule, sample(rule), Integer(1), [Integer(0)] * 2, digits=ROUNDED)
    states = (*rule.init, *rule.scalars)
    return {state for values in trace for state in states if vanishes(values[state] - trace[0][state]) is False}
