"""Whether an expression is 0: proved, refuted, or unknown."""

from __future__ import annotations

import pytest
from sympy import Abs, Function, Integer, Symbol, cos, sin, sqrt

from stepcheck_reference.algebra.equality import differs, vanishes
from stepcheck_reference.alphabet import beta1, g, gradient_at, lr, m, t, theta

positive = Symbol("positive", positive=True)


@pytest.mark.parametrize(
    "expression",
    [
        Integer(0),
        (g + m) ** 2 - g**2 - 2 * g * m - m**2,
        (1 - beta1**t) / (1 - beta1) - beta1 * (1 - beta1 ** (t - 1)) / (1 - beta1) - 1,
        sqrt(positive**2 * lr**2) - positive * lr,
        gradient_at(theta - lr * m) - gradient_at(theta - m * lr),
        sin(g) ** 2 + cos(g) ** 2 - 1,
    ],
)
def test_what_is_zero_is_proved(expression: object) -> None:
    assert vanishes(expression) is True


@pytest.mark.parametrize(
    "expression",
    [Integer(1), g, Abs(g) - g, sqrt(g**2) - g, beta1**t - beta1, gradient_at(theta) - g, (g + m) ** 2 - g**2 - m**2],
)
def test_what_is_not_zero_is_refuted(expression: object) -> None:
    assert vanishes(expression) is False


def test_what_numbers_cannot_decide_is_unknown() -> None:
    unknown_function = Function("unknown_function", real=True)
    assert vanishes(unknown_function(g) - unknown_function(m)) is None
    assert not differs(unknown_function(g) - unknown_function(m))
