"""Rounded numbers agree with exact ones to the requested digits; an expression without a number is an error."""

from __future__ import annotations

import pytest
from sympy import (
    Abs,
    And,
    Expr,
    Float,
    I,
    Max,
    Min,
    Not,
    Or,
    Piecewise,
    Rational,
    Symbol,
    UnevaluatedExpr,
    exp,
    nan,
    sign,
    sqrt,
)
from sympy import pi as circle

from stepcheck_reference.algebra.rounded import rounded
from stepcheck_reference.alphabet import gradient_at

x, y = Symbol("x", real=True), Symbol("y", real=True)
KNOWN = {x: Rational(2, 3), y: Rational(-5, 7)}
DIGITS = 40

EXPRESSIONS = (
    x + y - 1,
    x * y / 3,
    x**3 / y**2,
    sqrt(x) + x ** Rational(-1, 2),
    Max(x, y, Rational(1, 2)),
    Min(x, y, Rational(-1, 2)),
    Abs(y) * sign(y),
    UnevaluatedExpr(1 - x) * circle,
    exp(x),
    Piecewise((x, y > 0), (y, x > 0), (1, True)),
    Piecewise((x, And(x > 0, y > 0)), (y, Or(x < 0, y < 0)), (1, True)),
    Piecewise((x, Not(And(x > 0, y < 0))), (y, True)),
)


def number(expression: Expr, values: dict[Symbol, Expr] = KNOWN) -> Expr:
    return rounded({x: expression}, values, DIGITS)[x]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_a_number_is_the_exact_one_rounded(expression: Expr) -> None:
    exact = expression.xreplace(KNOWN).doit().evalf(DIGITS + 10)
    assert abs(number(expression) - exact) <= abs(exact) * Float(10, DIGITS) ** (1 - DIGITS)


def test_what_cancels_exactly_is_0_and_what_nearly_does_is_not() -> None:
    assert number(sqrt(x) ** 2 - x) == 0
    assert number(x + Rational(1, 10**30) - x) != 0


def test_a_division_by_0_is_nan_and_so_is_what_follows() -> None:
    assert number(1 / x, {x: Rational(0)}) is nan
    assert number(x + y, {x: nan, y: Rational(1)}) is nan


def test_a_root_of_a_negative_number_is_not_real_and_has_no_order() -> None:
    assert number(sqrt(y)).has(I)
    with pytest.raises(TypeError, match="no order"):
        number(Max(sqrt(y), 1))
    with pytest.raises(TypeError, match="no order"):
        number(Piecewise((1, sqrt(y) > 0), (0, True)))


def test_a_gradient_is_taken_where_the_expression_says() -> None:
    result = rounded({x: gradient_at(2 * x)}, KNOWN, DIGITS, lambda point: point**2)[x]
    assert abs(result - Rational(16, 9)) < Float(10) ** -35
    with pytest.raises(TypeError, match="no gradient"):
        number(gradient_at(x))
