"""Homogeneity: how a rule's steps scale where every gradient is multiplied by the same c > 0."""

from __future__ import annotations

import contextlib
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
"""The largest number of hyper-parameters that are set to 0 together."""


@dataclass(frozen=True, slots=True)
class Homogeneity:
    """Gradients times c > 0 from the first step on multiply the step by c**degree, and each state by c**its degree.

    ``degree`` is that of the step; None where it differs between ``cases``: pairs of a condition on the step count and
    hyper-parameters, and the degree while the condition holds. ``states`` gives the degree of each state that the step
    depends on. Holds while the hyper-parameters ``at_zero`` are 0. The parameters themselves are not scaled.
    """

    degree: Rational | None
    cases: tuple[tuple[Basic, Rational], ...]
    states: Mapping[Symbol, Rational]
    at_zero: tuple[Symbol, ...]


class Mixed(Exception):
    """An expression that is not known to be homogeneous: no power of c factors out of its parts."""


@lru_cache(maxsize=1024)
def homogeneity(rule: Rule) -> Homogeneity | None:
    """Return how the step scales with the gradients, with as few hyper-parameters at 0 as possible; None if unknown.

    A rule whose step is always 0 with those at 0 has no degree.
    """
    free = [symbol for symbol in rule.hyper if symbol != lr and _is_additive(rule.domains[symbol])]
    for count in range(min(MOST_ZEROS, len(free)) + 1):
        for zeros in combinations(free, count):
            result = _homogeneity_at(fixed(rule, dict.fromkeys(zeros, 0)), zeros)
            if result is not None:
                return result
    return None


def _is_additive(domain: Domain) -> bool:
    """Return whether 0 is allowed and there is no upper end: so of what is added, not of the weights of averages."""
    return domain.contains(0.0) and math.isinf(domain.high)


def _homogeneity_at(rule: Rule, zeros: tuple[Symbol, ...]) -> Homogeneity | None:
    degrees_by_case: list[tuple[Basic, Rational]] = []
    states: dict[Symbol, Rational] = {}
    known = known_degrees(rule, {g: Integer(1)})
    for condition, new in cases(rule):
        try:
            degrees = state_degrees(rule, new, {g: Integer(1)}, known)
            result = degree(step_of(new), {g: Integer(1), **degrees})
        except Mixed:
            return None
        if any(states.get(state, state_degree) != state_degree for state, state_degree in degrees.items()):
            return None
        states |= degrees
        if result is not None:
            degrees_by_case.append((condition, result))
    if not degrees_by_case:
        return None
    if len({result for _, result in degrees_by_case}) == 1:
        return Homogeneity(degrees_by_case[0][1], ((true, degrees_by_case[0][1]),), MappingProxyType(states), zeros)
    return Homogeneity(None, tuple(degrees_by_case), MappingProxyType(states), zeros)


def known_degrees(rule: Rule, weights: Mapping[Symbol, Rational]) -> dict[Symbol, Rational]:
    """Return the degrees that some case gives: a state that a case only shrinks has in it that of another case."""
    known: dict[Symbol, Rational] = {}
    for _, new in cases(rule):
        with contextlib.suppress(Mixed):
            known |= state_degrees(rule, new, weights)
    return known


def state_degrees(
    rule: Rule,
    new: Equations,
    weights: Mapping[Symbol, Rational],
    known: Mapping[Symbol, Rational] = MappingProxyType({}),
) -> dict[Symbol, Rational]:
    """Return the degree of each state that feeds the step, given the degrees ``weights`` of other symbols.

    A state's new value and its initial value have the degree of its old value; where those leave it open, it has its
    degree in ``known``. Raises Mixed where a state has none.
    """
    states = feeding(new)
    starts = {**rule.init, **rule.scalars}
    unknown: dict[Symbol, Rational | None] = dict.fromkeys(states)
    result = {state: state_degree for state in states if (state_degree := degree(starts[state], weights)) is not None}
    changed = True
    while changed:
        changed = False
        for state in states:
            if (
                state not in result
                and (state_degree := _degree_or_none(new[state], {**weights, **unknown, **result})) is not None
            ):
                result[state], changed = state_degree, True
    result = {state: known[state] for state in states if state in known} | result
    for state in states:
        if state not in result or degree(new[state], {**weights, **result}) != result[state]:
            raise Mixed(state)
    return result


def _degree_or_none(expression: Expr, weights: Mapping[Symbol, Rational | None]) -> Rational | None:
    try:
        return degree(expression, weights)
    except Mixed:
        return None


def degree(expression: Expr, weights: Mapping[Symbol, Rational | None]) -> Rational | None:
    """Return d where ``expression`` is times c**d if each symbol is times c**weight; None if it may always be 0.

    Symbols without a weight are unchanged. Raises Mixed where there is no such d.
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
        base_degree = degree(expression.base, weights)
        if base_degree is None or base_degree == 0:
            return base_degree
        return base_degree * _rational(expression.exp)
    if isinstance(expression, Add | Max | Min):
        return _common_degree(expression.args, weights)
    if isinstance(expression, Abs):
        return degree(expression.args[0], weights)
    if isinstance(expression, sign):
        return None if degree(expression.args[0], weights) is None else Integer(0)
    if isinstance(expression, gradient_at):
        return _gradient_degree(expression, weights)
    if isinstance(expression, Piecewise):
        for _, condition in expression.args:
            _check_condition(condition, weights)
        return _common_degree([value for value, _ in expression.args], weights)
    raise Mixed(expression)


def _rational(exponent: Expr) -> Rational:
    if not isinstance(exponent, Rational):
        raise Mixed(exponent)
    return exponent


def _common_degree(parts: tuple[Expr, ...] | list[Expr], weights: Mapping[Symbol, Rational | None]) -> Rational | None:
    result = {part_degree for part in parts if (part_degree := degree(part, weights)) is not None}
    if len(result) > 1:
        raise Mixed(parts)
    return result.pop() if result else None


def _check_condition(condition: Basic, weights: Mapping[Symbol, Rational | None]) -> None:
    """Raise Mixed where c may change whether ``condition`` is true."""
    if condition.free_symbols & weights.keys():
        if not isinstance(condition, Relational):
            raise Mixed(condition)
        _common_degree((condition.lhs, condition.rhs), weights)


def _gradient_degree(gradient: Expr, weights: Mapping[Symbol, Rational | None]) -> Rational | None:
    """Return the degree of a gradient evaluated elsewhere: that of g if its point is not scaled."""
    if degree(gradient.args[0], weights) not in (None, 0):
        raise Mixed(gradient)
    return weights.get(g, Integer(0))
