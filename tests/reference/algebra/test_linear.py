"""A coefficient and a rest, where an expression is linear in a symbol."""

from __future__ import annotations

import pytest
import sympy

from stepcheck_reference.algebra.linear import split
from stepcheck_reference.alphabet import Eq, Max, Piecewise, b, g, lr, m, momentum, sign, sqrt, t, theta, v


@pytest.mark.parametrize(
    ("expression", "coefficient", "rest"),
    [
        (b, 1, 0),
        (g, 0, g),
        (momentum * b + g, momentum, g),
        (theta - lr * (g + momentum * b), -lr * momentum, theta - lr * g),
        ((1 - lr * momentum) * b - b, -lr * momentum, 0),
        (b / (sqrt(v) + lr), 1 / (sqrt(v) + lr), 0),
        (Piecewise((g, Eq(t, 1)), (momentum * b + g, True)), Piecewise((0, Eq(t, 1)), (momentum, True)), g),
    ],
)
def test_an_expression_is_a_coefficient_times_a_symbol_and_a_rest(
    expression: sympy.Expr, coefficient: sympy.Expr, rest: sympy.Expr
) -> None:
    parts = split(expression, b)
    assert parts is not None
    assert sympy.expand(parts[0] - coefficient) == 0
    assert sympy.expand(parts[1] - rest) == 0


@pytest.mark.parametrize(
    "expression",
    [b**2, b * sqrt(b + g), 1 / b, Max(b, g), sign(b), b * (g + b), Piecewise((b, b > 0), (g, True)), m + b**2 - b**3],
)
def test_what_is_not_linear_as_written_has_none(expression: sympy.Expr) -> None:
    assert split(expression, b) is None
