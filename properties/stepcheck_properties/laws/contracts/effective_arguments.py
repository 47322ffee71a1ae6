"""Effective arguments: every hyper-parameter that is accepted has the effect that the rule gives it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import CURVATURE, drawn, hyper, initial_hyper
from stepcheck_properties.strategies.hyper_parameters import contains, domains_of, typical_values
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Group, Quadratic, Script, Step, Tensor
from stepcheck_reference.scripts.trajectory import Trace

STEPS, WIDTH = 8, 16

FAR_APART = {
    "lr": (1.0, 0.25),
    "beta1": (0.5, 0.95),
    "beta2": (0.99, 0.9),
    "eps": (1.0, 0.25),
    "eps_root": (1.0, 0.25),
    "weight_decay": (0.5, 0.125),
    "momentum_decay": (1.0, 0.25),
    "lr_decay": (1.0, 0.25),
    "initial_accumulator": (1.0, 0.25),
    "eta_minus": (0.25, 0.75),
    "eta_plus": (2.0, 1.25),
    "step_min": (0.0625, 0.25),
    "step_max": (0.5, 1.0),
    "lambd": (0.125, 0.5),
    "alpha": (0.5, 1.0),
    "t0": (0.0, 1.0),
}
"""Two values of well-known symbols that are far apart, and at which all other symbols keep their effect."""


def _accepts_any(facts: Facts) -> bool:
    return bool(_free(facts))


def _free(facts: Facts) -> list[str]:
    """Return the hyper-parameters that the subject accepts and that vary in the cell."""
    return [name for name in domains_of(facts.rule) if name in facts.accepted_hyper and name not in facts.fixed_hyper]


def values_far_apart(facts: Facts, name: str) -> tuple[float, float]:
    """Return two values of ``name`` that are far apart; of an unknown symbol, two in its domain."""
    domain = domains_of(facts.rule)[name]
    one, other = FAR_APART.get(name, (0.5, 0.75))
    if contains(domain, one) and contains(domain, other):
        return one, other
    values = typical_values(name, domain)
    return values[0], values[-1]


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    first = {**hyper(facts), **{name: values_far_apart(facts, name)[0] for name in _free(facts)}}
    others = [{**first, name: values_far_apart(facts, name)[1]} for name in _free(facts)]
    tensor = Tensor((WIDTH,), facts.dtype, drawn(seed, "normal", "live"))
    groups = tuple(Group((index,), values) for index, values in enumerate((first, *others)))
    yield Script(
        (tensor,) * len(groups),
        groups,
        tuple(Step((drawn(seed, "normal", "live", number),) * len(groups)) for number in range(STEPS)),
        Quadratic(CURVATURE) if needs_objective(facts.rule) else None,
    )


def _check_effect(evidence: Evidence) -> CheckOutcome:
    script, trajectory = evidence.script, evidence.trajectory
    compared, equal = 0, list[tuple[str, int, int]]()
    for one, other in combinations(range(len(script.tensors)), 2):
        first, second = initial_hyper(script, one), initial_hyper(script, other)
        differing = [name for name in first if first[name] != second.get(name)]
        if len(differing) != 1 or not _differ_in_hyper_alone(script, one, other):
            continue
        compared += 1
        if _are_equal(trajectory.traces[one], trajectory.traces[other]):
            equal.append((differing[0], one, other))
    if not equal or not trajectory.steps or evidence.judgement.conforms:
        return CheckOutcome(compared)
    worst = max(evidence.judgement.breaks, key=lambda deviation: deviation.ratio, default=None)
    name, one, other = equal[0]
    values = [initial_hyper(script, index)[name] for index in (one, other)]
    message = f"{name}={values[0]!r} and {name}={values[1]!r} have the same effect, but should differ as in the rule"
    if worst is None:
        return CheckOutcome(compared, (Breach(name, other, trajectory.steps, float("inf"), message),))
    message += f": {worst.output}={worst.observed!r}, but should be {worst.expected!r}"
    return CheckOutcome(compared, (Breach(worst.output, worst.tensor, worst.step, worst.ratio, message, worst),))


def _differ_in_hyper_alone(script: Script, one: int, other: int) -> bool:
    """Whether two tensors have equal values and gradients, and no events."""
    eventless = not any(step.hyper or step.overwrite or step.reload for step in script.steps)
    same_gradients = all(step.gradients[one] == step.gradients[other] for step in script.steps)
    return eventless and same_gradients and script.tensors[one] == script.tensors[other]


def _are_equal(one: Trace, other: Trace) -> bool:
    """Whether two tensors and their states were equal after every step."""
    pairs = [(one.theta, other.theta), *((rows, other.states[name]) for name, rows in one.states.items())]
    return all(np.array_equal(left, right, equal_nan=True) for left, right in pairs)


EFFECTIVE_HYPER_PARAMETERS = Law(
    code="SC215",
    title="every hyper-parameter has its effect",
    sentence="Two tensors that differ in one hyper-parameter alone diverge, in a bit of the parameters or states, "
    "unless both stay inside their envelopes.",
    source="the rule's own equations; torch.optim.Optimizer, parameter groups",
    since="0.2",
    applies=_accepts_any,
    check=_check_effect,
    condition="the subject accepts a hyper-parameter of the rule that varies in the cell",
    unit="pairs",
    mathematics="""\
Tensors with equal values and gradients are in groups that differ in one hyper-parameter each, by so much that their
envelopes are disjoint. Two of them that are bitwise identical at every step cannot both be inside: the hyper-parameter
is not read, or not read from the group.""",
    remedy="""\
Follow the hyper-parameter from the constructor to the equation. It may be stored and never used, used in one branch
only, replaced by a constant, or read from self.defaults, which holds the constructor's arguments even where the group
has another value.""",
    example="""\
class ReadsTheDefaults(torch.optim.Optimizer):
    ...
    eps = self.defaults["eps"]                           # group["eps"] may differ""",
    scripts=_scripts,
)
