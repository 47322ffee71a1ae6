"""Quotient: expressions of sums, products and whole powers as quotients of polynomials over the rationals."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import QQ, Expr, Rational
from sympy.polys.rings import PolyElement, PolyRing, ring

TERMS = 6000
"""A polynomial with more terms than this is not worked out."""


class TooLarge(ValueError):
    """A polynomial with more than ``TERMS`` terms."""


def quotients(expressions: Sequence[Expr]) -> tuple[list[PolyElement], list[PolyElement]]:
    """Return numerators and denominators of ``expressions``, in one ring; raises TooLarge."""
    symbols = sorted({symbol for part in expressions for symbol in part.free_symbols}, key=str)
    over = ring(symbols, QQ)[0] if symbols else ring("x", QQ)[0]
    values = dict(zip(symbols, over.gens, strict=False))
    pairs = [_quotient(part, over, values) for part in expressions]
    return [above for above, _ in pairs], [below for _, below in pairs]


def _quotient(part: Expr, over: PolyRing, values: dict[Expr, PolyElement]) -> tuple[PolyElement, PolyElement]:
    if part in values:
        return values[part], over.one
    if part.is_number and part.is_Rational is not False:
        number = Rational(part)
        return over(QQ(number.p, number.q)), over.one
    if part.is_Pow and part.exp.is_Integer:
        above, below = _quotient(part.base, over, values)
        power = int(part.exp)
        if power < 0:
            above, below, power = below, above, -power
        return _checked(above**power), _checked(below**power)
    pairs = [_quotient(argument, over, values) for argument in part.args]
    above, below = pairs[0]
    for more_above, more_below in pairs[1:]:
        if part.is_Mul:
            above, below = _checked(above * more_above), _checked(below * more_below)
        elif below == more_below:
            above = above + more_above
        else:
            above, below = _checked(above * more_below + more_above * below), _checked(below * more_below)
    return above, below


def _checked(polynomial: PolyElement) -> PolyElement:
    if len(polynomial) > TERMS:
        raise TooLarge(f"{len(polynomial)} terms")
    return polynomial
