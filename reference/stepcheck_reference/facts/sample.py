"""Sample: rational hyper-parameters inside their domains, for numbers that refute."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sympy import Expr, Rational, Symbol

from stepcheck_reference.rule import Rule

ROUNDED = 60
"""Digits that walks are rounded to where their exact numbers would grow; ``equality.DIGITS`` tells numbers apart."""

GRADIENTS = tuple(Rational(*one) for one in ((1, 2), (-1, 3), (2, 5), (7, 4), (-3, 2), (4, 3), (1, 5)))
"""Gradients of both signs and several sizes."""


def sample(rule: Rule, **others: Expr | int) -> Mapping[Symbol, Expr]:
    """Return a hyper-parameter each well inside its domain, but for ``others``, by name."""
    values = {}
    for place, symbol in enumerate(rule.hyper):
        low, high = rule.domains[symbol].low, rule.domains[symbol].high
        if str(symbol) in others:
            values[symbol] = Rational(others[str(symbol)])
        elif math.isinf(high):
            values[symbol] = Rational(low) + Rational(place + 2, 3)
        else:
            values[symbol] = Rational(low) + Rational(high - low) * Rational(place + 31, place + 33)
    return values
