"""Reddi's box: clamped to it, Adam without momentum ends at the worst point, and AMSGrad at the best one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stepcheck_properties.compare.breaches import wrong_real
from stepcheck_properties.law import THETA, CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.laws.reductions import are_zero, can_be_zeroed, reduces_to, zero_values
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import hyper, initial_hyper, is_uninterrupted
from stepcheck_properties.scripts.reddi_scripts import BETA2, PERIODS, clamped_script, is_clamped_script
from stepcheck_reference.alphabet import beta1, beta2, eps
from stepcheck_reference.facts import fixed
from stepcheck_reference.rewrites.no_bias_correction import NO_BIAS_CORRECTION
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adam.adam import ADAM
from stepcheck_reference.rules.adam.adam_eps_hat import ADAM_EPS_HAT
from stepcheck_reference.rules.amsgrad.amsgrad import AMSGRAD
from stepcheck_reference.rules.amsgrad.amsgrad_corrected_max import AMSGRAD_CORRECTED_MAX
from stepcheck_reference.rules.amsgrad.amsgrad_eps_hat import AMSGRAD_EPS_HAT
from stepcheck_reference.rules.amsgrad.amsgrad_paper import AMSGRAD_PAPER
from stepcheck_reference.scripts.script import Script

UP, DOWN = 2.0, -2.0
"""Centres of the intervals [1, 3] and [-3, -1]: before it is clamped, a parameter should be in one of them."""


def _without_momentum(*rules: Rule) -> tuple[Rule, ...]:
    return tuple(fixed(rule, {beta1: 0, eps: 0}) for rule in rules)


ADAM_RULES = _without_momentum(ADAM, ADAM_EPS_HAT, NO_BIAS_CORRECTION(ADAM))
AMSGRAD_RULES = _without_momentum(AMSGRAD, AMSGRAD_EPS_HAT, AMSGRAD_CORRECTED_MAX, AMSGRAD_PAPER)


def _reduces_to(facts: Facts, others: tuple[Rule, ...]) -> bool:
    lr_is_fixed = {*facts.fixed_hyper, *facts.constant_hyper} & {"lr"}
    if beta2 not in facts.rule.hyper or lr_is_fixed or "beta2" in facts.fixed_hyper:
        return False
    return can_be_zeroed(facts, beta2) and reduces_to(facts.rule, others, beta2)


def _is_adam(facts: Facts) -> bool:
    return _reduces_to(facts, ADAM_RULES)


def _is_amsgrad(facts: Facts) -> bool:
    return _reduces_to(facts, AMSGRAD_RULES)


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield clamped_script(facts, hyper(facts, 0, **zero_values(facts.rule, beta2), beta2=BETA2))


def _check_end(evidence: Evidence, step: int, centre: float) -> CheckOutcome:
    """Return whether every parameter is within 1 of ``centre`` after ``step``, before it is clamped."""
    script, trajectory = evidence.script, evidence.trajectory
    compared, breach = 0, None
    for tensor, trace in enumerate(trajectory.traces) if trajectory.steps >= step and is_uninterrupted(script) else ():
        values = initial_hyper(script, tensor)
        if (
            not is_clamped_script(script, tensor)
            or values["beta2"] != BETA2
            or not are_zero(evidence.rule, values, beta2)
        ):
            continue
        observed = np.asarray(trace.theta[step - 1], np.float64)
        compared += observed.size
        outside = np.flatnonzero(~(np.abs(observed - centre) <= 1.0))
        if outside.size and breach is None:
            at = int(outside[0])
            value = float(observed[at])
            end = "1 or more" if centre > 0 else "-1 or less"
            message = f"theta={value!r}, but should be {end} after {step} steps, before it is clamped"
            ratio = abs(value - centre)
            breach = wrong_real(THETA, tensor, step, at, value, centre, message, radius=1.0, ratio=ratio)
    return CheckOutcome(compared, () if breach is None else (breach,))


def _check_adam(evidence: Evidence) -> CheckOutcome:
    return _check_end(evidence, 3 * PERIODS, UP)


def _check_amsgrad(evidence: Evidence) -> CheckOutcome:
    return _check_end(evidence, 3 * PERIODS + 1, DOWN)


MATHEMATICS = """\
C = 4, beta1 = eps = 0, beta2 = 1/(1 + C**2), lr = 0.9/sqrt(t), from 0, 1/4 and 1/2; parameters are clamped to [-1, 1]
after each step. The sum of the gradients is positive, so the best point is -1. """

REDDI_ADAM = Law(
    code="SC605",
    title="Adam without momentum ends at the worst point of Reddi's box",
    sentence="On Reddi's gradients C, -1, -1, repeated, with parameters clamped to [-1, 1], Adam with beta1 = 0 and "
    "beta2 = 1/(1 + C**2) is at +1 after nine periods, where the losses are largest.",
    source="Reddi, Kale & Kumar 2018, Theorem 1, https://arxiv.org/abs/1904.09237",
    since="0.2",
    applies=_is_adam,
    check=_check_adam,
    condition="with other hyper-parameters at 0 the rule is proved to be Adam without a first moment, corrected or "
    "not; lr and beta2 can be set",
    unit="reals",
    mathematics=MATHEMATICS
    + """\
A large gradient is divided by about itself, so that it counts little more than each of the two that follow; a period
leads up, by 0.11 in the ninth. The bias corrections are all but 1 from the second step on. The eighth period ends at
least 0.117 beyond +1, before it is clamped; 24 steps of bfloat16 are rounded by less than that: half an ulp of 1 and
four ulps of the step itself each, 0.102 in sum. The ninth period starts from +1 itself, and its three steps are rounded
by less than 0.02.""",
    remedy="""\
An Adam that avoids the worst point here does not forget as it should: a maximum that is kept, a beta2 that is not the
caller's, a second moment that sums. That may be a better optimizer, but it is not Adam.""",
    example="""\
class AdamKeepsMaximum(torch.optim.Optimizer):
    ...
    v_hat = torch.maximum(v_hat, v / (1 - beta2**t))     # this is AMSGrad""",
    scripts=_scripts,
    theorem="reddi_adam_goes_up",
)

REDDI_AMSGRAD = Law(
    code="SC606",
    title="AMSGrad without momentum ends at the best point of Reddi's box",
    sentence="On Reddi's gradients C, -1, -1, repeated, with parameters clamped to [-1, 1], AMSGrad with beta1 = 0 and "
    "beta2 = 1/(1 + C**2) is at -1 after nine periods and the next C, where the losses are smallest.",
    source="Reddi, Kale & Kumar 2018, Theorem 1 and Algorithm 2, https://arxiv.org/abs/1904.09237",
    since="0.2",
    applies=_is_amsgrad,
    check=_check_amsgrad,
    condition="with other hyper-parameters at 0 the rule is proved to be AMSGrad without a first moment, corrected or "
    "not; lr and beta2 can be set",
    unit="reals",
    mathematics=MATHEMATICS
    + """\
The largest second moment remains that of the large gradients, nearly C**2, so that a period leads down by nearly (C -
2)/C*lr. Parameters reach -1 within the first periods, and every large gradient leads back to it: the last one from
-0.91 to -1.08, before it is clamped. Clamping discards earlier rounding errors, and three steps of bfloat16 are rounded
by less than 0.02.""",
    remedy="""\
Look for a maximum that is not stored, not used, or not taken over all steps: the rule is then Adam, and ends at +1.""",
    example="""\
class AmsgradForgetsMaximum(torch.optim.Optimizer):
    ...
    torch.maximum(largest, v)                            # returned, but not stored""",
    scripts=_scripts,
    theorem="reddi_amsgrad_goes_down",
)
