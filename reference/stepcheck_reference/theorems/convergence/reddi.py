"""Reddi's counterexample: periodic gradients C, -1, -1 with C > 2, whose sum is minimized at the left end.

beta1 = 0 and beta2 = 1/(1 + C**2), no bias correction, lr/sqrt(t). With v between 0 and C**2 before a period, as any
average of squares is, a period's step up is at least lr*sqrt(1 + C**2)/C times
-1/sqrt(t) + sqrt(1/2)/sqrt(t + 1) + sqrt((1 + C**2)/(3 + C**2))/sqrt(t + 2), C's gradient at step t.
"""

from __future__ import annotations

from sympy import Integer, Rational, Symbol, expand, together

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.algebra.linear import split
from stepcheck_reference.alphabet import beta1, beta2, eps, g, lr, m, sqrt, v, v_max
from stepcheck_reference.facts import fixed, monotone_states
from stepcheck_reference.facts.equations import equations, step_of
from stepcheck_reference.facts.signs import is_nonnegative
from stepcheck_reference.rewrites.no_bias_correction import NO_BIAS_CORRECTION
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adam.adam import ADAM
from stepcheck_reference.rules.amsgrad.amsgrad_paper import AMSGRAD_PAPER
from stepcheck_reference.theorems.theorem import Proof, Theorem, every, sufficient

more = Symbol("more", nonnegative=True)
"""C**2 less 4."""
square = 4 + more
weight = 1 / (1 + square)
later = Symbol("later", nonnegative=True)
"""t less 4."""


def _above_zero(expression: object) -> bool:
    return bool(together(expand(together(expression))).is_nonnegative)


def _goes_up(adam: Rule) -> Proof:
    new = equations(fixed(adam, {beta1: 0, eps: 0}))
    after_c = new[v].xreplace({g: Symbol("c"), beta2: weight}).xreplace({Symbol("c") ** 2: square})
    after_one = new[v].xreplace({g: Integer(-1), beta2: weight})
    parts = split(new[v], v)
    first_low = after_c.xreplace({v: Integer(0)})
    first_high = after_c.xreplace({v: square})
    second_high = after_one.xreplace({v: first_high})
    third_high = after_one.xreplace({v: second_high})
    early, late = Rational(1, 2), Rational(5, 7)
    one, two = Rational(7, 10), Rational(84, 100)
    return every(
        (vanishes(new[m] - g), "at beta1 = 0 the first moment is the gradient"),
        (vanishes(step_of(new) + lr * g / sqrt(new[v])), "a step is -lr*g/sqrt(v)"),
        (sufficient(parts is not None and is_nonnegative(parts[0], adam)), "v_t increases with v"),
        (_above_zero(square - after_one.xreplace({v: square})), "v remains at most C**2"),
        (vanishes(first_low - square**2 * weight), "after C, v is at least C**4/(1 + C**2)"),
        (vanishes(first_high - square), "after C, v is at most C**2"),
        (vanishes(second_high - 2 * square * weight), "after -1, v is at most 2*C**2/(1 + C**2)"),
        (
            vanishes(third_high - square * (3 + square) * weight**2),
            "after -1, -1, v is at most C**2*(3 + C**2)/(1 + C**2)**2",
        ),
        (_above_zero((1 + square) / (3 + square) - late), "(1 + C**2)/(3 + C**2) is at least 5/7"),
        (bool(one**2 < early and two**2 < late), "sqrt(1/2) > 0.7 and sqrt(5/7) > 0.84"),
        (_above_zero((4 + later) / (6 + later) - Rational(2, 3)), "t/(t + 2) is at least 2/3 from t = 4 on"),
        (bool((one + two) ** 2 * Rational(2, 3) > 1), "(0.7 + 0.84)*sqrt(2/3) > 1"),
        how="the three roots are bounded exactly by the values of v in a period; (0.7 + 0.84)*sqrt(2/3) exceeds 1",
    )


def _goes_down(amsgrad: Rule) -> Proof:
    new = equations(fixed(amsgrad, {beta1: 0, eps: 0}))
    first, beyond = Symbol("first", positive=True), Symbol("beyond", positive=True)
    gained, more_gained = Symbol("gained", nonnegative=True), Symbol("more_gained", nonnegative=True)
    period = (2 + beyond) / first - 1 / (first + gained) - 1 / (first + gained + more_gained)
    return every(
        (vanishes(new[m] - g), "at beta1 = 0 the first moment is the gradient"),
        (vanishes(step_of(new) + lr * g / sqrt(new[v_max])), "a step is -lr*g/sqrt(v_max)"),
        (monotone_states(amsgrad)[v_max], "the divisor never decreases"),
        (
            together(expand(together(period))).is_positive,
            "C over the first divisor exceeds the sum of 1 over the two others",
        ),
        how="divisors that never decrease give C/d1 - 1/d2 - 1/d3 >= (C - 2)/d1 > 0, and a decreasing lr only helps",
    )


REDDI = "Reddi, Kale & Kumar 2018, Theorem 1, https://arxiv.org/abs/1904.09237"
ADAM_GOES_UP = Theorem(
    name="reddi_adam_goes_up",
    sentence="On Reddi's gradients C, -1, -1 with C > 2, each period from t = 4 on moves Adam away from the optimum.",
    source=REDDI,
    condition="beta1 = eps = 0, beta2 = 1/(1 + C**2), no bias correction, lr/sqrt(t), not clamped",
    rules=(NO_BIAS_CORRECTION(ADAM),),
    prove=_goes_up,
)
AMSGRAD_GOES_DOWN = Theorem(
    name="reddi_amsgrad_goes_down",
    sentence="On Reddi's gradients C, -1, -1 with C > 2, each period moves AMSGrad toward the optimum.",
    source=REDDI,
    condition="beta1 = eps = 0, lr constant or decreasing, not clamped",
    rules=(AMSGRAD_PAPER,),
    prove=_goes_down,
)
