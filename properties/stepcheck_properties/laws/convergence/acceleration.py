"""Accelerating: with a momentum that rises to 1, Nesterov's method comes nearer than gradient descent can."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.convex_quadratics import Schedule, choices, descent, farthest, is_wide, within
from stepcheck_properties.scripts.exact_scripts import NOTHING
from stepcheck_properties.scripts.quadratic_traces import is_linear
from stepcheck_reference.alphabet import momentum
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Script

SPARE = 0.75
"""The most of the bound, in distance, that the exact course may take; what is left is for rounding."""
PLAIN = {name: value for name, value in NOTHING.items() if name not in ("lr", "momentum")}


def schedule(rule: Rule) -> Schedule:
    """Return the momentum at each step: the textbook's where a rule looks ahead, one that is never 0 elsewhere."""
    if needs_objective(rule):
        return lambda step: max(0.0, (step - 2) / (step + 1))
    return lambda step: step / (step + 3)


def reach(step: int, room: float) -> float:
    """Return how far from the lowest point ``step`` steps lead at most, in units of how far it was at first."""
    return 2.0 / (math.sqrt(room) * (step + 1))


def _choices(facts: Facts) -> list[dict[str, float]]:
    return choices(facts, **PLAIN, momentum=schedule(facts.rule)(1))


def _accelerates(facts: Facts) -> bool:
    rule, still = facts.rule, {*facts.fixed_hyper, *facts.constant_hyper}
    if momentum not in rule.hyper or still & {"lr", "momentum"} or not is_wide(facts.dtype):
        return False
    return all(_leaves_room(rule, tuple(values.items())) for values in _choices(facts))


@lru_cache(maxsize=256)
def _leaves_room(rule: Rule, values: tuple[tuple[str, float], ...]) -> bool:
    return is_linear(rule) and farthest(rule, dict(values), reach, schedule(rule)) <= SPARE


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield descent(facts, seed, _choices(facts), schedule(facts.rule))


def _is_near(evidence: Evidence) -> CheckOutcome:
    factors = schedule(evidence.rule)

    def scheduled(script: Script) -> bool:
        """Whether momentum alone changes, as it should, and what is not set is plain."""
        names = {str(symbol) for symbol in evidence.rule.hyper} & PLAIN.keys()
        if not all(group.hyper.get(name) == PLAIN[name] for group in script.groups for name in names):
            return False
        now = [group.hyper["momentum"] for group in script.groups]
        for number, step in enumerate(script.steps, 1):
            for group, name, value in step.hyper:
                if name != "momentum":
                    return False
                now[group] = value
            if any(value != factors(number) for value in now):
                return False
        return True

    return within(evidence, reach, follows=scheduled)


NESTEROV_BOUND = Law(
    code="SC604",
    title="rising momentum meets Nesterov's bound on convex quadratics",
    sentence="On a convex quadratic whose curvature is at most 1/lr, a momentum that rises as Nesterov's leaves the "
    "value after t steps at most 2*|theta_0 - best|**2/(lr*(t + 1)**2) above the least.",
    source="Nesterov 1983; Beck & Teboulle 2009, Theorem 4.4, https://doi.org/10.1137/080716542",
    since="0.2",
    applies=_accelerates,
    check=_is_near,
    condition="the rule is linear and has a momentum, whose exact courses at this schedule and these rates are "
    "computed to stay below 3/4 of the bound; lr and momentum are free, and the format has 24 bits or more",
    unit="reals",
    mathematics="""\
A rule that looks ahead asks for the gradient where it likes and has the textbook's momentum, (t - 2)/(t + 1) at step t;
the bound is then a theorem for every convex function. Others are given the gradient where the parameter stands, and
t/(t + 3), which is never 0. Torch's form is another method while momentum changes, and so is the heavy ball: of them
the exact courses are computed in fractions, for lr*curvature 1, 0.15 and 1/64 and 48 steps, and the law applies
where these stay below 3/4 of the bound. It is asked of each element: |theta_t - best| <= 2*|theta_0 -
best|/(sqrt(lr*curvature)*(t + 1)). A quarter of that is more than 0.01 of the first distance, where 48 steps of 24
bits, each rounded by 2**-21 at most and carried on by momentum 24-fold, come to 6e-4. Gradient descent is at 1.4 times
the bound by the end, at lr*curvature = 1/64: a momentum that does not rise cannot meet it.""",
    remedy="""\
Look for a momentum that is read once and not at every step, that is applied to the gradient of another step, or a
buffer that averages instead of adding up.""",
    example="""\
class NesterovKeepsMomentum(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum):
        self.momentum = momentum                         # what a schedule writes into the group is not seen""",
    scripts=_scripts,
    theorem="nesterov_bound",
)
