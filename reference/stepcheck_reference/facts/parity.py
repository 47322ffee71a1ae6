"""Parity: how a rule's values change where the initial parameters and every gradient change sign."""

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
"""Whether each symbol changes sign; None while that is undecided."""


class Neither(Exception):
    """An expression that is not known to be odd or even."""


@lru_cache(maxsize=1024)
def is_sign_equivariant(rule: Rule) -> bool | None:
    """Return whether theta changes sign with the initial parameters and the gradients; None if unknown.

    States are odd, and change sign too, or even, and do not. A gradient that is evaluated elsewhere is that of the
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
    """Return for each state that feeds the step whether it changes sign with theta and the gradients, or keeps it.

    A state that is always 0 is both, and is omitted. The result is empty if some state is neither odd nor even.
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
    original = iterate(rule, hyper, Integer(1), GRADIENTS, digits=ROUNDED)
    mirrored = iterate(rule, hyper, Integer(-1), [-gradient for gradient in GRADIENTS], digits=ROUNDED)
    return any(vanishes(one[theta] + other[theta]) is False for one, other in zip(original, mirrored, strict=True))


def _state_parities(rule: Rule) -> dict[Symbol, bool | None]:
    """Return for each state that feeds the step whether it is odd; raises Neither where one is not odd or even."""
    new = equations(rule)
    states = feeding(new)
    starts = {**rule.init, **rule.scalars}
    parities: dict[Symbol, bool | None] = {
        theta: True,
        g: True,
        **{state: None if starts[state] == 0 else False for state in states},
    }
    changed = True
    while changed:
        changed = False
        for state in states:
            if parities[state] is None and (parity := _parity_or_none(new[state], parities)) is not None:
                parities[state], changed = parity, True
    for state in states:
        if is_odd(new[state], parities) not in (None, parities[state]):
            raise Neither(state)
    return parities


def _parity_or_none(expression: Expr, parities: Parities) -> bool | None:
    try:
        return is_odd(expression, parities)
    except Neither:
        return None


def is_odd(expression: Expr, parities: Parities) -> bool | None:
    """Return True for odd, False for even, None if the expression may always be 0; raises Neither for the rest."""
    if expression == 0:
        return None
    if not expression.free_symbols & parities.keys():
        return False
    if isinstance(expression, Symbol):
        return parities[expression]
    if isinstance(expression, Mul):
        factors = [is_odd(factor, parities) for factor in expression.args]
        return None if None in factors else sum(map(bool, factors)) % 2 == 1
    if isinstance(expression, Pow):
        return _power(expression, parities)
    if isinstance(expression, Add):
        return _common_parity(expression.args, parities)
    if isinstance(expression, Max | Min):
        return _require_even(expression.args, parities)
    if isinstance(expression, Abs):
        return None if is_odd(expression.args[0], parities) is None else False
    if isinstance(expression, sign | gradient_at):
        return is_odd(expression.args[0], parities)
    if isinstance(expression, Piecewise):
        for _, condition in expression.args:
            _check_condition(condition, parities)
        return _common_parity([value for value, _ in expression.args], parities)
    raise Neither(expression)


def _power(power: Expr, parities: Parities) -> bool | None:
    odd = is_odd(power.base, parities)
    if odd is None or power.exp.free_symbols & parities.keys():
        return None if odd is None else _require_even(power.args, parities)
    if odd and not power.exp.is_Integer:
        raise Neither(power)
    return odd and bool(power.exp % 2)


def _common_parity(parts: tuple[Expr, ...] | list[Expr], parities: Parities) -> bool | None:
    distinct = {parity for part in parts if (parity := is_odd(part, parities)) is not None}
    if len(distinct) > 1:
        raise Neither(parts)
    return distinct.pop() if distinct else None


def _require_even(parts: tuple[Expr, ...], parities: Parities) -> bool | None:
    odd = _common_parity(parts, parities)
    if odd:
        raise Neither(parts)
    return odd


def _check_condition(condition: Basic, parities: Parities) -> None:
    """Raise Neither where the change of sign may change whether ``condition`` is true."""
    if condition.free_symbols & parities.keys():
        if not isinstance(condition, Relational):
            raise Neither(condition)
        if _common_parity((condition.lhs, condition.rhs), parities) and not isinstance(condition, Eq | Ne):
            raise Neither(condition)
