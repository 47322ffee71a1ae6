"""Homogeneity: what a rule does where every gradient is multiplied by the same c > 0."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from types import MappingProxyType

from sympy import Abs, Add, Basic, Expr, Integer, Max, Min, Mul, Piecewise, Pow, Rational, Symbol, sign, true
from sympy.core.relational import Relational

from stepcheck_reference.alphabet import g, gradient_at, lr
from stepcheck_reference.domain import Domain
from stepcheck_reference.facts.equations import Equations, cases, feeding, step_of
from stepcheck_reference.facts.special_case import fixed
from stepcheck_reference.rule import Rule

MOST_ZEROS = 3
"""How many hyper-parameters are tried at 0 together."""


@dataclass(frozen=True, slots=True)
class Homogeneity:
    """With gradients times c > 0 from the first step on, the step is times c**degree, and a state times c**its own.

    ``degree`` is that of the step, None where it is not the same in all ``cases``: pairs of a condition on the step
    count and hyper-parameters, and the degree while it holds. ``states`` gives the degree of each state that the step
    depends on. It takes the hyper-parameters ``at_zero`` to be 0. The parameters at hand are not scaled.
    """

    degree: Rational | None
    cases: tuple[tuple[Basic, Rational], ...]
    states: Mapping[Symbol, Rational]
    at_zero: tuple[Symbol, ...]


class Mixed(Exception):
    """An expression that no power of c comes out of, as far as its parts tell."""


@lru_cache(maxsize=1024)
def homogeneity(rule: Rule) -> Homogeneity | None:
    """Return how the step scales with the gradients, with as few hyper-parameters at 0 as it takes; None if unknown.

    A rule that does not move with those at 0 is not said to scale.
    """
    free = [symbol for symbol in rule.hyper if symbol != lr and _adds(rule.domains[symbol])]
    for many in range(min(MOST_ZEROS, len(free)) + 1):
        for zeros in combinations(free, many):
            result = _scaled(fixed(rule, dict.fromkeys(zeros, 0)), zeros)
            if result is not None:
                return result
    return None


def _adds(domain: Domain) -> bool:
    """Whether a hyper-parameter can be 0 and has no upper end, as what is added has and the weights of averages not."""
    return domain.contains(0.0) and math.isinf(domain.high)


def _scaled(rule: Rule, zeros: tuple[Symbol, ...]) -> Homogeneity | None:
    parted: list[tuple[Basic, Rational]] = []
    states: dict[Symbol, Rational] = {}
    for condition, new in cases(rule):
        try:
            degrees = state_degrees(rule, new, {g: Integer(1)})
            result = degree(step_of(new), {g: Integer(1), **degrees})
        except Mixed:
            return None
        if any(states.get(state, own) != own for state, own in degrees.items()):
            return None
        states |= degrees
        if result is not None:
            parted.append((condition, result))
    if not parted:
        return None
    if len({result for _, result in parted}) == 1:
        return Homogeneity(parted[0][1], ((true, parted[0][1]),), MappingProxyType(states), zeros)
    return Homogeneity(None, tuple(parted), MappingProxyType(states), zeros)


def state_degrees(rule: Rule, new: Equations, weights: Mapping[Symbol, Rational]) -> dict[Symbol, Rational]:
    """Return the degree of each state that feeds the step, where the symbols of ``weights`` have theirs.

    A state's new value has the degree of the old one, and so has its value at first. Raises Mixed where a state has
    none.
    """
    states = feeding(new)
    starts = {**rule.init, **rule.scalars}
    unknown: dict[Symbol, Rational | None] = dict.fromkeys(states)
    result = {state: own for state in states if (own := degree(starts[state], weights)) is not None}
    changed = True
    while changed:
        changed = False
        for state in states:
            if state not in result and (own := _guess(new[state], {**weights, **unknown, **result})) is not None:
                result[state], changed = own, True
    for state in states:
        if state not in result or degree(new[state], {**weights, **result}) != result[state]:
            raise Mixed(state)
    return result


def _guess(expression: Expr, weights: Mapping[Symbol, Rational | None]) -> Rational | None:
    try:
        return degree(expression, weights)
    except Mixed:
        return None


def degree(expression: Expr, weights: Mapping[Symbol, Rational | None]) -> Rational | None:
    """Return d where ``expression`` is times c**d when each symbol is times c**weight; None where it may be 0 always.

    Symbols without a weight stay as they are. Raises Mixed where there is no such d.
    """
    if expression == 0:
        return None
    if not expression.free_symbols & weights.keys() and not expression.has(gradient_at):
        return Integer(0)
    if isinstance(expression, Symbol):
        return weights[expression]
    if isinstance(expression, Mul):
        factors = [degree(factor, weights) for factor in expression.args]
        return None if None in factors else Add(*factors)
    if isinstance(expression, Pow) and not expression.exp.free_symbols & weights.keys():
        own = degree(expression.base, weights)
        if own is None or own == 0:
            return own
        return own * _rational(expression.exp)
    if isinstance(expression, Add | Max | Min):
        return _alike(expression.args, weights)
    if isinstance(expression, Abs):
        return degree(expression.args[0], weights)
    if isinstance(expression, sign):
        return None if degree(expression.args[0], weights) is None else Integer(0)
    if isinstance(expression, gradient_at):
        return _gradient(expression, weights)
    if isinstance(expression, Piecewise):
        for _, condition in expression.args:
            _check(condition, weights)
        return _alike([value for value, _ in expression.args], weights)
    raise Mixed(expression)


def _rational(exponent: Expr) -> Rational:
    if not isinstance(exponent, Rational):
        raise Mixed(exponent)
    return exponent


def _alike(parts: tuple[Expr, ...] | list[Expr], weights: Mapping[Symbol, Rational | None]) -> Rational | None:
    result = {own for part in parts if (own := degree(part, weights)) is not None}
    if len(result) > 1:
        raise Mixed(parts)
    return result.pop() if result else None


def _check(condition: Basic, weights: Mapping[Symbol, Rational | None]) -> None:
    """Raise Mixed where c may change what ``condition`` says."""
    if condition.free_symbols & weights.keys():
        if not isinstance(condition, Relational):
            raise Mixed(condition)
        _alike((condition.lhs, condition.rhs), weights)


def _gradient(taken: Expr, weights: Mapping[Symbol, Rational | None]) -> Rational | None:
    """Return the degree of a gradient taken elsewhere: that of g, where the place stays where it is."""
    if degree(taken.args[0], weights) not in (None, 0):
        raise Mixed(taken)
    return weights.get(g, Integer(0))
