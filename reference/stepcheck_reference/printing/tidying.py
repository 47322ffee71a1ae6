"""Tidying: an equation that code computes, in the form in which papers print it; the function stays the same."""

from __future__ import annotations

from collections.abc import Collection

from sympy import Add, Expr, Mul, Pow, Rational, Symbol

_HALF = Rational(1, 2)


def tidied(expression: Expr, scalars: Collection[Symbol]) -> Expr:
    """Return s + (1 - b)(x - s) as b·s + (1 - b)·x, and √v/√c as √(v/c) for a ``c`` of ``scalars`` alone."""
    if expression.is_Atom:
        return expression
    parts = [tidied(part, scalars) for part in expression.args]
    if tuple(parts) != expression.args:
        expression = expression.func(*parts)
    if isinstance(expression, Add):
        return _average(expression)
    return _root(expression, scalars) if isinstance(expression, Mul) else expression


def _average(expression: Add) -> Expr:
    """Return an interpolation as the average that it is."""
    for term in expression.args:
        if not isinstance(term, Mul):
            continue
        for difference in (factor for factor in term.args if isinstance(factor, Add)):
            weight = Mul(*(factor for factor in term.args if factor != difference))
            olds = [old for old in expression.args if -old in difference.args and old.is_Symbol]
            if len(olds) == 1 and isinstance(weight, Add | Symbol):
                (old,) = olds
                rest = [other for other in expression.args if other not in (old, term)]
                return Add((1 - weight) * old, weight * (difference + old), *rest)
    return expression


def _root(expression: Mul, scalars: Collection[Symbol]) -> Expr:
    above = [factor for factor in expression.args if isinstance(factor, Pow) and factor.exp == _HALF]
    below = [factor for factor in expression.args if isinstance(factor, Pow) and factor.exp == -_HALF]
    below = [factor for factor in below if factor.free_symbols <= set(scalars)]
    above = [factor for factor in above if not factor.free_symbols <= set(scalars)]
    if len(above) != 1 or len(below) != 1:
        return expression
    rest = [factor for factor in expression.args if factor not in (above[0], below[0])]
    return Mul(*rest, Pow(above[0].base / below[0].base, _HALF))
