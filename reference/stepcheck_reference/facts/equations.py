"""Equations: a rule's step as facts read it, without the factors that only concern rounding, and case by case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import product

from sympy import Basic, Expr, Piecewise, Symbol, expand, false, true
from sympy.core.relational import Relational

from stepcheck_reference.algebra.history import unwrapped
from stepcheck_reference.algebra.linear import split
from stepcheck_reference.alphabet import ALPHABET, theta
from stepcheck_reference.rule import Rule

Equations = Mapping[Symbol, Expr]


@lru_cache(maxsize=1024)
def equations(rule: Rule) -> Equations:
    """Return the new values of theta and the states."""
    return {symbol: unwrapped(equation) for symbol, equation in rule.step.items()}


def step_of(new: Equations) -> Expr:
    """Return the step, theta_t - theta, with the coefficient of theta collected."""
    parts = split(new[theta], theta)
    if parts is None:
        return expand(new[theta] - theta)
    factor, rest = parts
    return expand(factor - 1) * theta + rest


def feeding(new: Equations) -> tuple[Symbol, ...]:
    """Return the states that the step depends on, over any number of steps."""
    reached_states: set[Symbol] = set()
    pending = [theta]
    while pending:
        reached = {symbol for symbol in new[pending.pop()].free_symbols if symbol in new} - reached_states
        reached_states |= reached
        pending += reached
    return tuple(symbol for symbol in new if symbol in reached_states and symbol != theta)


def has_decoupled_decay(rule: Rule) -> bool:
    """Return whether the new theta is linear in theta, and no state that the step depends on depends on theta."""
    new = equations(rule)
    return split(new[theta], theta) is not None and not any(theta in new[one].free_symbols for one in feeding(new))


@lru_cache(maxsize=1024)
def cases(rule: Rule) -> tuple[tuple[Basic, Equations], ...]:
    """Return (condition, equations) for each case that hyper-parameters and the step count decide."""
    new = equations(rule)
    conditions = sorted({condition for equation in new.values() for condition in _outer(equation)}, key=str)
    result = []
    for answers in product((true, false), repeat=len(conditions)):
        substitution = dict(zip(conditions, answers, strict=True))
        when = true
        for condition, answer in substitution.items():
            when &= condition if answer == true else ~condition
        if when != false:
            result.append((when, {symbol: equation.xreplace(substitution) for symbol, equation in new.items()}))
    return tuple(result)


def _outer(equation: Expr) -> Iterator[Basic]:
    for branches in equation.atoms(Piecewise):
        for _, condition in branches.args:
            roles = {ALPHABET[symbol].role for symbol in condition.free_symbols}
            if isinstance(condition, Relational) and roles <= {"count", "hyper-parameter", "constant"}:
                yield condition
