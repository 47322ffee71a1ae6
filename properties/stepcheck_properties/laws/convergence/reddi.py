"""Cycling: on Reddi's gradients Adam is driven to the wrong end of a box, and AMSGrad to the right one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import hyper
from stepcheck_properties.scripts.clamped_scripts import BETA2, PERIODS, is_reddi, reddi
from stepcheck_properties.scripts.from_zero import group_of
from stepcheck_properties.scripts.zero_hyper_parameters import are_zero, can_be_zero, comes_to, is_steady, none_of
from stepcheck_reference.alphabet import beta1, beta2, eps
from stepcheck_reference.facts import fixed
from stepcheck_reference.oracle.judgement import Deviation
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
"""What lies as far beyond an end of the box as that end is from the middle."""


def _plain(*rules: Rule) -> tuple[Rule, ...]:
    return tuple(fixed(rule, {beta1: 0, eps: 0}) for rule in rules)


AVERAGING = _plain(ADAM, ADAM_EPS_HAT, NO_BIAS_CORRECTION(ADAM))
KEEPING = _plain(AMSGRAD, AMSGRAD_EPS_HAT, AMSGRAD_CORRECTED_MAX, AMSGRAD_PAPER)


def _cycles(facts: Facts, others: tuple[Rule, ...]) -> bool:
    still = {*facts.fixed_hyper, *facts.constant_hyper} & {"lr"} or "beta2" in facts.fixed_hyper
    return beta2 in facts.rule.hyper and not still and can_be_zero(facts, beta2) and comes_to(facts.rule, others, beta2)


def _goes_up(facts: Facts) -> bool:
    return _cycles(facts, AVERAGING)


def _goes_down(facts: Facts) -> bool:
    return _cycles(facts, KEEPING)


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield reddi(facts, hyper(facts, 0, **none_of(facts.rule, beta2), beta2=BETA2))


def _ends(evidence: Evidence, step: int, wanted: float) -> CheckOutcome:
    """Return how after ``step`` every parameter lies at or beyond the end of the box on the side of ``wanted``."""
    script, trajectory = evidence.script, evidence.trajectory
    compared, found = 0, None
    for tensor, trace in enumerate(trajectory.traces) if trajectory.steps >= step and is_steady(script) else ():
        values = group_of(script, tensor)
        if not is_reddi(script, tensor) or values["beta2"] != BETA2 or not are_zero(evidence.rule, values, beta2):
            continue
        held = np.asarray(trace.theta[step - 1], np.float64)
        compared += held.size
        short = np.flatnonzero(~(np.abs(held - wanted) <= 1.0))
        if short.size and found is None:
            at = int(short[0])
            ours = float(held[at])
            end = "1 or more" if wanted > 0 else "-1 or less"
            told = f"theta={ours!r}, but should be {end} after {step} steps, before it is clamped"
            deviation = Deviation("theta", tensor, step, at, ours, wanted, 1.0, abs(ours - wanted), {})
            found = Breach("theta", tensor, step, deviation.ratio, told, deviation)
    return CheckOutcome(compared, () if found is None else (found,))


def _is_up(evidence: Evidence) -> CheckOutcome:
    return _ends(evidence, 3 * PERIODS, UP)


def _is_down(evidence: Evidence) -> CheckOutcome:
    return _ends(evidence, 3 * PERIODS + 1, DOWN)


MATHEMATICS = """\
C = 4, beta1 = eps = 0, beta2 = 1/(1 + C**2), lr = 0.9/sqrt(t), from 0, 1/4 and 1/2; parameters are clamped to (-1, 1)
after each step. The gradients' sum is least at -1. """

REDDI_ADAM = Law(
    code="SC605",
    title="Adam without momentum ends at the wrong end of Reddi's box",
    sentence="On Reddi's gradients C, -1, -1 over and over, clamped to (-1, 1), Adam with beta1 = 0 and beta2 = 1/(1 + "
    "C**2) is at +1 after nine periods, where the losses are largest.",
    source="Reddi, Kale & Kumar 2018, Theorem 1, https://arxiv.org/abs/1904.09237",
    since="0.2",
    applies=_goes_up,
    check=_is_up,
    condition="with other hyper-parameters at 0 the rule is proved to be Adam without a first moment, corrected or "
    "not; lr and beta2 are free",
    unit="reals",
    mathematics=MATHEMATICS
    + """\
A steep gradient is divided by its own root, so that it counts little more than each of the two that follow; a period
leads up, by 0.11 at the ninth. The corrections are all but 1 from the second step on. The eighth period ends 0.117
beyond +1 at least, before it is clamped; 24 steps of bfloat16 round by less than that, half an ulp of 1 and four of the
step's own each, 0.102 together. The ninth starts from +1 itself, and its three steps round by less than 0.02.""",
    remedy="""\
An Adam that does not go wrong here does not forget as it should: a maximum that is kept, a beta2 that is not the
caller's, a second moment that sums. That may be a better optimizer; it is not the one it is said to be.""",
    example="""\
class AdamKeepsMaximum(torch.optim.Optimizer):
    ...
    v_hat = torch.maximum(v_hat, v / (1 - beta2**t))     # AMSGrad, by another name""",
    scripts=_scripts,
    theorem="reddi_adam_goes_up",
)

REDDI_AMSGRAD = Law(
    code="SC606",
    title="AMSGrad without momentum ends at the right end of Reddi's box",
    sentence="On Reddi's gradients C, -1, -1 over and over, clamped to (-1, 1), AMSGrad with beta1 = 0 and beta2 = "
    "1/(1 + C**2) is at -1 after nine periods and the next C, where the losses are least.",
    source="Reddi, Kale & Kumar 2018, Theorem 1 and Algorithm 2, https://arxiv.org/abs/1904.09237",
    since="0.2",
    applies=_goes_down,
    check=_is_down,
    condition="with other hyper-parameters at 0 the rule is proved to be AMSGrad without a first moment, corrected or "
    "not; lr and beta2 are free",
    unit="reals",
    mathematics=MATHEMATICS
    + """\
The largest second moment stays what the steep gradients made it, nearly C**2, so that a period leads down by nearly (C
- 2)/C*lr. Parameters come to -1 within the first periods, and every steep gradient leads back to it: the last one from
-0.91 to -1.08, before it is clamped. Clamping forgets what was rounded before, and three steps of bfloat16 round by
less than 0.02.""",
    remedy="""\
Look for a maximum that is not kept, not read, or not over all steps: then this is Adam, and ends at +1.""",
    example="""\
class AmsgradForgetsMaximum(torch.optim.Optimizer):
    ...
    torch.maximum(largest, v)                            # returned, and never stored""",
    scripts=_scripts,
    theorem="reddi_amsgrad_goes_down",
)
