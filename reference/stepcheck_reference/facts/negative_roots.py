"""Negative roots: the arguments of a step's square roots that rounding may make negative."""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr, Pow, Rational, Symbol

from stepcheck_reference.alphabet import g, theta
from stepcheck_reference.facts.equations import equations
from stepcheck_reference.facts.signs import is_nonnegative, nonnegative_states
from stepcheck_reference.rule import Rule


@lru_cache(maxsize=256)
def negative_roots(rule: Rule, output: str) -> tuple[Expr, ...]:
    """Return the arguments of square roots in the new value of ``output`` that are not sums of nonnegative terms.

    Such an argument may be nonnegative all the same, as the variance v - a**2 is, and be rounded to a negative number
    where it is near 0. New states stand in it under the names of the states.
    """
    new = equations(rule)
    value = next(expression for symbol, expression in new.items() if str(symbol) == output)
    states = {state for state, answer in nonnegative_states(rule).items() if answer}
    elements = {theta, g, *rule.init}
    powers = [part for part in value.atoms(Pow) if abs(part.exp) == Rational(1, 2)]
    roots = [part.base for part in powers if part.base.free_symbols & elements]
    return tuple(sorted((_named(rule, base) for base in roots if not is_nonnegative(base, rule, states)), key=str))


def _named(rule: Rule, expression: Expr) -> Expr:
    """Return ``expression`` with the states' names in place of their new values."""
    for state, value in equations(rule).items():
        if isinstance(state, Symbol) and state in rule.init:
            expression = expression.subs(value, state)
    return expression
