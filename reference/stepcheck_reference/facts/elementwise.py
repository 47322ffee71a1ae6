"""Elementwise: whether an element's new values depend on that element alone."""

from __future__ import annotations

from functools import lru_cache

from sympy import Abs, Add, Basic, Max, Min, Mul, Number, Piecewise, Pow, Symbol, sign
from sympy.core.relational import Relational
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import BooleanAtom, BooleanFunction

from stepcheck_reference.facts.equations import equations
from stepcheck_reference.rule import Rule

SCALAR = (
    Symbol, Number, Add, Mul, Pow, Abs, sign, Max, Min, Piecewise, ExprCondPair, Relational, BooleanAtom,
    BooleanFunction,
)  # fmt: skip
"""What is a function of numbers, and so of an element where its arguments are."""


@lru_cache(maxsize=1024)
def is_elementwise(rule: Rule) -> bool | None:
    """Return whether every equation is a function of numbers; None where a gradient is taken elsewhere than at theta.

    Such a gradient is as much of one element as the objective is, which a rule does not say.
    """
    if rule.kind != "elementwise":
        return False
    return True if all(_scalar(equation) for equation in equations(rule).values()) else None


def _scalar(expression: Basic) -> bool:
    return isinstance(expression, SCALAR) and all(map(_scalar, expression.args))
