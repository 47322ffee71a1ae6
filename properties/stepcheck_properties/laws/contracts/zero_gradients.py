"""Rest: zero gradients from the start leave parameters where they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from sympy import Symbol

from stepcheck_properties.compare.unchanged import is_guarded, unchanged
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import DECAYS, quiet
from stepcheck_properties.strategies.hyper_parameters import contains
from stepcheck_reference.facts import fixed, rest_factor
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Script


@lru_cache(maxsize=1024)
def is_at_rest(rule: Rule) -> bool:
    """Whether zero gradients, from the initial state, leave parameters as they are where nothing decays."""
    return not needs_objective(rule) and rest_factor(fixed(rule, _decays(rule))) == 1


def _decays(rule: Rule) -> dict[Symbol, int]:
    return {symbol: 0 for symbol in rule.hyper if symbol.name in DECAYS}


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield quiet(facts, seed)


def _rests(facts: Facts) -> bool:
    return is_at_rest(facts.rule) and all(
        facts.fixed_hyper.get(symbol.name, 0.0) == 0.0 and contains(facts.rule.domains[symbol], 0.0)
        for symbol in _decays(facts.rule)
    )


def _at_rest(evidence: Evidence) -> CheckOutcome:
    script, steps = evidence.script, evidence.trajectory.steps
    names = [symbol.name for symbol in _decays(evidence.rule)]
    held: dict[int, NDArray[np.bool_]] = {}
    for number, group in enumerate(script.groups):
        quiet = np.array([_is_quiet(script.hyper_at(step + 1)[number], names) for step in range(steps)], np.bool_)
        for index in group.tensors:
            tensor = script.tensors[index]
            if steps and is_guarded(group.hyper, tensor.dtype):
                held[index] = _zero_so_far(script, index, steps) & np.logical_and.accumulate(quiet)[:, None]
    return unchanged(evidence, held, "a parameter whose gradients were 0, without decay,")


def _is_quiet(values: Mapping[str, float], names: list[str]) -> bool:
    return all(values[name] == 0.0 for name in names)


def _zero_so_far(script: Script, index: int, steps: int) -> NDArray[np.bool_]:
    """Return which reals of a tensor have had no gradient but 0, after each step; shape (steps, size)."""
    tensor = script.tensors[index]
    rows = np.ones((steps, tensor.size), dtype=np.bool_)
    for number, step in enumerate(script.steps[:steps]):
        data = step.gradients[index]
        if data is not None:
            rows[number] = np.broadcast_to(expand(data, tensor.size, tensor.dtype), (tensor.size,)) == 0.0
    return np.asarray(np.logical_and.accumulate(rows, axis=0))


ZERO_GRADIENTS = Law(
    code="SC212",
    title="zero gradients leave parameters where they are",
    sentence="An element whose gradients have all been 0 stays where it is, where no weight decay pulls at it.",
    source="the rule's own equations, at g = 0 and in the initial state",
    since="0.2",
    applies=_rests,
    check=_at_rest,
    condition="the rule rests there, as SymPy shows, and its decays can be 0",
    unit="reals",
    mathematics="""\
From the initial state and at g = 0 every average stays 0, and the step is 0 over what is above 0: eps, or what an
accumulator starts from. So theta_t = theta, in any arithmetic in which eps is not rounded to 0; with decoupled decay it
is (1 - lr * weight_decay) * theta, which is asked of in SC101.""",
    remedy="""\
Print numerator and divisor of the step at g = 0. A divisor without eps makes 0/0, which is nan; a sign that is 1 at
0, an eps that is added to the numerator or noise make a step where there should be none.""",
    example="""\
class AddsEpsToBoth(torch.optim.Optimizer):
    ...
    p.sub_(lr * (m_hat + eps) / (v_hat.sqrt() + eps))    # 1 * lr, where m_hat and v_hat are 0""",
    scripts=_scripts,
)
