"""Gradient descent: on a convex quadratic it gets as close to the minimum as its bound says."""

from __future__ import annotations

import math
from collections.abc import Iterator

from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.laws.reductions import are_zero, can_be_zeroed, reduces_to, zero_values
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.convex_quadratics import check_distances, descent, hyper_per_step_size, is_precise
from stepcheck_reference.alphabet import beta2
from stepcheck_reference.rules.gradient_descent.sgd import SGD
from stepcheck_reference.scripts.script import Script


def _is_gradient_descent(facts: Facts) -> bool:
    free = "lr" not in facts.fixed_hyper and can_be_zeroed(facts, beta2)
    return free and is_precise(facts.dtype) and reduces_to(facts.rule, (SGD,), beta2)


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield descent(facts, seed, hyper_per_step_size(facts, **zero_values(facts.rule, beta2)))


def distance_bound(step: int, step_size: float) -> float:
    """Return the largest distance from the minimum after ``step`` steps, in units of the initial distance."""
    return 1.0 / math.sqrt(step_size * step)


def _check_bound(evidence: Evidence) -> CheckOutcome:
    def plain(script: Script) -> bool:
        constant = not any(step.hyper for step in script.steps)
        return constant and all(are_zero(evidence.rule, group.hyper, beta2) for group in script.groups)

    return check_distances(evidence, distance_bound, applies=plain)


GRADIENT_DESCENT_BOUND = Law(
    code="SC603",
    title="gradient descent meets its bound on convex quadratics",
    sentence="On a convex quadratic whose curvature is at most 1/lr, the objective of gradient descent after t steps "
    "exceeds its minimum by at most |theta_0 - best|**2/(2*lr*t).",
    source="Nesterov 2004, Introductory Lectures on Convex Optimization, section 2.1.5",
    since="0.2",
    applies=_is_gradient_descent,
    check=_check_bound,
    condition="with hyper-parameters at 0 the rule is proved to be gradient descent, lr can be set, and the dtype has "
    "24 bits of precision or more",
    unit="reals",
    mathematics="""\
Each gradient is the quadratic's at the parameter. Initial values and minima are drawn at random, and lr*curvature is 1,
0.15 and 1/64. In the axes of its curvatures a quadratic is a sum over elements, and so is the bound, which is therefore
checked for each: |theta_t - best| <= |theta_0 - best|/sqrt(k*t), k = lr*curvature. Exactly, theta_t - best is (1 -
k)**t times its initial value, and k*t*(1 - k)**(2*t) <= k*t/(1 + 2*k*t) < 1/2: a correct step stays below 0.71 of the
bound. The margin is at least 0.29/sqrt(48) > 0.04 of the initial distance, whereas 48 steps of 24 bits, each rounded by
at most 2**-21, amount to 3e-5. So no tolerance is needed, and narrower dtypes, in which a step may be less than the
last bit, are left out.""",
    remedy="""\
Compare the first step beyond the bound with -lr*gradient. A rate that grows overshoots where lr*curvature is near 1; a
rate that decays stops before the minimum.""",
    example="""\
class SgdFades(torch.optim.Optimizer):
    ...
    p.sub_(group["lr"] / t * p.grad)                     # lr is the caller's, or a scheduler's to change""",
    scripts=_scripts,
    theorem="gradient_descent_bound",
)
