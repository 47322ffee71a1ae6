"""Bounded steps: whatever the gradients, a step of Adam is no longer than the Cauchy-Schwarz inequality allows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np

from stepcheck_properties.compare.breaches import wrong_real
from stepcheck_properties.law import THETA, Breach, CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import initial_hyper
from stepcheck_properties.scripts.exact_traces import only_if_nonconforming
from stepcheck_properties.scripts.from_zero import is_from_zero, longest_adam_steps
from stepcheck_reference.alphabet import eps, weight_decay
from stepcheck_reference.facts import fixed, homogeneity, reduces
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adam.adam import ADAM
from stepcheck_reference.scripts.script import Script

ROUND_UP = 1.0 + 2.0**-50
"""Rounds a bound outward that is computed in binary64 with a dozen operations, each within 2**-53."""


@cache
def _is_adam_without_eps(rule: Rule) -> bool:
    """Whether, at eps = 0 and without decay, the rule is Adam: a corrected average over the root of a corrected one."""
    zeros = {symbol: 0 for symbol in (eps, weight_decay) if symbol in rule.hyper}
    return eps in rule.hyper and reduces(rule, fixed(ADAM, {eps: 0}), zeros) is True


def _is_bounded(facts: Facts) -> bool:
    return not facts.fixed_hyper.get("eps", 0.0) and _is_adam_without_eps(facts.rule)


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    scaling = homogeneity(facts.rule)
    assert scaling is not None, "a rule that is Adam at eps = 0 scales"
    yield longest_adam_steps(facts, seed, scaling)


def bound(hyper: Mapping[str, float], count: int) -> float:
    """Return the largest possible length of Adam's ``count``-th step."""
    first, second = hyper["beta1"], hyper["beta2"]
    if count > 1 and second == 0.0:
        ages = 1.0 if first == 0.0 else math.inf
    else:
        ages = sum((first * first / second) ** age if age else 1.0 for age in range(count))
    weight = (1.0 - first) / (1.0 - first**count)
    return ROUND_UP * hyper["lr"] * weight * math.sqrt((1.0 - second**count) / (1.0 - second) * ages)


def _check_bound(evidence: Evidence) -> CheckOutcome:
    script, trajectory = evidence.script, evidence.trajectory
    compared, breaches = 0, list[Breach]()
    for tensor, trace in enumerate(trajectory.traces) if is_from_zero(script) else ():
        for step in range(1, trajectory.steps + 1):
            longest = bound(initial_hyper(script, tensor), step)
            values = np.asarray(trace.theta[step - 1], np.float64)
            compared += values.size
            beyond = np.flatnonzero(np.abs(values) > longest)
            for at in beyond.tolist():
                observed = float(values[at])
                message = f"theta={observed!r}, but should be no further from 0 than {longest!r}"
                breaches.append(
                    wrong_real(THETA, tensor, step, at, observed, math.copysign(longest, observed), message)
                )
    return only_if_nonconforming(evidence, compared, breaches)


BOUNDED_STEP = Law(
    code="SC310",
    title="a step of Adam is no longer than its bound",
    sentence="Whatever the gradients, a step of Adam is, within rounding, no longer than lr*B_t with B_t = (1 - "
    "beta1)/(1 - beta1**t)*sqrt((1 - beta2**t)/(1 - beta2)*sum over ages i < t of (beta1**2/beta2)**i).",
    source="the Cauchy-Schwarz inequality; Kingma & Ba 2015, section 2.1, prints a bound that gradients exceed",
    since="0.2",
    applies=_is_bounded,
    check=_check_bound,
    condition="without eps and decay the rule is proved to be Adam, and eps can be 0",
    unit="reals",
    mathematics="""\
m_t = (1 - beta1)*sum of beta1**i*g_(t-i) and v_t = (1 - beta2)*sum of beta2**i*g_(t-i)**2, so by Cauchy-Schwarz
m_t**2 <= (1 - beta1)**2/(1 - beta2)*v_t*sum of (beta1**2/beta2)**i. The bound is attained at eps = 0 by gradients that
grow by beta2/beta1 from step to step. The script has such gradients, so that any step that is too long by more than
rounding exceeds the bound. As t grows it tends to 7.27*lr at beta1 = 0.9 and beta2 = 0.999; if beta1**2 >= beta2 it
grows without limit.""",
    remedy="""\
A step that is too long has a divisor that is too small: a bias correction that is applied twice, a second moment that
decays faster than by beta2, a missing square root.""",
    example="""\
class AdamCorrectsTwice(torch.optim.Optimizer):
    ...
    m_hat = m / (1 - beta1**t) / (1 - beta1**t)""",
    scripts=_scripts,
    theorem="adam_step_bound",
)
