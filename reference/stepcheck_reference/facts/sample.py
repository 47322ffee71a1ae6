"""Sample: rational hyper-parameters inside their domains, for refutation by exact numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sympy import Expr, Rational, Symbol

from stepcheck_reference.rule import Rule

ROUNDED = 60
"""Digits that iterates are rounded to where exact numbers would grow; more than ``equality.DIGITS``."""

GRADIENTS = tuple(Rational(*one) for one in ((1, 2), (-1, 3), (2, 5), (7, 4), (-3, 2), (4, 3), (1, 5)))
"""Gradients of both signs and several sizes."""


def sample(rule: Rule, **overrides: Expr | int) -> Mapping[Symbol, Expr]:
    """Return a value well inside its domain for every hyper-parameter but ``overrides``, which are given by name."""
    values = {}
    for index, symbol in enumerate(rule.hyper):
        low, high = rule.domains[symbol].low, rule.domains[symbol].high
        if str(symbol) in overrides:
            values[symbol] = Rational(overrides[str(symbol)])
        elif math.isinf(high):
            values[symbol] = Rational(low) + Rational(index + 2, 3)
        else:
            values[symbol] = Rational(low) + Rational(high - low) * Rational(index + 31, index + 33)
    return values
