"""History: values at a step as indexed symbols, g[3] or theta[0], and rules as equations between them."""

from __future__ import annotations

from sympy import Expr, IndexedBase, Symbol, UnevaluatedExpr

i = Symbol("i", integer=True, positive=True)
j = Symbol("j", integer=True, positive=True)
"""The step indices of sums and products; j is the inner one."""


def at(symbol: Symbol, step: Expr | int) -> Expr:
    """Return ``symbol`` at ``step``: the gradient of that step, or a state or theta after it; 0 is the start."""
    return IndexedBase(symbol)[step]


def unwrapped(expression: Expr) -> Expr:
    """Return ``expression`` with the factors that code computes once multiplied out: exact algebra needs none."""
    return expression.replace(lambda part: isinstance(part, UnevaluatedExpr), lambda part: part.args[0])
