"""Proportion: a learning rate of 0 moves nothing, and any other is a factor of the step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Integer, Symbol, sympify

from stepcheck_properties.compare.equivalence import divergence
from stepcheck_properties.compare.unchanged import is_guarded, unchanged
from stepcheck_properties.law import Breach, CheckOutcome, Counterpart, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ZERO, quiet
from stepcheck_properties.strategies.hyper_parameters import contains, domains_of
from stepcheck_reference.algebra.history import unwrapped
from stepcheck_reference.alphabet import lr, theta
from stepcheck_reference.facts import is_linear_in_rate
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Script

RATE = "lr"
PART = 2.0**-4
"""What a learning rate is multiplied by: a power of 2, so that nothing is rounded otherwise."""


def _varies(facts: Facts) -> bool:
    return RATE in domains_of(facts.rule) and RATE in facts.accepted_hyper and RATE not in facts.fixed_hyper


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield quiet(facts, seed)


@lru_cache(maxsize=1024)
def is_still_at_no_rate(rule: Rule) -> bool:
    """Whether a learning rate that has been 0 from the first step on moves nothing."""
    if lr not in rule.hyper or needs_objective(rule):
        return False
    zero = {lr: Integer(0)}
    new = {symbol: unwrapped(equation).xreplace(zero) for symbol, equation in rule.step.items()}
    start: dict[Symbol, Expr] = {
        state: sympify(value).xreplace(zero)
        for state, value in {**rule.init, **rule.scalars}.items()
        if sympify(value).has(lr) or value == 0
    }
    while lost := [state for state, value in start.items() if new[state].xreplace(start) != value]:
        start = {state: value for state, value in start.items() if state not in lost}
    return bool(new[theta].xreplace(start) == theta)


def _stands(facts: Facts) -> bool:
    return _varies(facts) and contains(facts.rule.domains[lr], 0.0) and is_still_at_no_rate(facts.rule)


def _at_no_rate(evidence: Evidence) -> CheckOutcome:
    script, steps = evidence.script, evidence.trajectory.steps
    held: dict[int, NDArray[np.bool_]] = {}
    for number, group in enumerate(script.groups):
        zero = np.array([script.hyper_at(step + 1)[number].get(RATE) == 0.0 for step in range(steps)], np.bool_)
        for index in group.tensors:
            tensor = script.tensors[index]
            if steps and is_guarded(group.hyper, tensor.dtype):
                still = np.logical_and.accumulate(zero)[:, None]
                held[index] = np.broadcast_to(still, (steps, tensor.size))
    return unchanged(evidence, held, "a parameter whose learning rate was 0")


ZERO_LEARNING_RATE = Law(
    code="SC213",
    title="a learning rate of 0 moves nothing",
    sentence="A parameter whose learning rate has been 0 from the first step on stays where it is.",
    source="the rule's own equations at lr = 0; warm-ups that start from 0 (torch.optim.lr_scheduler.LambdaLR)",
    since="0.2",
    applies=_stands,
    check=_at_no_rate,
    condition="the rule moves nothing then, as SymPy shows, and lr varies in the cell",
    unit="reals",
    mathematics="""\
Where lr is a factor of the step, theta - 0 * direction is theta, exactly, as long as the direction is finite. Rules
whose steps are clamped from below, as Rprop's, move all the same and are not asked.""",
    remedy="""\
Multiply by lr, and divide by nothing that lr is a factor of: at lr = 0 the quotient is 0/0 where a gradient is 0. Leave
rates alone that look too small; a floor under lr breaks every warm-up and every frozen group.""",
    example="""\
class FloorsTheRate(torch.optim.Optimizer):
    ...
    lr = max(group["lr"], 1e-8)                          # lr = 0 freezes a group""",
    scripts=_scripts,
)


def _is_proportional(facts: Facts) -> bool:
    return _varies(facts) and not needs_objective(facts.rule) and is_linear_in_rate(facts.rule) is True


def _at_part(script: Script, facts: Facts) -> ReferenceRun | None:
    if not _from_zero(script):
        return None
    groups = tuple(replace(group, hyper={**group.hyper, RATE: PART * group.hyper[RATE]}) for group in script.groups)
    return ReferenceRun(replace(script, groups=groups, steps=script.steps[:1]))


def _from_zero(script: Script) -> list[int]:
    """Return the tensors that start from 0 and have a gradient, and a learning rate, in the first step."""
    moved = [index for group in script.groups if group.hyper.get(RATE, 0.0) > 0.0 for index in group.tensors]
    plain = bool(script.steps) and not (script.steps[0].hyper or script.steps[0].overwrite or script.steps[0].skip)
    return [
        index
        for index in moved
        if plain and script.tensors[index].initial == ZERO and script.steps[0].gradients[index] is not None
    ]


def _in_proportion(evidence: Evidence) -> CheckOutcome:
    assert evidence.reference is not None
    first, second = evidence.trajectory, evidence.reference.trajectory
    if not first.steps or not second.steps:
        return CheckOutcome(0)
    compared, breaches = 0, list[Breach]()
    for index in _from_zero(evidence.script):
        ours, theirs = first.traces[index].theta[0], second.traces[index].theta[0] / PART
        compared += int(ours.size)
        apart = ours != theirs
        if apart.any() and not breaches:
            at = int(np.flatnonzero(apart)[0])
            what = f"{1 / PART:g} times the step at {PART:g} of the learning rate"
            there = Counterpart(index, 1, at, 1 / PART)
            breaches.append(divergence("theta", index, 1, at, float(ours[at]), float(theirs[at]), what, there))
    return CheckOutcome(compared, tuple(breaches))


STEP_PROPORTIONAL_TO_LR = Law(
    code="SC214",
    title="a step is proportional to the learning rate",
    sentence="The first step from 0 at a sixteenth of the learning rate is a sixteenth of the step, bit by bit.",
    source="the rule's own equations: lr is a factor of the step; IEEE 754-2019: scaling by 2**k is exact",
    since="0.2",
    applies=_is_proportional,
    check=_in_proportion,
    condition="steps are proportional to a learning rate that stays, as SymPy shows, and lr varies in the cell",
    unit="reals",
    mathematics="""\
From theta = 0 nothing is added to the step, and a decay has nothing to pull at. A product or quotient with 2**-4 in one
factor is the same number with another exponent, so that every rounding is the same, far from underflow: gradients are 1
and -1, and eps is 1/64.""",
    remedy="""\
Look for a bound on lr or on the step, for an lr that is rounded in fixed point or added to something, and for a branch
that asks how large it is.""",
    example="""\
class BoundsTheRate(torch.optim.Optimizer):
    ...
    p.sub_(min(lr, 0.05) * p.grad)                       # beyond 0.05 nothing changes""",
    scripts=_scripts,
    reference=_at_part,
)
