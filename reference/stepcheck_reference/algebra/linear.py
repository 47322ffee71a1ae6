"""Linear: an expression as coefficient times a symbol plus the rest, where it is one."""

from __future__ import annotations

from sympy import Add, Expr, Integer, Mul, Piecewise, Symbol


def split(expression: Expr, symbol: Symbol) -> tuple[Expr, Expr] | None:
    """Return (coefficient, rest) with ``expression`` = coefficient * symbol + rest, both free of ``symbol``.

    None where no such pair is found: the expression is not linear in the symbol as it is written.
    """
    if expression == symbol:
        return Integer(1), Integer(0)
    if symbol not in expression.free_symbols:
        return Integer(0), expression
    if isinstance(expression, Add):
        terms = [split(term, symbol) for term in expression.args]
        found = [term for term in terms if term is not None]
        if len(found) < len(terms):
            return None
        return Add(*(coefficient for coefficient, _ in found)), Add(*(rest for _, rest in found))
    if isinstance(expression, Mul):
        holding = [factor for factor in expression.args if symbol in factor.free_symbols]
        inner = split(holding[0], symbol) if len(holding) == 1 else None
        if inner is None:
            return None
        others = Mul(*(factor for factor in expression.args if factor != holding[0]))
        return others * inner[0], others * inner[1]
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
