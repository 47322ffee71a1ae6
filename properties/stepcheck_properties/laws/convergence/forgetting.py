"""Forgetting: Reddi's gradients lead a rule away whose second moment forgets, and not one that keeps its maximum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np
from sympy import Integer, Rational

from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import hyper
from stepcheck_properties.scripts.from_zero import ZERO, group_of
from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.alphabet import beta2, theta
from stepcheck_reference.facts import homogeneity
from stepcheck_reference.oracle.judgement import Deviation
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

THETA = "theta"

LARGE = 4.0
PERIOD = (LARGE, -1.0, -1.0)
"""Gradients whose mean leads down."""

PERIODS = 4
WANTED = {"lr": 0.0625, "beta1": 0.0, "beta2": 1.0 / (1.0 + LARGE**2), "momentum_decay": 0.0, "weight_decay": 0.0}
DIGITS = 40
CLEAR = 0.25
"""How many learning rates from where it started a parameter has to end for the side to be beyond doubt."""


@lru_cache(maxsize=256)
def _end(rule: Rule, values: tuple[tuple[str, float], ...], periods: int) -> float:
    """Return where the rule ends that starts at 0."""
    known = dict(values)
    exact = {symbol: Rational(known[str(symbol)]) for symbol in rule.hyper}
    gradients = [Rational(one) for _ in range(periods) for one in PERIOD]
    return float(iterate(rule, exact, Integer(0), gradients, digits=DIGITS)[-1][theta])


def led(rule: Rule, values: Mapping[str, float], periods: int) -> float | None:
    """Return where the rule ends, None where that is too near to where it started."""
    names = {str(symbol) for symbol in rule.hyper}
    chosen = tuple((name, value) for name, value in values.items() if name in names)
    end = _end(rule, chosen, periods)
    return end if abs(end) > CLEAR * values["lr"] else None


def _squares(rule: Rule) -> bool:
    """Whether the rule divides by the root of a state that scales as squared gradients, of weight beta2."""
    scaling = homogeneity(rule)
    return scaling is not None and any(
        degree == 2 and beta2 in rule.step[state].free_symbols for state, degree in scaling.states.items()
    )


def _leads(facts: Facts) -> bool:
    values = hyper(facts, 0, **WANTED)
    return _squares(facts.rule) and values["lr"] > 0.0 and led(facts.rule, values, PERIODS) is not None


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    steps = tuple(Step((Literal((one,)),)) for _ in range(PERIODS) for one in PERIOD)
    yield Script((Tensor((2,), facts.dtype, ZERO),), (Group((0,), hyper(facts, 0, **WANTED)),), steps)


def _is_led(evidence: Evidence) -> CheckOutcome:
    script, trajectory = evidence.script, evidence.trajectory
    periods = len(script.steps) // len(PERIOD)
    plain = script.steps == tuple(
        Step((Literal((one,)),) * len(script.tensors)) for _ in range(periods) for one in PERIOD
    )
    if not plain or not periods or trajectory.steps < len(script.steps):
        return CheckOutcome(0)
    compared = 0
    for tensor, item in enumerate(script.tensors):
        end = led(evidence.rule, group_of(script, tensor), periods) if item.initial == ZERO else None
        if end is None:
            continue
        held = np.asarray(trajectory.traces[tensor].theta[-1], np.float64)
        compared += held.size
        away = np.flatnonzero(held * end < 0.0)
        if away.size and not evidence.judgement.conforms:
            at, step = int(away[0]), trajectory.steps
            ours = float(held[at])
            told = f"theta={ours!r}, but should be on the side of {end!r}"
            radius = float(np.nextafter(abs(end), 0.0))
            deviation = Deviation(THETA, tensor, step, at, ours, end, radius, abs(ours - end) / radius, {})
            return CheckOutcome(compared, (Breach(THETA, tensor, step, deviation.ratio, told, deviation),))
    return CheckOutcome(compared)


REDDI_DIRECTION = Law(
    code="SC602",
    title="Reddi's gradients lead where the rule's memory of squares says",
    sentence="On Reddi's gradients 4, -1, -1, whose mean leads down, parameters end on the side of their start "
    "where the rule's equations do: above it if a second moment forgets, below it if its maximum or its sum is "
    "kept.",
    source="Reddi, Kale & Kumar 2018, Theorem 1, https://arxiv.org/abs/1904.09237",
    since="0.2",
    applies=_leads,
    check=_is_led,
    condition="a state is proved to scale as squared gradients with weight beta2, and the rule's equations in 40 "
    "digits end clearly on one side",
    unit="reals",
    mathematics="""\
With beta1 = 0 and beta2 = 1/(1 + C**2) the large gradient C is divided by about C, and the two small ones after it
by far less: an average of squares has forgotten C by then. So Adam goes up by more than it went down, although the
sum of the gradients, C - 2 > 0, leads down; AMSGrad, whose maximum stays, goes down. No clamp is needed to see it:
the losses are linear, and gradients do not depend on where parameters are.""",
    remedy="""\
Print the divisor at each step of a period. If the maximum falls back after the large gradient it is not kept; if it
is kept where the rule is Adam, it should not be.""",
    example="""\
class AmsgradForgetsTheMaximum(torch.optim.Optimizer):
    ...
    denominator = torch.maximum(v_max, v).sqrt() + eps   # and v_max is never written""",
    scripts=_scripts,
    theorem="reddi_adam_goes_up",
)
