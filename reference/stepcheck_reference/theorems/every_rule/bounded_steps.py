"""Rules whose steps are no longer than a number that does not depend on the gradients."""

from __future__ import annotations

from sympy import sign

from stepcheck_reference.alphabet import eps, h, lambd, theta, weight_decay
from stepcheck_reference.facts import fixed, step_bound
from stepcheck_reference.rule import Rule
from stepcheck_reference.theorems.theorem import Proof, Theorem


def _bounded(rule: Rule) -> Proof:
    found = step_bound(fixed(rule, {weight_decay: 0, lambd: 0}))
    if found is None:
        return Proof("undecided", "no bound of the step is found in its equations")
    return Proof("proved", f"a sign is at most 1, |g|/sqrt(h + g**2) at most 1, and so a step at most {found}")


BOUNDED = Theorem(
    name="bounded_steps",
    sentence="No gradients make a step longer than a bound in the hyper-parameters.",
    source="each rule's equations",
    condition="the step takes signs, without eps, or divides by a sum of squares; weight_decay = 0",
    applies=lambda rule: h in rule.init or (rule.step[theta].has(sign) and eps not in rule.hyper),
    prove=_bounded,
)
