"""Acceleration: with momentum that rises to 1, Nesterov's method gets closer than gradient descent can."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.convex_quadratics import (
    Schedule,
    check_distances,
    descent,
    hyper_per_step_size,
    is_precise,
    largest_distance,
)
from stepcheck_properties.scripts.exact_scripts import PLAIN_HYPER
from stepcheck_properties.scripts.quadratic_traces import is_linear
from stepcheck_reference.alphabet import momentum
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Script

LARGEST_SHARE = 0.75
"""The share of the bound that the exact trace may reach; the rest is left for rounding."""
PLAIN = {name: value for name, value in PLAIN_HYPER.items() if name not in ("lr", "momentum")}


def schedule(rule: Rule) -> Schedule:
    """Return the momentum of each step: the textbook's for a rule that looks ahead, one that is never 0 for others."""
    if needs_objective(rule):
        return lambda step: max(0.0, (step - 2) / (step + 1))
    return lambda step: step / (step + 3)


def distance_bound(step: int, step_size: float) -> float:
    """Return the largest distance from the minimum after ``step`` steps, in units of the initial distance."""
    return 2.0 / (math.sqrt(step_size) * (step + 1))


def _hypers(facts: Facts) -> list[dict[str, float]]:
    return hyper_per_step_size(facts, **PLAIN, momentum=schedule(facts.rule)(1))


def _accelerates(facts: Facts) -> bool:
    rule, unchangeable = facts.rule, {*facts.fixed_hyper, *facts.constant_hyper}
    if momentum not in rule.hyper or unchangeable & {"lr", "momentum"} or not is_precise(facts.dtype):
        return False
    return all(_stays_below_bound(rule, tuple(values.items())) for values in _hypers(facts))


@lru_cache(maxsize=256)
def _stays_below_bound(rule: Rule, values: tuple[tuple[str, float], ...]) -> bool:
    return is_linear(rule) and largest_distance(rule, dict(values), distance_bound, schedule(rule)) <= LARGEST_SHARE


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield descent(facts, seed, _hypers(facts), schedule(facts.rule))


def _check_bound(evidence: Evidence) -> CheckOutcome:
    factors = schedule(evidence.rule)

    def scheduled(script: Script) -> bool:
        """Whether momentum alone changes, by the schedule, and all other hyper-parameters are plain."""
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

    return check_distances(evidence, distance_bound, applies=scheduled)


NESTEROV_BOUND = Law(
    code="SC604",
    title="rising momentum meets Nesterov's bound on convex quadratics",
    sentence="On a convex quadratic whose curvature is at most 1/lr, with a momentum that rises as in Nesterov's "
    "method, the objective after t steps exceeds its minimum by at most 2*|theta_0 - best|**2/(lr*(t + 1)**2).",
    source="Nesterov 1983; Beck & Teboulle 2009, Theorem 4.4, https://doi.org/10.1137/080716542",
    since="0.2",
    applies=_accelerates,
    check=_check_bound,
    condition="the rule is linear and has a momentum, and its exact traces for this schedule and these rates stay "
    "below 3/4 of the bound; lr and momentum can be set, and the dtype has 24 bits of precision or more",
    unit="reals",
    mathematics="""\
A rule that looks ahead takes the gradient at a point of its own and has the textbook's momentum, (t - 2)/(t + 1) at
step t; the bound is then a theorem for every convex function. Other rules get the gradient at the parameter, and t/(t +
3), which is never 0. Torch's form is another method while momentum changes, and so is the heavy ball: for these the
exact traces are computed in fractions, for lr*curvature of 1, 0.15 and 1/64 and 48 steps, and the law applies if they
stay below 3/4 of the bound. It is checked for each element: |theta_t - best| <= 2*|theta_0 -
best|/(sqrt(lr*curvature)*(t + 1)). A quarter of that is more than 0.01 of the initial distance, whereas 48 steps of 24
bits, each rounded by at most 2**-21 and amplified by momentum up to 24-fold, amount to 6e-4. Gradient descent ends at
1.4 times the bound for lr*curvature = 1/64: a momentum that does not rise cannot meet it.""",
    remedy="""\
Look for a momentum that is read once and not in every step, for one that is applied to the gradient of another step, or
for a buffer that averages instead of adding up.""",
    example="""\
class NesterovKeepsMomentum(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum):
        self.momentum = momentum                         # what a scheduler writes to the group is not seen""",
    scripts=_scripts,
    theorem="nesterov_bound",
)
