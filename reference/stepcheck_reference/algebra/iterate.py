"""Iteration: steps of a rule from given numbers, one element, exact or to any number of digits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from sympy import Expr, Integer, Rational, Symbol, sympify

from stepcheck_reference.algebra.history import unwrapped
from stepcheck_reference.algebra.rounded import rounded
from stepcheck_reference.alphabet import g, gradient_at, t, theta
from stepcheck_reference.rule import Rule

State = Mapping[Symbol, Expr]
"""The values of theta and of every state."""

Slope = Callable[[Expr], Expr]
"""The gradient as a function of the point."""


def iterate(
    rule: Rule,
    hyper: Mapping[Symbol, Expr | int] | Sequence[Mapping[Symbol, Expr | int]],
    start: Expr | int,
    gradients: Sequence[Expr | int] | Slope,
    *,
    steps: int | None = None,
    reset_theta: bool = False,
    digits: int | None = None,
) -> tuple[State, ...]:
    """Return theta and the states before the first step and after each one.

    ``hyper`` is one mapping for all steps, or one per step. ``gradients`` are numbers, or the gradient as a function of
    theta, for ``steps`` steps; a rule that evaluates a gradient elsewhere than at theta needs a function. Numbers other
    than hyper-parameters may be symbols: the result is then an expression in them. With ``reset_theta``, theta is
    overwritten with ``start`` before every step. Nothing is rounded unless ``digits`` is given, which requires numbers
    everywhere and raises TypeError where numbers without an order are compared.
    """
    slope = gradients if callable(gradients) else None
    count = _step_count(hyper, gradients, steps)
    each = [hyper] * count if isinstance(hyper, Mapping) else list(hyper)
    first = _exact_hyper(rule, each[0]) if each else {}
    values: dict[Symbol, Expr] = {theta: sympify(start)}
    values |= {state: sympify(value).xreplace(first) for state, value in {**rule.init, **rule.scalars}.items()}
    trace = [values]
    equations = _equations(rule)
    for step in range(count):
        substitution = {**_exact_hyper(rule, each[step]), **values, t: Integer(step + 1)}
        if reset_theta:
            substitution[theta] = sympify(start)
        substitution[g] = slope(substitution[theta]) if slope else sympify(gradients[step])  # type: ignore[index]
        if digits is None:
            values = {symbol: _value(equation, substitution, slope) for symbol, equation in equations.items()}
        else:
            values = rounded(equations, substitution, digits, slope)
        trace.append(values)
    return tuple(trace)


@lru_cache(maxsize=1024)
def _equations(rule: Rule) -> Mapping[Symbol, Expr]:
    return {symbol: unwrapped(equation) for symbol, equation in rule.step.items()}


def _step_count(
    hyper: Mapping[Symbol, Expr | int] | Sequence[Mapping[Symbol, Expr | int]],
    gradients: Sequence[Expr | int] | Slope,
    steps: int | None,
) -> int:
    """Return the number of steps; raises ValueError where no argument determines it."""
    if steps is not None:
        return steps
    if not callable(gradients):
        return len(gradients)
    if isinstance(hyper, Mapping):
        raise ValueError("steps=None, but should be a number where gradients are a function and hyper is one mapping")
    return len(hyper)


def _exact_hyper(rule: Rule, hyper: Mapping[Symbol, Expr | int]) -> dict[Symbol, Expr]:
    constants = {symbol: Rational(value) for symbol, value in rule.constants.items()}
    return {**constants, **{symbol: sympify(value) for symbol, value in hyper.items()}}


def _value(equation: Expr, substitution: Mapping[Symbol, Expr], slope: Slope | None) -> Expr:
    """Return ``equation`` with numbers for its symbols, and gradients evaluated where it needs them."""
    value = equation.xreplace(dict(substitution))
    return value.replace(gradient_at, slope) if slope is not None else value
