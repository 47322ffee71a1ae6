"""The first step of Adam in closed form, which shows where eps is added."""

from __future__ import annotations

from collections.abc import Callable

from sympy import Abs, Expr, Symbol, sqrt

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.algebra.induction import at_first
from stepcheck_reference.alphabet import beta2, eps, g, lr, theta
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adam.adam import ADAM
from stepcheck_reference.rules.adam.adam_eps_hat import ADAM_EPS_HAT
from stepcheck_reference.rules.adam.adam_eps_inside import ADAM_EPS_INSIDE
from stepcheck_reference.theorems.theorem import Proof, Theorem, every

root = Symbol("root", positive=True)
"""The root of 1 - beta2, which is positive."""


def _is(expected: Expr) -> Callable[[Rule], Proof]:
    def prove(rule: Rule) -> Proof:
        first = at_first(rule)[theta].xreplace(dict(rule.init)) - theta
        rooted = (first - expected).xreplace({beta2: 1 - root**2})
        return every((vanishes(rooted), f"the first step is {expected}"), how="t = 1 and m = v = 0 in the equation")

    return prove


def _first(rule: Rule, expected: Expr, sentence: str) -> Theorem:
    return Theorem(
        name=f"{rule.name}_first_step",
        sentence=sentence,
        source=rule.source,
        condition="from zero state",
        rules=(rule,),
        prove=_is(expected),
    )


ADAM_FIRST = _first(ADAM, -lr * g / (Abs(g) + eps), "Adam's first step is -lr*g/(|g| + eps).")
EPS_HAT_FIRST = _first(
    ADAM_EPS_HAT,
    -lr * g / (Abs(g) + eps / sqrt(1 - beta2)),
    "With eps hat, Adam's first step is -lr*g/(|g| + eps/sqrt(1 - beta2)).",
)
EPS_INSIDE_FIRST = _first(
    ADAM_EPS_INSIDE, -lr * g / sqrt(g**2 + eps), "With eps inside the root, Adam's first step is -lr*g/sqrt(g^2 + eps)."
)
