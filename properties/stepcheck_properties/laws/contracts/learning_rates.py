"""Learning rates: a rate of 0 moves nothing, and any other is a factor of the step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Integer, Symbol, sympify

from stepcheck_properties.compare.breaches import divergence
from stepcheck_properties.compare.unchanged import has_representable_eps, unchanged
from stepcheck_properties.law import THETA, Breach, CheckOutcome, Counterpart, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.laws.conditions import accepts_lr
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ZERO, resting
from stepcheck_properties.strategies.hyper_parameters import contains
from stepcheck_reference.algebra.history import unwrapped
from stepcheck_reference.alphabet import lr, theta
from stepcheck_reference.facts import is_linear_in_rate
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Script

FRACTION = 2.0**-4
"""The factor of the learning rate in the reference run: a power of two, so that every rounding is the same."""


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield resting(facts, seed)


@lru_cache(maxsize=1024)
def is_unmoved_at_zero_lr(rule: Rule) -> bool:
    """Whether parameters do not change while the learning rate has been 0 from the first step on."""
    if lr not in rule.hyper or needs_objective(rule):
        return False
    zero = {lr: Integer(0)}
    new = {symbol: unwrapped(equation).xreplace(zero) for symbol, equation in rule.step.items()}
    start: dict[Symbol, Expr] = {
        state: sympify(value).xreplace(zero)
        for state, value in {**rule.init, **rule.scalars}.items()
        if sympify(value).has(lr) or value == 0
    }
    # The largest set of states that keep their initial value, by leaving out those that do not.
    while changing := [state for state, value in start.items() if new[state].xreplace(start) != value]:
        start = {state: value for state, value in start.items() if state not in changing}
    return bool(new[theta].xreplace(start) == theta)


def _has_zero_lr(facts: Facts) -> bool:
    return accepts_lr(facts) and contains(facts.rule.domains[lr], 0.0) and is_unmoved_at_zero_lr(facts.rule)


def _check_zero_lr(evidence: Evidence) -> CheckOutcome:
    script, steps = evidence.script, evidence.trajectory.steps
    masks: dict[int, NDArray[np.bool_]] = {}
    for number, group in enumerate(script.groups):
        zero = np.array([script.hyper_at(step + 1)[number].get("lr") == 0.0 for step in range(steps)], np.bool_)
        for index in group.tensors:
            tensor = script.tensors[index]
            if steps and has_representable_eps(group.hyper, tensor.dtype):
                zero_so_far = np.logical_and.accumulate(zero)[:, None]
                masks[index] = np.broadcast_to(zero_so_far, (steps, tensor.size))
    return unchanged(evidence, masks, "its learning rate was 0")


ZERO_LEARNING_RATE = Law(
    code="SC213",
    title="a learning rate of 0 leaves parameters unchanged",
    sentence="A parameter whose learning rate has been 0 from the first step on does not change.",
    source="the rule's own equations at lr = 0; warm-ups that start from 0 (torch.optim.lr_scheduler.LambdaLR)",
    since="0.2",
    applies=_has_zero_lr,
    check=_check_zero_lr,
    condition="SymPy shows that the rule then leaves theta unchanged, and lr varies in the cell",
    unit="reals",
    mathematics="""\
If lr is a factor of the step, theta - 0 * direction is exactly theta as long as the direction is finite. The law does
not apply to rules whose step sizes are clamped from below, such as Rprop: they move all the same.""",
    remedy="""\
Multiply by lr, and do not divide by anything that has lr as a factor: at lr = 0 the quotient is 0/0 where a gradient is
0. Do not replace learning rates that look too small; a floor for lr breaks every warm-up and every frozen group.""",
    example="""\
class FloorsTheRate(torch.optim.Optimizer):
    ...
    lr = max(group["lr"], 1e-8)                          # lr = 0 freezes a group""",
    scripts=_scripts,
)


def _is_proportional(facts: Facts) -> bool:
    return accepts_lr(facts) and not needs_objective(facts.rule) and is_linear_in_rate(facts.rule) is True


def _at_a_fraction(script: Script, facts: Facts) -> ReferenceRun | None:
    if not _first_steps_from_zero(script):
        return None
    groups = tuple(replace(group, hyper={**group.hyper, "lr": FRACTION * group.hyper["lr"]}) for group in script.groups)
    return ReferenceRun(replace(script, groups=groups, steps=script.steps[:1]))


def _first_steps_from_zero(script: Script) -> list[int]:
    """Return the tensors that start from 0 and have a gradient, and a positive learning rate, in the first step."""
    with_rate = [index for group in script.groups if group.hyper.get("lr", 0.0) > 0.0 for index in group.tensors]
    plain = bool(script.steps) and not (script.steps[0].hyper or script.steps[0].overwrite or script.steps[0].skip)
    return [
        index
        for index in with_rate
        if plain and script.tensors[index].initial == ZERO and script.steps[0].gradients[index] is not None
    ]


def _check_proportion(evidence: Evidence) -> CheckOutcome:
    assert evidence.reference is not None
    first, second = evidence.trajectory, evidence.reference.trajectory
    if not first.steps or not second.steps:
        return CheckOutcome(0)
    compared, breaches = 0, list[Breach]()
    for index in _first_steps_from_zero(evidence.script):
        observed, expected = first.traces[index].theta[0], second.traces[index].theta[0] / FRACTION
        compared += int(observed.size)
        differs = observed != expected
        if differs.any() and not breaches:
            at = int(np.flatnonzero(differs)[0])
            other = f"{1 / FRACTION:g} times the step at {FRACTION:g} of the learning rate"
            counterpart = Counterpart(index, 1, at, 1 / FRACTION)
            pair = float(observed[at]), float(expected[at])
            breaches.append(divergence(THETA, index, 1, at, *pair, other, counterpart))
    return CheckOutcome(compared, tuple(breaches))


STEP_PROPORTIONAL_TO_LR = Law(
    code="SC214",
    title="a step is proportional to the learning rate",
    sentence="The first step from 0 at a sixteenth of the learning rate is bitwise a sixteenth of the step at the full "
    "rate.",
    source="the rule's own equations: lr is a factor of the step; IEEE 754-2019: scaling by 2**k is exact",
    since="0.2",
    applies=_is_proportional,
    check=_check_proportion,
    condition="SymPy shows that steps are proportional to a constant learning rate, and lr varies in the cell",
    unit="reals",
    mathematics="""\
From theta = 0 nothing is added to the step, and a decay is 0. A product or quotient with a factor multiplied by 2**-4
is the same number with another exponent, so every rounding is the same as long as nothing underflows: gradients are 1
and -1, and eps is 1/64.""",
    remedy="""\
Look for a bound on lr or on the step, for an lr that is rounded in fixed point or added to something, and for a branch
that depends on its size.""",
    example="""\
class BoundsTheRate(torch.optim.Optimizer):
    ...
    p.sub_(min(lr, 0.05) * p.grad)                       # above 0.05 lr has no effect""",
    scripts=_scripts,
    reference=_at_a_fraction,
)
