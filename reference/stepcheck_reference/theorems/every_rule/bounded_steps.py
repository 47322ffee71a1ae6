"""Rules whose steps have a bound that does not depend on the gradients."""

from __future__ import annotations

from sympy import sign

from stepcheck_reference.alphabet import eps, h, l1, lambd, theta, weight_decay
from stepcheck_reference.facts import fixed, step_bound
from stepcheck_reference.rule import Rule
from stepcheck_reference.theorems.theorem import Proof, Theorem


def _bounded(rule: Rule) -> Proof:
    bound = step_bound(fixed(rule, {weight_decay: 0, lambd: 0}))
    if bound is None:
        return Proof("undecided", "no bound of the step follows from its equations")
    return Proof("proved", f"a sign is at most 1, |g|/sqrt(h + g**2) is at most 1, so a step is at most {bound}")


BOUNDED = Theorem(
    name="bounded_steps",
    sentence="Whatever the gradients, a step is bounded by an expression in the hyper-parameters.",
    source="each rule's equations",
    condition="the step takes signs, without eps, or divides by the root of a sum of squares, and starts from the "
    "parameters; weight_decay = 0",
    applies=lambda rule: (
        l1 not in rule.hyper and (h in rule.init or (rule.step[theta].has(sign) and eps not in rule.hyper))
    ),
    prove=_bounded,
)
