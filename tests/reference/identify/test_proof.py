"""Equal expressions are proved equal where branches, roots, signs and corrections are only written otherwise."""

from __future__ import annotations

import pytest
from sympy import Abs, Eq, Expr, Max, Piecewise, sign, sqrt

from stepcheck_reference.alphabet import beta1, beta2, eps, g, lr, m, t, theta, v
from stepcheck_reference.identify.proving.proof import equal

c = 1 - beta2**t
EQUAL = {
    "a lerp": (beta1 * m + (1 - beta1) * g, m + (1 - beta1) * (g - m)),
    "a root of a quotient": (sqrt(v / c), sqrt(v) / sqrt(c)),
    "a quotient over a sum": (m / (sqrt(v / c) + eps), m * sqrt(c) / (sqrt(v) + eps * sqrt(c))),
    "a power of t + 1": (beta1 ** (t + 1), beta1 * beta1**t),
    "a square of a root": (sqrt(v + eps) ** 2 * theta, theta * v + theta * eps),
    "a sign": (sign(beta1 * m - g), -sign(g - beta1 * m)),
    "an absolute value": (Abs(m - g), Abs(g - m)),
    "a maximum": (Max(v, v + (1 - beta2) * (g**2 - v)), Max(beta2 * v + (1 - beta2) * g**2, v)),
    "branches": (
        Piecewise((g, Eq(t, 1)), (beta1 * m + g, True)),
        Piecewise((beta1 * m + g, t > 1), (g, True)).xreplace({t > 1: ~Eq(t, 1)}),
    ),
    "branches at a bound": (Piecewise((lr * g, m > v), (0, True)), lr * Piecewise((0, m <= v), (g, True))),
}
UNEQUAL = {
    "eps at another place": (m / (sqrt(v) + eps), m / sqrt(v + eps)),
    "another correction": (m / (1 - beta1**t), m / (1 - beta1 ** (t - 1))),
    "another coefficient": (beta1 * m + (1 - beta1) * g, beta1 * m + g),
    "a bound that is another's": (Piecewise((g, m > v), (0, True)), Piecewise((g, m >= v), (0, True))),
    "another sign": (sign(m), sign(-m)),
    "a root of a root": (sqrt(v), sqrt(sqrt(v))),
}


@pytest.mark.parametrize("what", list(EQUAL))
def test_equal_expressions_are_proved_equal(what: str) -> None:
    assert equal(*EQUAL[what])


@pytest.mark.parametrize("what", list(UNEQUAL))
def test_expressions_that_differ_are_not(what: str) -> None:
    left, right = UNEQUAL[what]
    assert isinstance(left, Expr)
    assert not equal(left, right)
