"""Descending: on a convex quadratic gradient descent comes as near to the lowest point as its bound says."""

from __future__ import annotations

import math
from collections.abc import Iterator

from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.convex_quadratics import choices, descent, is_wide, within
from stepcheck_properties.scripts.zero_hyper_parameters import are_zero, can_be_zero, comes_to, none_of
from stepcheck_reference.alphabet import beta2
from stepcheck_reference.rules.gradient_descent.sgd import SGD
from stepcheck_reference.scripts.script import Script


def _descends(facts: Facts) -> bool:
    free = "lr" not in facts.fixed_hyper and can_be_zero(facts, beta2)
    return free and is_wide(facts.dtype) and comes_to(facts.rule, (SGD,), beta2)


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield descent(facts, seed, choices(facts, **none_of(facts.rule, beta2)))


def reach(step: int, room: float) -> float:
    """Return how far from the lowest point ``step`` steps lead at most, in units of how far it was at first."""
    return 1.0 / math.sqrt(room * step)


def _is_near(evidence: Evidence) -> CheckOutcome:
    def plain(script: Script) -> bool:
        steady = not any(step.hyper for step in script.steps)
        return steady and all(are_zero(evidence.rule, group.hyper, beta2) for group in script.groups)

    return within(evidence, reach, follows=plain)


GRADIENT_DESCENT_BOUND = Law(
    code="SC603",
    title="gradient descent meets its bound on convex quadratics",
    sentence="On a convex quadratic whose curvature is at most 1/lr, gradient descent's value after t steps is at most "
    "|theta_0 - best|**2/(2*lr*t) above the least.",
    source="Nesterov 2004, Introductory Lectures on Convex Optimization, section 2.1.5",
    since="0.2",
    applies=_descends,
    check=_is_near,
    condition="with hyper-parameters at 0 the rule is proved to be gradient descent, lr is free, and the format has 24 "
    "bits or more",
    unit="reals",
    mathematics="""\
Each gradient is the quadratic's where the parameter stands. Where the function starts and is lowest is drawn at random,
and lr*curvature is 1, 0.15 and 1/64. In the axes of its curvatures a quadratic is a sum over elements, as is the
bound, so that it is asked of each: |theta_t - best| <= |theta_0 - best|/sqrt(k*t), k = lr*curvature. Exactly, theta_t -
best is (1 - k)**t times what it was, and k*t*(1 - k)**(2*t) <= k*t/(1 + 2*k*t) < 1/2: a right step stays below 0.71 of
the bound. It has at least 0.29/sqrt(48) > 0.04 of the first distance to spare, where 48 steps of 24 bits, each rounded
by 2**-21 at most, come to 3e-5. That is why no tolerance is needed, and why narrower formats, in which a step may be
less than the last bit, are left out.""",
    remedy="""\
Compare the first step beyond the bound with -lr*gradient. A rate that grows overshoots where lr*curvature is near 1,
one that fades comes to rest before it is there.""",
    example="""\
class SgdFades(torch.optim.Optimizer):
    ...
    p.sub_(group["lr"] / t * p.grad)                     # lr is what the caller gave, and a scheduler's to change""",
    scripts=_scripts,
    theorem="gradient_descent_bound",
)
