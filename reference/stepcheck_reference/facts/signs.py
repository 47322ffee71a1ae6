"""Signs: which states are never negative, by induction over the steps, and which never decrease."""

from __future__ import annotations

from collections.abc import Mapping, Set
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType

from sympy import Abs, Add, Expr, Integer, Max, Min, Mul, Piecewise, Pow, Symbol, expand

from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.algebra.linear import split
from stepcheck_reference.facts.equations import equations
from stepcheck_reference.facts.sample import GRADIENTS, ROUNDED, sample
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective


@lru_cache(maxsize=1024)
def nonnegative_states(rule: Rule) -> Mapping[Symbol, bool | None]:
    """Return for each state whether it is never negative, at any step; None if unknown."""
    new, starts = equations(rule), {**rule.init, **rule.scalars}
    proved = {state for state, value in starts.items() if is_nonnegative(value, rule)}
    while unproved := {state for state in proved if not is_nonnegative(new[state], rule, proved)}:
        proved -= unproved
    negative = _negative_somewhere(rule) - proved
    return MappingProxyType({state: _answer(state, proved, negative) for state in starts})


def _answer(state: Symbol, proved: Set[Symbol], refuted: Set[Symbol]) -> bool | None:
    return True if state in proved else False if state in refuted else None


def is_nonnegative(expression: Expr, rule: Rule, states: Set[Symbol] = frozenset()) -> bool:
    """Return whether ``expression`` is provably nonnegative on the rule's domains if ``states`` are nonnegative."""

    def nonnegative(part: Expr) -> bool:
        return is_nonnegative(part, rule, states)

    if expression in states or expression.is_nonnegative:
        return True
    if isinstance(expression, Add):
        return all(map(nonnegative, expression.args)) or _is_one_minus(expression, rule, states)
    if isinstance(expression, Mul):
        return all(map(nonnegative, expression.args))
    if isinstance(expression, Pow):
        even = expression.exp.is_even and expression.base.is_real is not False
        return bool(even) or nonnegative(expression.base)
    if isinstance(expression, Abs):
        return True
    if isinstance(expression, Max):
        return any(map(nonnegative, expression.args))
    if isinstance(expression, Min):
        return all(map(nonnegative, expression.args))
    if isinstance(expression, Piecewise):
        return all(nonnegative(value) for value, _ in expression.args)
    return False


def is_at_most_one(expression: Expr, rule: Rule, states: Set[Symbol] = frozenset()) -> bool:
    """Return whether ``expression`` provably lies between 0 and 1."""

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


def _is_one_minus(expression: Add, rule: Rule, states: Set[Symbol]) -> bool:
    """Return whether ``expression`` is a number of at least 1 minus an expression between 0 and 1."""
    number, rest = expression.as_coeff_Add()
    return bool(number >= 1) and is_at_most_one(-rest, rule, states)


def _negative_somewhere(rule: Rule) -> set[Symbol]:
    """Return the states that become negative on an iteration of the sample, with its gradients or their negatives."""
    if needs_objective(rule):
        return set()
    traces = [
        iterate(rule, sample(rule), Integer(1), [factor * one for one in GRADIENTS], digits=ROUNDED)
        for factor in (1, -1)
    ]
    states = {*rule.init, *rule.scalars}
    return {state for trace in traces for values in trace for state in states if values[state].is_negative}


@lru_cache(maxsize=1024)
def monotone_states(rule: Rule) -> Mapping[Symbol, bool | None]:
    """Return for each state whether it never decreases; None if unknown."""
    new = equations(rule)
    nonnegative = frozenset(state for state, proved in nonnegative_states(rule).items() if proved)
    decreasing = _decreasing_somewhere(rule)
    states = (*rule.init, *rule.scalars)
    rising = {state for state in states if _never_decreases(new[state], state, rule, nonnegative)}
    return MappingProxyType({state: _answer(state, rising, decreasing) for state in states})


def _never_decreases(equation: Expr, state: Symbol, rule: Rule, nonnegative: frozenset[Symbol]) -> bool:
    """Return whether ``equation`` is a maximum over ``state``, or ``state`` plus a nonnegative term."""
    if isinstance(equation, Max):
        return any(_never_decreases(part, state, rule, nonnegative) for part in equation.args)
    parts = split(equation, state)
    return parts is not None and is_nonnegative(expand(parts[0] - 1) * state + parts[1], rule, nonnegative)


def _decreasing_somewhere(rule: Rule) -> set[Symbol]:
    """Return the states that decrease on an iteration whose gradients become 0."""
    if needs_objective(rule):
        return set()
    states = (*rule.init, *rule.scalars)
    gradients = (*GRADIENTS, Integer(0), Integer(0))
    traces = [
        iterate(rule, sample(rule), Integer(1), [factor * one for one in gradients], digits=ROUNDED)
        for factor in (1, -1)
    ]
    pairs = [pair for trace in traces for pair in pairwise(trace)]
    return {state for before, after in pairs for state in states if (after[state] - before[state]).is_negative}
