"""Linear: an expression as a coefficient times a symbol plus a rest, where it has that form."""

from __future__ import annotations

from sympy import Add, Expr, Integer, Mul, Piecewise, Symbol


def split(expression: Expr, symbol: Symbol) -> tuple[Expr, Expr] | None:
    """Return (coefficient, rest) with ``expression`` = coefficient * symbol + rest, both free of ``symbol``.

    None if the expression, as written, is not linear in the symbol.
    """
    if expression == symbol:
        return Integer(1), Integer(0)
    if symbol not in expression.free_symbols:
        return Integer(0), expression
    if isinstance(expression, Add):
        terms = [split(term, symbol) for term in expression.args]
        linear_terms = [term for term in terms if term is not None]
        if len(linear_terms) < len(terms):
            return None
        return Add(*(coefficient for coefficient, _ in linear_terms)), Add(*(rest for _, rest in linear_terms))
    if isinstance(expression, Mul):
        dependent = [factor for factor in expression.args if symbol in factor.free_symbols]
        inner = split(dependent[0], symbol) if len(dependent) == 1 else None
        if inner is None:
            return None
        remaining = Mul(*(factor for factor in expression.args if factor != dependent[0]))
        return remaining * inner[0], remaining * inner[1]
    if isinstance(expression, Piecewise):
        return _branches(expression, symbol)
    return None


def _branches(expression: Piecewise, symbol: Symbol) -> tuple[Expr, Expr] | None:
    coefficients, rests = [], []
    for value, condition in expression.args:
        inner = split(value, symbol)
        if inner is None or symbol in condition.free_symbols:
            return None
        coefficients.append((inner[0], condition))
        rests.append((inner[1], condition))
    return Piecewise(*coefficients), Piecewise(*rests)
