"""Equality: whether an expression is identically 0, proved by algebra or refuted by numbers."""

from __future__ import annotations

from functools import lru_cache

from sympy import Abs, Expr, Float, Integer, Rational, cancel, expand, simplify, together

from stepcheck_reference.alphabet import gradient_at

DIGITS = 40
"""The number of digits to which a number is computed before it counts as nonzero."""


@lru_cache(maxsize=1024)
def vanishes(expression: Expr) -> bool | None:
    """Return whether ``expression`` is 0 for all values of its symbols; None if undecided.

    True is proved by algebra, False by a point at which the number, computed to ``DIGITS`` digits, is not 0.
    """
    if expression == 0:
        return True
    if differs(expression):
        return False
    if expand(expression) == 0 or expand(cancel(together(expand(expression)))) == 0 or simplify(expression) == 0:
        return True
    return None


def differs(expression: Expr) -> bool:
    """Return whether ``expression`` is not 0 at one of three fixed points."""
    return any(_nonzero(_evaluated(expression, point)) for point in range(3))


def agrees(expression: Expr) -> bool | None:
    """Return whether ``expression`` is 0 at each of the three points at which it is a number; None if at none."""
    found = [_nonzero_where_defined(expression, point) for point in range(3)]
    decided = [nonzero for nonzero in found if nonzero is not None]
    return not any(decided) if decided else None


def _nonzero_where_defined(expression: Expr, point: int) -> bool | None:
    try:
        number = _evaluated(expression, point).doit().evalf(DIGITS)
        return _nonzero(number) if number.is_number and number.is_finite else None
    except (ValueError, TypeError):  # a comparison of what is not real
        return None


def _nonzero(value: Expr) -> bool:
    number = value.evalf(DIGITS)
    if not number.is_number or not all(isinstance(part, Float | Integer | Rational) for part in number.as_real_imag()):
        return False
    return bool(Abs(number) > Float(10) ** (-DIGITS // 2))


def _evaluated(expression: Expr, point: int) -> Expr:
    """Return ``expression`` with numbers for its symbols: integers for counts, else numbers between 0 and 1."""
    evaluated = expression.replace(gradient_at, lambda argument: argument**3 + 1)
    symbols = sorted(evaluated.free_symbols, key=str)
    values = {
        symbol: Integer(3 + point + index) if symbol.is_integer else Rational(2 * index + 3 + point, 2 * index + 7)
        for index, symbol in enumerate(symbols)
    }
    if point == 1:
        values = {symbol: value if symbol.is_nonnegative else -value for symbol, value in values.items()}
    return evaluated.xreplace(values)
