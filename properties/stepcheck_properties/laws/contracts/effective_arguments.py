"""Liveness: every hyper-parameter that is accepted has the effect that the rule gives it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import CURVATURE, drawn, hyper
from stepcheck_properties.strategies.hyper_parameters import contains, domains_of, typical_values
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Group, Quadratic, Script, Step, Tensor
from stepcheck_reference.scripts.trajectory import Trace

STEPS, WIDTH = 8, 16

APART = {
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
"""Two values of well-known symbols that are far apart, and at which the others keep their effect."""


def _has_any(facts: Facts) -> bool:
    return bool(_free(facts))


def _free(facts: Facts) -> list[str]:
    """Return the hyper-parameters that the subject takes and that vary in the cell."""
    return [name for name in domains_of(facts.rule) if name in facts.accepted_hyper and name not in facts.fixed_hyper]


def values_apart(facts: Facts, name: str) -> tuple[float, float]:
    """Return two values of ``name``, far apart; of one that nobody knows, two that its domain holds."""
    domain = domains_of(facts.rule)[name]
    one, other = APART.get(name, (0.5, 0.75))
    if contains(domain, one) and contains(domain, other):
        return one, other
    values = typical_values(name, domain)
    return values[0], values[-1]


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    first = {**hyper(facts), **{name: values_apart(facts, name)[0] for name in _free(facts)}}
    others = [{**first, name: values_apart(facts, name)[1]} for name in _free(facts)]
    tensor = Tensor((WIDTH,), facts.dtype, drawn(seed, "normal", "live"))
    groups = tuple(Group((index,), values) for index, values in enumerate((first, *others)))
    yield Script(
        (tensor,) * len(groups),
        groups,
        tuple(Step((drawn(seed, "normal", "live", number),) * len(groups)) for number in range(STEPS)),
        Quadratic(CURVATURE) if needs_objective(facts.rule) else None,
    )


def _part(evidence: Evidence) -> CheckOutcome:
    script, trajectory = evidence.script, evidence.trajectory
    group_of = {index: number for number, group in enumerate(script.groups) for index in group.tensors}
    compared, dead = 0, list[tuple[str, int, int]]()
    for one, other in combinations(range(len(script.tensors)), 2):
        first, second = (script.groups[group_of[index]].hyper for index in (one, other))
        differing = [name for name in first if first[name] != second.get(name)]
        if len(differing) != 1 or not _are_given_the_same(script, one, other):
            continue
        compared += 1
        if _went_together(trajectory.traces[one], trajectory.traces[other]):
            dead.append((differing[0], one, other))
    if not dead or not trajectory.steps or evidence.judgement.conforms:
        return CheckOutcome(compared)
    worst = max(evidence.judgement.breaks, key=lambda deviation: deviation.ratio, default=None)
    name, one, other = dead[0]
    values = [script.groups[group_of[index]].hyper[name] for index in (one, other)]
    told = f"{name}={values[0]!r} and {name}={values[1]!r} come to the same, but should come to what the rule has"
    if worst is None:
        return CheckOutcome(compared, (Breach(name, other, trajectory.steps, float("inf"), told),))
    told += f": {worst.output}={worst.observed!r}, but should be {worst.expected!r}"
    return CheckOutcome(compared, (Breach(worst.output, worst.tensor, worst.step, worst.ratio, told, worst),))


def _are_given_the_same(script: Script, one: int, other: int) -> bool:
    """Whether nothing but hyper-parameters tells two tensors apart."""
    alone = not any(step.hyper or step.overwrite or step.reload for step in script.steps)
    alike = all(step.gradients[one] == step.gradients[other] for step in script.steps)
    return alone and alike and script.tensors[one] == script.tensors[other]


def _went_together(one: Trace, other: Trace) -> bool:
    """Whether two tensors, and what is held for them, were equal after every step."""
    pairs = [(one.theta, other.theta), *((rows, other.states[name]) for name, rows in one.states.items())]
    return all(np.array_equal(ours, theirs, equal_nan=True) for ours, theirs in pairs)


EFFECTIVE_HYPER_PARAMETERS = Law(
    code="SC215",
    title="every hyper-parameter has an effect where the rule gives it one",
    sentence="Two tensors that differ in one hyper-parameter alone part, in a bit of themselves or of their states, "
    "unless "
    "both keep to their envelopes.",
    source="the rule's own equations; torch.optim.Optimizer, parameter groups",
    since="0.2",
    applies=_has_any,
    check=_part,
    condition="the subject takes a hyper-parameter of the rule that varies in the cell",
    unit="pairs",
    mathematics="""\
Tensors with equal values and gradients stand in groups that differ in one hyper-parameter each, by so much that their
envelopes part. Two that come to the same bits in everything, at every step, cannot both keep to envelopes that do not
meet: the hyper-parameter is not read, or not read from the group.""",
    remedy="""\
Follow the hyper-parameter from the constructor into the equation. It may be stored and never used, used in one branch
only, overwritten by a constant, or read from self.defaults, which holds what the constructor was given, where the group
has a value of its own.""",
    example="""\
class ReadsTheDefaults(torch.optim.Optimizer):
    ...
    eps = self.defaults["eps"]                           # group["eps"] may be another""",
    scripts=_scripts,
)
