"""AdaGrad's effective step."""

from __future__ import annotations

from sympy import Symbol, diff

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.alphabet import g, h, l1, t, theta, weight_decay
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
        (monotone_states(rule)[h], "h never decreases"),
        (vanishes(new[h] - h - g**2), "h grows by the square of the gradient"),
        (
            sufficient(not effective.free_symbols & {g, h, theta}),
            "the factor of the gradient depends on h_t, t and hyper-parameters alone",
        ),
        ((-diff(effective, total)).is_nonnegative, "the square of the factor decreases with h"),
        ((-diff(effective, later)).is_nonnegative, "the square of the factor does not increase with t"),
        how="by its derivative, the square of the gradient's factor decreases with h, and h never decreases",
    )


EFFECTIVE_STEP = Theorem(
    name="adagrad_effective_step_never_grows",
    sentence="AdaGrad's effective step size, the factor of the gradient, never increases.",
    source="Duchi, Hazan & Singer 2011, https://jmlr.org/papers/v12/duchi11a.html",
    condition="the rule sums squares in h and steps from the parameters; h > 0, lr constant, weight_decay = 0",
    applies=lambda rule: h in rule.init and l1 not in rule.hyper,
    prove=_never_grows,
)
