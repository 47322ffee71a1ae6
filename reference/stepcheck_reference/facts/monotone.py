"""Monotone: which states never fall from one step to the next."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType

from sympy import Expr, Integer, Max, Symbol, expand

from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.algebra.linear import split
from stepcheck_reference.facts.equations import equations
from stepcheck_reference.facts.sample import GRADIENTS, ROUNDED, sample
from stepcheck_reference.facts.signs import is_nonnegative, nonnegative_states
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective


@lru_cache(maxsize=1024)
def monotone_states(rule: Rule) -> Mapping[Symbol, bool | None]:
    """Return of each state whether it never falls; None if unknown."""
    new = equations(rule)
    nonnegative = frozenset(state for state, sure in nonnegative_states(rule).items() if sure)
    falls = _falls(rule)
    answers = {
        state: True if _rises(new[state], state, rule, nonnegative) else False if state in falls else None
        for state in (*rule.init, *rule.scalars)
    }
    return MappingProxyType(answers)


def _rises(equation: Expr, state: Symbol, rule: Rule, nonnegative: frozenset[Symbol]) -> bool:
    """Whether ``equation`` is a maximum of ``state`` and others, or ``state`` and something not negative."""
    if isinstance(equation, Max):
        return any(_rises(part, state, rule, nonnegative) for part in equation.args)
    parts = split(equation, state)
    return parts is not None and is_nonnegative(expand(parts[0] - 1) * state + parts[1], rule, nonnegative)


def _falls(rule: Rule) -> set[Symbol]:
    """Return the states that fall somewhere on a walk whose gradients become 0."""
    if needs_objective(rule):
        return set()
    states = (*rule.init, *rule.scalars)
    gradients = (*GRADIENTS, Integer(0), Integer(0))
    traces = [
        iterate(rule, sample(rule), Integer(1), [factor * one for one in gradients], digits=ROUNDED)
        for factor in (1, -1)
    ]
    pairs = [pair for trace in traces for pair in pairwise(trace)]
    return {state for old, now in pairs for state in states if (now[state] - old[state]).is_negative}
