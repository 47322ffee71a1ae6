"""Zero gradients: from the initial state they leave parameters unchanged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from sympy import Symbol

from stepcheck_properties.compare.unchanged import has_representable_eps, unchanged
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import DECAYS, resting
from stepcheck_properties.strategies.hyper_parameters import contains
from stepcheck_reference.facts import fixed, rest_factor
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Script


@lru_cache(maxsize=1024)
def rests_without_decay(rule: Rule) -> bool:
    """Whether zero gradients, from the initial state and without decay, leave parameters unchanged."""
    return not needs_objective(rule) and rest_factor(fixed(rule, _decays(rule))) == 1


def _decays(rule: Rule) -> dict[Symbol, int]:
    return {symbol: 0 for symbol in rule.hyper if symbol.name in DECAYS}


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield resting(facts, seed)


def _can_rest(facts: Facts) -> bool:
    return rests_without_decay(facts.rule) and all(
        facts.fixed_hyper.get(symbol.name, 0.0) == 0.0 and contains(facts.rule.domains[symbol], 0.0)
        for symbol in _decays(facts.rule)
    )


def _check_rest(evidence: Evidence) -> CheckOutcome:
    script, steps = evidence.script, evidence.trajectory.steps
    decays = [symbol.name for symbol in _decays(evidence.rule)]
    masks: dict[int, NDArray[np.bool_]] = {}
    for number, group in enumerate(script.groups):
        no_decay = np.array([_are_zero(script.hyper_at(step + 1)[number], decays) for step in range(steps)], np.bool_)
        for index in group.tensors:
            if steps and has_representable_eps(group.hyper, script.tensors[index].dtype):
                masks[index] = _zero_so_far(script, index, steps) & np.logical_and.accumulate(no_decay)[:, None]
    return unchanged(evidence, masks, "all its gradients were 0, without decay")


def _are_zero(hyper: Mapping[str, float], names: list[str]) -> bool:
    return all(hyper[name] == 0.0 for name in names)


def _zero_so_far(script: Script, index: int, steps: int) -> NDArray[np.bool_]:
    """Return which reals of a tensor have only had gradients of 0, after each step; shape (steps, size)."""
    tensor = script.tensors[index]
    rows = np.ones((steps, tensor.size), dtype=np.bool_)
    for number, step in enumerate(script.steps[:steps]):
        data = step.gradients[index]
        if data is not None:
            rows[number] = np.broadcast_to(expand(data, tensor.size, tensor.dtype), (tensor.size,)) == 0.0
    return np.asarray(np.logical_and.accumulate(rows, axis=0))


ZERO_GRADIENTS = Law(
    code="SC212",
    title="zero gradients leave parameters unchanged",
    sentence="An element whose gradients have all been 0 does not change, unless weight decay changes it.",
    source="the rule's own equations, at g = 0 and in the initial state",
    since="0.2",
    applies=_can_rest,
    check=_check_rest,
    condition="SymPy shows that the rule's step is then 0 without decay, and its decays can be 0",
    unit="reals",
    mathematics="""\
From the initial state and at g = 0 every average stays 0, and the step is 0 divided by something positive: eps, or the
initial value of an accumulator. So theta_t = theta, in any arithmetic that does not round eps to 0. With decoupled
decay theta_t is (1 - lr * weight_decay) * theta, which SC101 checks.""",
    remedy="""\
Print numerator and divisor of the step at g = 0. Without eps in the divisor the step is 0/0, which is nan; a sign
function that is 1 at 0, an eps that is added to the numerator, or noise make a step where there should be none.""",
    example="""\
class AddsEpsToBoth(torch.optim.Optimizer):
    ...
    p.sub_(lr * (m_hat + eps) / (v_hat.sqrt() + eps))    # moves by lr if m_hat and v_hat are 0""",
    scripts=_scripts,
)
