"""Rounded: what an expression comes to in mpmath's numbers, which takes a hundredth of the time exact ones take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import mpmath
import sympy

from stepcheck_reference.alphabet import gradient_at

GUARD = 25
"""Digits beyond those asked for, so that what cancels exactly is told from what nearly does."""

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    "<": lambda left, right: bool(left < right),
    "<=": lambda left, right: bool(left <= right),
    ">": lambda left, right: bool(left > right),
    ">=": lambda left, right: bool(left >= right),
}


def rounded(
    expressions: Mapping[sympy.Symbol, sympy.Expr],
    known: Mapping[sympy.Symbol, sympy.Expr],
    digits: int,
    slope: Callable[[Any], Any] | None = None,
) -> dict[sympy.Symbol, sympy.Expr]:
    """Return every expression's number, to ``digits`` digits, where symbols have the numbers ``known``.

    ``slope`` is the gradient at a point. A division by 0 comes to nan. Raises TypeError where numbers that have no
    order are compared.
    """
    with mpmath.workdps(digits + GUARD):
        values = {symbol: _entered(value) for symbol, value in known.items()}
        return {symbol: _told(_number(one, values, slope), digits) for symbol, one in expressions.items()}


def _entered(value: sympy.Expr) -> Any:
    if value.is_Rational:
        return mpmath.mpf(int(value.p)) / int(value.q)
    if value is sympy.nan or value in (sympy.zoo, sympy.oo, -sympy.oo):
        return mpmath.nan
    real, imaginary = value.as_real_imag()
    return mpmath.mpmathify(real) if imaginary == 0 else mpmath.mpc(real, imaginary)


def _told(value: Any, digits: int) -> sympy.Expr:
    if isinstance(value, mpmath.mpc):
        return (
            _told(value.real, digits) + sympy.I * _told(value.imag, digits) if value.imag else _told(value.real, digits)
        )
    if mpmath.isnan(value) or mpmath.isinf(value):
        return sympy.nan
    if abs(value) < mpmath.mpf(10) ** -(digits + GUARD // 2):
        return sympy.Integer(0)
    return sympy.Float(value, digits)


def _number(expression: Any, values: Mapping[Any, Any], slope: Callable[[Any], Any] | None) -> Any:
    if expression.is_Symbol:
        return values[expression]
    if expression.is_Rational:
        return mpmath.mpf(int(expression.p)) / int(expression.q)
    if expression is sympy.pi:
        return mpmath.pi()
    if isinstance(expression, sympy.Piecewise):
        return _branch(expression, values, slope)
    if expression.func == gradient_at:
        if slope is None:
            raise TypeError(f"{expression} has no number: no gradient is given there")
        return slope(_number(expression.args[0], values, slope))
    parts = [_number(part, values, slope) for part in expression.args]
    try:
        return _operation(expression, parts)
    except ZeroDivisionError:
        return mpmath.nan


def _operation(expression: Any, parts: list[Any]) -> Any:
    if expression.is_Add:
        return mpmath.fsum(parts)
    if expression.is_Mul:
        return mpmath.fprod(parts)
    if expression.is_Pow:
        return mpmath.sqrt(parts[0]) if expression.exp == sympy.S.Half else mpmath.power(*parts)
    if isinstance(expression, sympy.UnevaluatedExpr):
        return parts[0]
    if isinstance(expression, sympy.Abs):
        return abs(parts[0])
    if isinstance(expression, sympy.sign):
        return mpmath.sign(parts[0])
    if isinstance(expression, sympy.Max | sympy.Min):
        _check_order(parts)
        return max(parts) if isinstance(expression, sympy.Max) else min(parts)
    return _entered(expression.func(*(_told(part, mpmath.mp.dps) for part in parts)).evalf(mpmath.mp.dps))


def _branch(expression: Any, values: Mapping[Any, Any], slope: Callable[[Any], Any] | None) -> Any:
    for value, condition in expression.args:
        if _holds(condition, values, slope):
            return _number(value, values, slope)
    return mpmath.nan


def _holds(condition: Any, values: Mapping[Any, Any], slope: Callable[[Any], Any] | None) -> bool:
    if condition in (sympy.true, sympy.false):
        return bool(condition)
    if isinstance(condition, sympy.And | sympy.Or):
        answers = (_holds(part, values, slope) for part in condition.args)
        return all(answers) if isinstance(condition, sympy.And) else any(answers)
    if isinstance(condition, sympy.Not):
        return not _holds(condition.args[0], values, slope)
    sides = [_number(condition.lhs, values, slope), _number(condition.rhs, values, slope)]
    _check_order(sides)
    return _COMPARISONS[condition.rel_op](*sides)


def _check_order(values: list[Any]) -> None:
    for value in values:
        if isinstance(value, mpmath.mpc) or mpmath.isnan(value):
            raise TypeError(f"{value} has no order")
