"""AdaGrad's regret on convex losses in a box."""

from __future__ import annotations

from sympy import Symbol

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.alphabet import eps, g, h, lr, sqrt, theta
from stepcheck_reference.facts import monotone_states
from stepcheck_reference.facts.equations import equations, step_of
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adagrad.adagrad import ADAGRAD
from stepcheck_reference.theorems.theorem import Proof, Theorem, every

point = Symbol("point", real=True)
old, gained = Symbol("old", nonnegative=True), Symbol("gained", nonnegative=True)
"""The root of h before the step, and its increase."""


def _bounded(rule: Rule) -> Proof:
    new = equations(rule)
    divisor = sqrt(new[h]) + eps
    root = old + gained
    nearer = (theta - point) ** 2 - (theta - lr * g / divisor - point) ** 2
    square = root**2 - old**2
    return every(
        (vanishes(new[h] - h - g**2), "h grows by the square of the gradient"),
        (vanishes(step_of(new) + lr * g / divisor), "a step is -lr*g/(sqrt(h) + eps)"),
        (monotone_states(rule)[h], "the divisor never decreases"),
        (
            vanishes(g * (theta - point) - divisor / (2 * lr) * nearer - lr * g**2 / (2 * divisor)),
            "the regret of a step is divisor/(2*lr) times the decrease in squared distance, plus lr*g**2/(2*divisor)",
        ),
        (
            vanishes(2 * gained * (root + eps) - square - gained * (gained + 2 * eps)),
            "g**2/(2*divisor) is at most the increase of the root of h",
        ),
        ((gained * (gained + 2 * eps)).is_nonnegative, "since a square and eps are nonnegative"),
        how="clamping increases the distance to no point of the box; the first term sums to at most "
        "D**2/(2*lr)*divisor as the divisors increase, the second to lr*sqrt(h)",
    )


REGRET = Theorem(
    name="adagrad_regret",
    sentence="AdaGrad's regret over T convex losses is at most the sum over elements of D**2/(2*lr)*(sqrt(h) + eps) + "
    "lr*sqrt(h).",
    source="Duchi, Hazan & Singer 2011, Theorem 5, https://jmlr.org/papers/v12/duchi11a.html",
    condition="clamped after each step to a box of width D; lr constant, the gradients are those of the losses",
    rules=(ADAGRAD,),
    prove=_bounded,
)
