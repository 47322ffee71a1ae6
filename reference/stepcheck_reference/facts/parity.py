"""Parity: what a rule does where the parameters at first and every gradient change their sign."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from sympy import Abs, Add, Basic, Eq, Expr, Integer, Max, Min, Mul, Ne, Piecewise, Pow, Symbol, sign
from sympy.core.relational import Relational

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.alphabet import g, gradient_at, theta
from stepcheck_reference.facts.equations import equations, feeding
from stepcheck_reference.facts.sample import GRADIENTS, ROUNDED, sample
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective

Parities = Mapping[Symbol, bool | None]
"""Of each symbol whether it changes its sign; None where that is not known yet."""


class Neither(Exception):
    """An expression that neither keeps its value nor changes just its sign, as far as its parts tell."""


@lru_cache(maxsize=1024)
def is_sign_equivariant(rule: Rule) -> bool | None:
    """Return whether theta changes its sign with the parameters at first and the gradients; None if unknown.

    States are odd, and change their sign too, or even, and do not. A gradient that is taken elsewhere is that of the
    mirrored objective.
    """
    new = equations(rule)
    try:
        parities = _state_parities(rule)
        if is_odd(new[theta], {theta: True, g: True, **parities}) is not False:
            return True
    except Neither:
        pass
    return False if _refuted(rule) else None


@lru_cache(maxsize=1024)
def odd_states(rule: Rule) -> Mapping[Symbol, bool]:
    """Return of each state that feeds the step whether it changes its sign with theta and the gradients, or keeps it.

    What is 0 always does both, and is left out; nothing is said of a rule with a state that does neither.
    """
    try:
        parities = _state_parities(rule)
    except Neither:
        return {}
    return {state: odd for state, odd in parities.items() if odd is not None and state not in (theta, g)}


def _refuted(rule: Rule) -> bool:
    if needs_objective(rule):
        return False
    hyper = sample(rule)
    here = iterate(rule, hyper, Integer(1), GRADIENTS, digits=ROUNDED)
    there = iterate(rule, hyper, Integer(-1), [-one for one in GRADIENTS], digits=ROUNDED)
    return any(vanishes(one[theta] + other[theta]) is False for one, other in zip(here, there, strict=True))


def _state_parities(rule: Rule) -> dict[Symbol, bool | None]:
    """Return of each state that feeds the step whether it is odd; raises Neither where one is not odd or even."""
    new = equations(rule)
    states = feeding(new)
    starts = {**rule.init, **rule.scalars}
    parities: dict[Symbol, bool | None] = {
        theta: True,
        g: True,
        **{s: None if starts[s] == 0 else False for s in states},
    }
    changed = True
    while changed:
        changed = False
        for state in states:
            if parities[state] is None and (own := _guess(new[state], parities)) is not None:
                parities[state], changed = own, True
    for state in states:
        if is_odd(new[state], parities) not in (None, parities[state]):
            raise Neither(state)
    return parities


def _guess(expression: Expr, parities: Parities) -> bool | None:
    try:
        return is_odd(expression, parities)
    except Neither:
        return None


def is_odd(expression: Expr, parities: Parities) -> bool | None:
    """Return True for odd, False for even, None for what may be 0 always; raises Neither for the rest."""
    if expression == 0:
        return None
    if not expression.free_symbols & parities.keys():
        return False
    if isinstance(expression, Symbol):
        return parities[expression]
    if isinstance(expression, Mul):
        own = [is_odd(factor, parities) for factor in expression.args]
        return None if None in own else sum(map(bool, own)) % 2 == 1
    if isinstance(expression, Pow):
        return _power(expression, parities)
    if isinstance(expression, Add):
        return _alike(expression.args, parities)
    if isinstance(expression, Max | Min):
        return _even(expression.args, parities)
    if isinstance(expression, Abs):
        return None if is_odd(expression.args[0], parities) is None else False
    if isinstance(expression, sign | gradient_at):
        return is_odd(expression.args[0], parities)
    if isinstance(expression, Piecewise):
        for _, condition in expression.args:
            _check(condition, parities)
        return _alike([value for value, _ in expression.args], parities)
    raise Neither(expression)


def _power(power: Expr, parities: Parities) -> bool | None:
    odd = is_odd(power.base, parities)
    if odd is None or power.exp.free_symbols & parities.keys():
        return None if odd is None else _even(power.args, parities)
    if odd and not power.exp.is_Integer:
        raise Neither(power)
    return odd and bool(power.exp % 2)


def _alike(parts: tuple[Expr, ...] | list[Expr], parities: Parities) -> bool | None:
    distinct = {own for part in parts if (own := is_odd(part, parities)) is not None}
    if len(distinct) > 1:
        raise Neither(parts)
    return distinct.pop() if distinct else None


def _even(parts: tuple[Expr, ...], parities: Parities) -> bool | None:
    odd = _alike(parts, parities)
    if odd:
        raise Neither(parts)
    return odd


def _check(condition: Basic, parities: Parities) -> None:
    """Raise Neither where the change of sign may change what ``condition`` says."""
    if condition.free_symbols & parities.keys():
        if not isinstance(condition, Relational):
            raise Neither(condition)
        if _alike((condition.lhs, condition.rhs), parities) and not isinstance(condition, Eq | Ne):
            raise Neither(condition)
