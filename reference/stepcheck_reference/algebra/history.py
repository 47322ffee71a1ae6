"""History: values at a step as indexed symbols, g[3] or theta[0], and rules as equations between them."""

from __future__ import annotations

from sympy import Expr, IndexedBase, Symbol, UnevaluatedExpr

i = Symbol("i", integer=True, positive=True)
j = Symbol("j", integer=True, positive=True)
"""The steps that a sum or a product runs over, the inner one j."""


def at(symbol: Symbol, step: Expr | int) -> Expr:
    """Return what ``symbol`` holds after ``step``: the gradient of that step, a state, or theta; 0 is the start."""
    return IndexedBase(symbol)[step]


def unwrapped(expression: Expr) -> Expr:
    """Return ``expression`` with the factors that code keeps as one multiplied out: rounding plays no part here."""
    return expression.replace(lambda part: isinstance(part, UnevaluatedExpr), lambda part: part.args[0])
