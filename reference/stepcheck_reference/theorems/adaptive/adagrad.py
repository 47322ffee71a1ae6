"""AdaGrad's effective step."""

from __future__ import annotations

from sympy import Symbol, diff

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.alphabet import g, h, t, theta, weight_decay
from stepcheck_reference.facts import fixed, monotone_states
from stepcheck_reference.facts.equations import equations, step_of
from stepcheck_reference.rule import Rule
from stepcheck_reference.theorems.theorem import Proof, Theorem, every, sufficient

total = Symbol("total", positive=True)
later = Symbol("later", nonnegative=True)


def _never_grows(rule: Rule) -> Proof:
    new = equations(fixed(rule, {weight_decay: 0}))
    effective = ((step_of(new) / g) ** 2).xreplace({h: total - g**2}).xreplace({t: 1 + later})
    return every(
        (monotone_states(rule)[h], "h never falls"),
        (vanishes(new[h] - h - g**2), "h gains the square of the gradient"),
        (
            sufficient(not effective.free_symbols & {g, h, theta}),
            "h_t and hyper-parameters decide what multiplies it",
        ),
        ((-diff(effective, total)).is_nonnegative, "its square falls as h grows"),
        ((-diff(effective, later)).is_nonnegative, "its square does not grow with t"),
        how="the square of what multiplies the gradient falls as h grows, by its derivative, and h never falls",
    )


EFFECTIVE_STEP = Theorem(
    name="adagrad_effective_step_never_grows",
    sentence="AdaGrad's effective step, what multiplies a gradient, never grows.",
    source="Duchi, Hazan & Singer 2011, https://jmlr.org/papers/v12/duchi11a.html",
    condition="the rule sums squares in h; once h > 0, while lr stays; weight_decay = 0",
    applies=lambda rule: h in rule.init,
    prove=_never_grows,
)
