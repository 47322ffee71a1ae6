"""Bounded steps: no gradients make a step of Adam longer than Cauchy and Schwarz allow."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np

from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.from_zero import group_of, is_from_zero
from stepcheck_properties.scripts.growing_gradients import growing
from stepcheck_reference.alphabet import eps, weight_decay
from stepcheck_reference.facts import fixed, homogeneity, reduces
from stepcheck_reference.oracle.judgement import Deviation
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adam.adam import ADAM
from stepcheck_reference.scripts.script import Script

UP = 1.0 + 2.0**-50
"""Rounds a bound that is computed in binary64 outward."""


@cache
def _is_adam_without_eps(rule: Rule) -> bool:
    """Whether, at eps = 0 and without decay, the step is a corrected average over the root of a corrected one."""
    zeros = {symbol: 0 for symbol in (eps, weight_decay) if symbol in rule.hyper}
    return eps in rule.hyper and reduces(rule, fixed(ADAM, {eps: 0}), zeros) is True


def _is_bounded(facts: Facts) -> bool:
    return not facts.fixed_hyper.get("eps", 0.0) and _is_adam_without_eps(facts.rule)


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    scaling = homogeneity(facts.rule)
    assert scaling is not None, "a rule that is Adam at eps = 0 scales"
    yield growing(facts, seed, scaling)


def bound(values: Mapping[str, float], count: int) -> float:
    """Return how long the ``count``-th step of Adam can be at most."""
    first, second = values["beta1"], values["beta2"]
    if count > 1 and second == 0.0:
        ages = 1.0 if first == 0.0 else math.inf
    else:
        ages = sum((first * first / second) ** age if age else 1.0 for age in range(count))
    kept = (1.0 - first) / (1.0 - first**count)
    return UP * values["lr"] * kept * math.sqrt((1.0 - second**count) / (1.0 - second) * ages)


def _no_longer(evidence: Evidence) -> CheckOutcome:
    script, trajectory = evidence.script, evidence.trajectory
    compared, found = 0, None
    for tensor, trace in enumerate(trajectory.traces) if is_from_zero(script) else ():
        for step in range(1, trajectory.steps + 1):
            longest = bound(group_of(script, tensor), step)
            held = np.asarray(trace.theta[step - 1], np.float64)
            compared += held.size
            beyond = np.flatnonzero(np.abs(held) > longest)
            if beyond.size and found is None:
                at = int(beyond[0])
                ours = float(held[at])
                told = f"theta={ours!r}, but should be no further from 0 than {longest!r}"
                least = math.copysign(longest, ours)
                deviation = Deviation("theta", tensor, step, at, ours, least, 0.0, float("inf"), {})
                found = Breach("theta", tensor, step, float("inf"), told, deviation)
    if found is None or evidence.judgement.conforms:
        return CheckOutcome(compared)
    return CheckOutcome(compared, (found,))


BOUNDED_STEP = Law(
    code="SC310",
    title="no gradients make a step of Adam longer than its bound",
    sentence="A step of Adam is, to within rounding, at most lr*B_t long whatever the gradients, with B_t = (1 - "
    "beta1)/(1 - beta1**t)*sqrt((1 - beta2**t)/(1 - beta2)*sum over ages i < t of (beta1**2/beta2)**i).",
    source="the Cauchy-Schwarz inequality; Kingma & Ba 2015, section 2.1, prints a bound that gradients exceed",
    since="0.2",
    applies=_is_bounded,
    check=_no_longer,
    condition="without eps and decay the rule is proved to take Adam's steps, and eps can be 0",
    unit="reals",
    mathematics="""\
m_t = (1 - beta1)*sum of beta1**i*g_(t-i) and v_t = (1 - beta2)*sum of beta2**i*g_(t-i)**2, so that by Cauchy and
Schwarz m_t**2 <= (1 - beta1)**2/(1 - beta2)*v_t*sum of (beta1**2/beta2)**i. The bound is attained at eps = 0 by
gradients that grow by beta2/beta1 from step to step, and such this law gives: there any step that is too long by
more than rounding is beyond it. In the limit it is 7.27*lr at beta1 = 0.9 and beta2 = 0.999; where beta1**2 >= beta2
there is none.""",
    remedy="""\
A step that is too long has a divisor that is too small: a correction that is applied twice, a second moment that
forgets faster than its beta2, a square root that is missing.""",
    example="""\
class AdamCorrectsTwice(torch.optim.Optimizer):
    ...
    m_hat = m / (1 - beta1**t) / (1 - beta1**t)""",
    scripts=_scripts,
    theorem="adam_step_bound",
)
