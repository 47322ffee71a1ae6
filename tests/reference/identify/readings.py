"""Readings written by hand: rules under other names, scaled, negated and summed, and rules of no name."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Eq, Expr, Float, Integer, Max, Min, Piecewise, Symbol, sign, sqrt, sympify

from stepcheck_reference.alphabet import beta1, beta2, eps, g, lr, momentum, t, theta
from stepcheck_reference.reading.reading import Reading
from stepcheck_reference.rule import Rule


def state(name: str) -> Symbol:
    """Return a state of the subject's own."""
    return Symbol(name, real=True)


def number(name: str) -> Symbol:
    """Return a hyper-parameter whose meaning its name does not tell."""
    return Symbol(name, real=True, nonnegative=True)


def reading(
    step: Mapping[Symbol, Expr], init: Mapping[Symbol, Expr | int], hyper: Mapping[Symbol, float] | None = None
) -> Reading:
    """Return a reading of these equations."""
    return Reading("subject", step, {symbol: sympify(value) for symbol, value in init.items()}, hyper or {})


def of(rule: Rule) -> Reading:
    """Return the reading of code that follows ``rule`` to the letter, its constants as numbers."""
    numbers = {symbol: Float(value) for symbol, value in rule.constants.items()}
    step = {symbol: value.xreplace(numbers) for symbol, value in rule.step.items()}
    return reading(step, {**rule.init, **rule.scalars})


first, second, other = state("exp_avg"), state("exp_avg_sq"), state("other")
m_t = beta1 * first + (1 - beta1) * g
v_t = beta2 * second + (1 - beta2) * g**2
m_hat, v_hat = m_t / (1 - beta1**t), v_t / (1 - beta2**t)


def moments(step: Expr, **states: Expr) -> Reading:
    """Return a reading with the usual two moments and this new theta."""
    return reading({first: m_t, second: v_t, theta: step}, {first: 0, second: 0})


ADAM = moments(theta - lr * m_hat / (sqrt(v_hat) + eps))

_corrected = (beta1 * other * (1 - beta1 ** (t - 1)) + (1 - beta1) * g) / (1 - beta1**t)
_negative = beta1 * other - (1 - beta1) * g
_root = sqrt(beta2 * other**2 + (1 - beta2) * g**2)
_sum = v_t + m_t

ADAMS: Mapping[str, Reading] = {
    "another order of operations": moments(theta - lr / (1 - beta1**t) * m_t / (sqrt(v_t) / sqrt(1 - beta2**t) + eps)),
    "a state that holds the corrected moment": reading(
        {other: _corrected, second: v_t, theta: theta - lr * _corrected / (sqrt(v_hat) + eps)}, {other: 0, second: 0}
    ),
    "a negated state": reading(
        {other: _negative, second: v_t, theta: theta + lr * _negative / (1 - beta1**t) / (sqrt(v_hat) + eps)},
        {other: 0, second: 0},
    ),
    "a state that holds the root": reading(
        {first: m_t, other: _root, theta: theta - lr * m_hat / (_root / sqrt(1 - beta2**t) + eps)},
        {first: 0, other: 0},
    ),
    "a state that holds a sum of two": reading(
        {
            first: m_t,
            other: _sum.xreplace({second: other - first}),
            theta: theta - lr * m_hat / (sqrt(v_hat.xreplace({second: other - first})) + eps),
        },
        {first: 0, other: 0},
    ),
}
"""Adam, kept and written in other ways."""


def baked(weight1: float, weight2: float, small: float) -> Reading:
    """Return Adam whose hyper-parameters but lr are numbers in the code."""
    values = {beta1: Float(weight1), beta2: Float(weight2), eps: Float(small)}
    return reading({symbol: value.xreplace(values) for symbol, value in ADAM.step.items()}, ADAM.init)


OUTSIDE: Mapping[str, Reading] = {
    "eps times beta1": moments(theta - lr * m_hat / (sqrt(v_hat) + beta1 * eps)),
    "Lion whose average has the gradient already": reading(
        {first: m_t, theta: theta - lr * sign(beta2 * m_t + (1 - beta2) * g)}, {first: 0}
    ),
    "a sum of signs": reading({first: m_t, theta: theta - lr * (sign(m_t) + sign(g))}, {first: 0}),
    "momentum squared": reading(
        {first: momentum**2 * first + g, theta: theta - lr * (momentum**2 * first + g)}, {first: 0}
    ),
    "an average that forgets too fast": reading(
        {first: beta1 * first + (1 - beta1) ** 2 * g, theta: theta - lr * first}, {first: 0}
    ),
}
"""Equations that are no rule and no variant."""

BRANCHES: Mapping[str, Reading] = {
    "a bound that gradients seldom pass": reading(
        {theta: theta - lr * Min(Max(g, -(Integer(10) ** 9)), Integer(10) ** 9)}, {}
    ),
    "a number of steps that runs seldom take": reading(
        {theta: Piecewise((theta - lr * g, t < 10**6), (theta, True))}, {}
    ),
    "a gradient that is 0": reading({theta: Piecewise((theta, Eq(g, 0)), (theta - lr * g, True))}, {}),
}
"""Code that is gradient descent but for a branch that is seldom taken."""
