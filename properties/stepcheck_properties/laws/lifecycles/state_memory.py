"""State memory: an optimizer holds its rule's states, and nothing else of a parameter's size."""

from __future__ import annotations

import math
from collections.abc import Iterator

from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_reference.scripts.script import Script

MEMORY = "memory"
"""The output of an optimizer that holds more than it should."""


def _shows_its_state(facts: Facts) -> bool:
    return facts.interface == "torch" and all(str(state) in facts.observed_states for state in facts.rule.init)


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield ordinary(facts, seed)


def _declared(evidence: Evidence) -> CheckOutcome:
    compared, states = 0, len(evidence.rule.init)
    for index, (tensor, held) in enumerate(zip(evidence.script.tensors, evidence.trajectory.entries, strict=False)):
        size = math.prod(tensor.shape)
        if size < 2:
            continue
        compared += size
        large = [entry for entry in held if entry.size > 1]
        total = sum(entry.size for entry in large)
        if total > states * size:
            names = ", ".join(str(state) for state in evidence.rule.init) or "none"
            told = (
                f"elements held for p{index}={total} ({', '.join(entry.key for entry in large)}), but should be at "
                f"most {states * size}, {size} for each of the rule's states ({names})"
            )
            step = evidence.trajectory.steps
            held_there = f"optimizer.state[p{index}].values()"
            expression = f"sum(x.numel() for x in {held_there} if torch.is_tensor(x) and x.numel() > 1)"
            more = Breach(
                MEMORY, index, step, float("inf"), told, expression=expression, expected_expression=str(states * size)
            )
            return CheckOutcome(compared, (more,))
    return CheckOutcome(compared)


STATE_MEMORY = Law(
    code="SC240",
    title="state takes the memory that the rule declares",
    sentence="For a parameter of n elements an optimizer holds at most n elements for each state of its rule, and "
    "beside them nothing but single numbers.",
    source="the rule's own list of states; what a run costs in memory is planned with it",
    since="0.2",
    applies=_shows_its_state,
    check=_declared,
    condition="the subject is built of parameter groups and shows every state of its rule",
    unit="elements",
    mathematics="""\
A rule's states are what the next step depends on. SGD has none, momentum and AdaGrad one, Adam two, AMSGrad three: a
buffer more is as much memory as the parameters again.""",
    remedy="""\
Make a buffer only where the configuration uses it, and drop what can be computed within the step: corrected moments,
the denominator, the last update, a copy of the gradient.""",
    example="""\
class AdamKeepsItsMaximum(torch.optim.Optimizer):
    ...
    state["max_exp_avg_sq"] = torch.zeros_like(p)        # without amsgrad too""",
    scripts=_scripts,
)
