"""Rounded: an expression evaluated in mpmath's numbers, in a hundredth of the time that exact numbers take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import mpmath
import sympy

from stepcheck_reference.alphabet import gradient_at

GUARD = 25
"""Digits beyond the requested ones, so that exact cancellation is distinguished from approximate."""

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
    values: Mapping[sympy.Symbol, sympy.Expr],
    digits: int,
    slope: Callable[[Any], Any] | None = None,
) -> dict[sympy.Symbol, sympy.Expr]:
    """Return the value of every expression to ``digits`` digits, where ``numbers`` are those of its symbols.

    ``slope`` is the gradient at a point. A division by 0 gives nan. Raises TypeError where numbers without an order
    are compared.
    """
    with mpmath.workdps(digits + GUARD):
        numbers = {symbol: _to_mpmath(value) for symbol, value in values.items()}
        return {
            symbol: _to_sympy(_number(expression, numbers, slope), digits) for symbol, expression in expressions.items()
        }


def _to_mpmath(value: sympy.Expr) -> Any:
    if value.is_Rational:
        return mpmath.mpf(int(value.p)) / int(value.q)
    if value is sympy.nan or value in (sympy.zoo, sympy.oo, -sympy.oo):
        return mpmath.nan
    real, imaginary = value.as_real_imag()
    return mpmath.mpmathify(real) if imaginary == 0 else mpmath.mpc(real, imaginary)


def _to_sympy(value: Any, digits: int) -> sympy.Expr:
    if isinstance(value, mpmath.mpc):
        return (
            _to_sympy(value.real, digits) + sympy.I * _to_sympy(value.imag, digits)
            if value.imag
            else _to_sympy(value.real, digits)
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
            raise TypeError(f"{expression} has no value: no gradient function is given")
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
    return _to_mpmath(expression.func(*(_to_sympy(part, mpmath.mp.dps) for part in parts)).evalf(mpmath.mp.dps))


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
