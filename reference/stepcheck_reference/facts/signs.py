"""Signs: which states are never negative, by induction over the steps."""

from __future__ import annotations

from collections.abc import Mapping, Set
from functools import lru_cache
from types import MappingProxyType

from sympy import Abs, Add, Expr, Integer, Max, Min, Mul, Piecewise, Pow, Symbol

from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.facts.equations import equations
from stepcheck_reference.facts.sample import GRADIENTS, ROUNDED, sample
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective


@lru_cache(maxsize=1024)
def nonnegative_states(rule: Rule) -> Mapping[Symbol, bool | None]:
    """Return of each state whether it is never negative, at any step; None if unknown."""
    new, starts = equations(rule), {**rule.init, **rule.scalars}
    proved = {state for state, value in starts.items() if is_nonnegative(value, rule)}
    while lost := {state for state in proved if not is_nonnegative(new[state], rule, proved)}:
        proved -= lost
    below = _below(rule) - proved
    return MappingProxyType({state: _answer(state, proved, below) for state in starts})


def _answer(state: Symbol, proved: Set[Symbol], refuted: Set[Symbol]) -> bool | None:
    return True if state in proved else False if state in refuted else None


def is_nonnegative(expression: Expr, rule: Rule, states: Set[Symbol] = frozenset()) -> bool:
    """Whether ``expression`` is shown not to be negative anywhere in the rule's domains where ``states`` are not."""

    def sure(part: Expr) -> bool:
        return is_nonnegative(part, rule, states)

    if expression in states or expression.is_nonnegative:
        return True
    if isinstance(expression, Add):
        return all(map(sure, expression.args)) or _leaves_out(expression, rule, states)
    if isinstance(expression, Mul):
        return all(map(sure, expression.args))
    if isinstance(expression, Pow):
        even = expression.exp.is_even and expression.base.is_real is not False
        return bool(even) or sure(expression.base)
    if isinstance(expression, Abs):
        return True
    if isinstance(expression, Max):
        return any(map(sure, expression.args))
    if isinstance(expression, Min):
        return all(map(sure, expression.args))
    if isinstance(expression, Piecewise):
        return all(sure(value) for value, _ in expression.args)
    return False


def is_at_most_one(expression: Expr, rule: Rule, states: Set[Symbol] = frozenset()) -> bool:
    """Whether ``expression`` is shown to lie between 0 and 1."""

    def within(part: Expr) -> bool:
        return is_at_most_one(part, rule, states)

    if expression.is_number:
        return bool(0 <= expression <= 1)
    if isinstance(expression, Symbol):
        if expression in rule.constants:
            return 0 <= rule.constants[expression] <= 1
        return expression in rule.domains and 0 <= rule.domains[expression].low <= rule.domains[expression].high <= 1
    if isinstance(expression, Mul):
        return all(map(within, expression.args))
    if isinstance(expression, Pow):
        return within(expression.base) and is_nonnegative(expression.exp, rule, states)
    if isinstance(expression, Add):
        return not (1 - expression).is_Add and within(1 - expression)
    return False


def _leaves_out(expression: Add, rule: Rule, states: Set[Symbol]) -> bool:
    """Whether ``expression`` is 1 or more, less something between 0 and 1."""
    number, rest = expression.as_coeff_Add()
    return bool(number >= 1) and is_at_most_one(-rest, rule, states)


def _below(rule: Rule) -> set[Symbol]:
    """Return the states that are negative somewhere on a walk of four steps, or on that of the opposite gradients."""
    if needs_objective(rule):
        return set()
    traces = [
        iterate(rule, sample(rule), Integer(1), [factor * one for one in GRADIENTS], digits=ROUNDED)
        for factor in (1, -1)
    ]
    states = {*rule.init, *rule.scalars}
    return {state for trace in traces for values in trace for state in states if values[state].is_negative}
