"""Second moments, and the variance whose root is a centered divisor."""

from __future__ import annotations

from sympy import cancel, sign, sympify

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.alphabet import a, beta2, h, u, v, v_max, x
from stepcheck_reference.facts import nonnegative_states
from stepcheck_reference.facts.equations import equations
from stepcheck_reference.rule import Rule
from stepcheck_reference.theorems.theorem import Proof, Theorem, every, sufficient

SECOND = (v, v_max, h, x, u)
"""States that accumulate squares or magnitudes."""


def _accumulates(rule: Rule) -> bool:
    """Return whether the rule has second moments, none of which is updated through a sign."""
    second = [state for state in SECOND if state in rule.init]
    return bool(second) and not any(rule.step[state].has(sign) for state in second)


def _never_negative(rule: Rule) -> Proof:
    answers = nonnegative_states(rule)
    parts = [(answers[state], f"{state} is never negative") for state in SECOND if state in answers]
    return every(*parts, how="each starts nonnegative and adds squares or magnitudes with nonnegative weights")


def _variance(rule: Rule) -> Proof:
    new = equations(rule)
    averaged = cancel((new[a] - beta2 * a) / (1 - beta2))
    decomposed = beta2 * (v - a**2) + beta2 * (1 - beta2) * (averaged - a) ** 2
    return every(
        (sufficient(a not in averaged.free_symbols), "a averages the gradient with weight 1 - beta2"),
        (vanishes(new[v] - new[a] ** 2 - decomposed), "v_t - a_t**2 = beta2*(v - a**2) + beta2*(1 - beta2)*(g - a)**2"),
        (sympify(rule.init[v] - rule.init[a] ** 2).is_nonnegative, "v - a**2 starts nonnegative"),
        how="v_t - a_t**2 = beta2*(v - a**2) + beta2*(1 - beta2)*(g - a)**2, which starts nonnegative",
    )


NEVER_NEGATIVE = Theorem(
    name="second_moments_never_negative",
    sentence="Second moments are never negative.",
    source="each rule's equations, by induction over the steps",
    condition="the rule sums, averages or maximizes squares or magnitudes, and updates none of them through a sign",
    applies=_accumulates,
    prove=_never_negative,
)
CENTERED_VARIANCE = Theorem(
    name="centered_variance_never_negative",
    sentence="v - a**2, whose root centered RMSprop divides by, can become negative only by rounding.",
    source="Graves 2013, eqs. 38-45, https://arxiv.org/abs/1308.0850",
    condition="the rule averages gradients and their squares with the same weight",
    applies=lambda rule: a in rule.init and v in rule.init,
    prove=_variance,
)
