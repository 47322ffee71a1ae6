"""Reddi's gradients: they lead up if the second moment forgets, and down if a maximum or sum is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np
from sympy import Integer, Rational

from stepcheck_properties.compare.breaches import wrong_real
from stepcheck_properties.law import THETA, CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ZERO, hyper, initial_hyper
from stepcheck_properties.scripts.exact_traces import Values, hyper_of_rule
from stepcheck_properties.scripts.reddi_scripts import BETA2, PERIOD
from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.alphabet import beta2, theta
from stepcheck_reference.facts import homogeneity
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

PERIODS = 4
HYPER = {"lr": 0.0625, "beta1": 0.0, "beta2": BETA2, "momentum_decay": 0.0, "weight_decay": 0.0}
DIGITS = 40
CLEAR_DISTANCE = 0.25
"""Learning rates between start and end from which rounding cannot change the side on which a parameter ends."""


@lru_cache(maxsize=256)
def _end(rule: Rule, hyper: Values, periods: int) -> float:
    """Return theta after ``periods``, from 0."""
    values = dict(hyper)
    exact = {symbol: Rational(values[str(symbol)]) for symbol in rule.hyper}
    gradients = [Rational(one) for _ in range(periods) for one in PERIOD]
    return float(iterate(rule, exact, Integer(0), gradients, digits=DIGITS)[-1][theta])


def clear_end(rule: Rule, hyper: Mapping[str, float], periods: int) -> float | None:
    """Return theta after ``periods``, from 0; None if that is not clearly on one side of 0."""
    end = _end(rule, hyper_of_rule(rule, hyper), periods)
    return end if abs(end) > CLEAR_DISTANCE * hyper["lr"] else None


def _has_second_moment(rule: Rule) -> bool:
    """Whether a state scales as squared gradients and has the weight beta2."""
    scaling = homogeneity(rule)
    return scaling is not None and any(
        degree == 2 and beta2 in rule.step[state].free_symbols for state, degree in scaling.states.items()
    )


def _ends_clearly(facts: Facts) -> bool:
    values = hyper(facts, 0, **HYPER)
    return _has_second_moment(facts.rule) and values["lr"] > 0.0 and clear_end(facts.rule, values, PERIODS) is not None


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    steps = tuple(Step((Literal((one,)),)) for _ in range(PERIODS) for one in PERIOD)
    yield Script((Tensor((2,), facts.dtype, ZERO),), (Group((0,), hyper(facts, 0, **HYPER)),), steps)


def _check_side(evidence: Evidence) -> CheckOutcome:
    script, trajectory = evidence.script, evidence.trajectory
    periods = len(script.steps) // len(PERIOD)
    plain = script.steps == tuple(
        Step((Literal((one,)),) * len(script.tensors)) for _ in range(periods) for one in PERIOD
    )
    if not plain or not periods or trajectory.steps < len(script.steps):
        return CheckOutcome(0)
    compared = 0
    for tensor, item in enumerate(script.tensors):
        end = clear_end(evidence.rule, initial_hyper(script, tensor), periods) if item.initial == ZERO else None
        if end is None:
            continue
        values = np.asarray(trajectory.traces[tensor].theta[-1], np.float64)
        compared += values.size
        wrong_side = np.flatnonzero(values * end < 0.0)
        if wrong_side.size and not evidence.judgement.conforms:
            at, step = int(wrong_side[0]), trajectory.steps
            observed = float(values[at])
            message = f"theta={observed!r}, but should have the sign of {end!r}"
            radius = float(np.nextafter(abs(end), 0.0))  # so that 0 is the first number beyond it
            ratio = abs(observed - end) / radius
            breach = wrong_real(THETA, tensor, step, at, observed, end, message, radius=radius, ratio=ratio)
            return CheckOutcome(compared, (breach,))
    return CheckOutcome(compared)


REDDI_DIRECTION = Law(
    code="SC602",
    title="on Reddi's gradients parameters end on the rule's side",
    sentence="On Reddi's gradients 4, -1, -1, whose mean leads down, parameters end on the side of their start on "
    "which the rule's equations end: above if a second moment forgets, below if its maximum or its sum is kept.",
    source="Reddi, Kale & Kumar 2018, Theorem 1, https://arxiv.org/abs/1904.09237",
    since="0.2",
    applies=_ends_clearly,
    check=_check_side,
    condition="a state is proved to scale as squared gradients with weight beta2, and the rule's equations in 40 "
    "digits end clearly on one side",
    unit="reals",
    mathematics="""\
With beta1 = 0 and beta2 = 1/(1 + C**2) the large gradient C is divided by about C, and the two small ones after it by
far less: an average of squares has forgotten C by then. So Adam goes up by more than it went down, although the sum of
the gradients, C - 2 > 0, leads down; AMSGrad, whose maximum stays, goes down. No clamp is needed: the losses are
linear, so gradients do not depend on parameters.""",
    remedy="""\
Print the divisor in each step of a period. If the maximum decreases after the large gradient it is not kept; if it is
kept although the rule is Adam, it should not be.""",
    example="""\
class AmsgradForgetsTheMaximum(torch.optim.Optimizer):
    ...
    denominator = torch.maximum(v_max, v).sqrt() + eps   # v_max is never updated""",
    scripts=_scripts,
    theorem="reddi_adam_goes_up",
)
