"""Equality: whether an expression is 0 whatever its symbols are, decided by algebra and refuted by numbers."""

from __future__ import annotations

from functools import lru_cache

from sympy import Abs, Expr, Float, Integer, Rational, cancel, expand, simplify, together

from stepcheck_reference.alphabet import gradient_at

DIGITS = 40
"""How many digits a number is computed to before it is said not to be 0."""


@lru_cache(maxsize=1024)
def vanishes(expression: Expr) -> bool | None:
    """Return whether ``expression`` is 0 for all values of its symbols; None where neither is found.

    True is proved by algebra; False by one point at which the number, computed to ``DIGITS`` digits, is not 0.
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
    return any(_nonzero(_placed(expression, point)) for point in range(3))


def _nonzero(value: Expr) -> bool:
    number = value.evalf(DIGITS)
    if not number.is_number or not all(isinstance(part, Float | Integer | Rational) for part in number.as_real_imag()):
        return False
    return bool(Abs(number) > Float(10) ** (-DIGITS // 2))


def _placed(expression: Expr, point: int) -> Expr:
    """Return ``expression`` with a number for every symbol: whole ones for counts, ones between 0 and 1 for others."""
    placed = expression.replace(gradient_at, lambda where: where**3 + 1)
    symbols = sorted(placed.free_symbols, key=str)
    values = {
        symbol: Integer(3 + point + place) if symbol.is_integer else Rational(2 * place + 3 + point, 2 * place + 7)
        for place, symbol in enumerate(symbols)
    }
    if point == 1:
        values = {symbol: value if symbol.is_nonnegative else -value for symbol, value in values.items()}
    return placed.xreplace(values)
