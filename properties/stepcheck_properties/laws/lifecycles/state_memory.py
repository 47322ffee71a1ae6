"""State memory: an optimizer stores its rule's states, and nothing else of a parameter's size."""

from __future__ import annotations

import math

from stepcheck_implementations.adapters.adapter import COMPENSATION, MASTER
from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.scripts.baseline_scripts import ordinary_script

MEMORY = "memory"
"""The output of an optimizer that stores more than it should."""


def _shows_all_states(facts: Facts) -> bool:
    return facts.interface == "torch" and all(str(state) in facts.observed_states for state in facts.rule.init)


def _check_memory(evidence: Evidence) -> CheckOutcome:
    kept = [name for name in (COMPENSATION, MASTER) if name in evidence.trajectory.observed]
    compared, states = 0, len(evidence.rule.init) + len(kept)
    for index, (tensor, entries) in enumerate(zip(evidence.script.tensors, evidence.trajectory.entries, strict=False)):
        size = math.prod(tensor.shape)
        if size < 2:
            continue
        compared += size
        buffers = [entry for entry in entries if entry.size > 1]
        total = sum(entry.size for entry in buffers)
        if total > states * size:
            names = ", ".join([*map(str, evidence.rule.init), *kept]) or "none"
            message = (
                f"elements stored for p{index}={total} ({', '.join(entry.key for entry in buffers)}), but should be at "
                f"most {states * size}, {size} for each of the rule's states ({names})"
            )
            values = f"optimizer.state[p{index}].values()"
            breach = Breach(
                MEMORY,
                index,
                evidence.trajectory.steps,
                float("inf"),
                message,
                expression=f"sum(x.numel() for x in {values} if torch.is_tensor(x) and x.numel() > 1)",
                expected_expression=str(states * size),
            )
            return CheckOutcome(compared, (breach,))
    return CheckOutcome(compared)


STATE_MEMORY = Law(
    code="SC240",
    title="state takes no more memory than the rule declares",
    sentence="For a parameter of n elements an optimizer stores at most n elements for each state of its rule and for "
    "a compensation or a wider copy that its value is read from, and apart from these only single numbers.",
    source="the rule's own list of states; the memory of a training run is planned with it",
    since="0.2",
    applies=_shows_all_states,
    check=_check_memory,
    condition="the subject is built from parameter groups and shows every state of its rule",
    unit="elements",
    mathematics="""\
A rule's states are what the next step depends on. SGD has none, momentum and AdaGrad one, Adam two, AMSGrad three: one
more buffer takes as much memory as the parameters themselves.""",
    remedy="""\
Create a buffer only if the configuration uses it, and do not store what can be computed within the step: corrected
moments, the denominator, the last update, a copy of the gradient.""",
    example="""\
class AdamKeepsItsMaximum(torch.optim.Optimizer):
    ...
    state["max_exp_avg_sq"] = torch.zeros_like(p)        # even without amsgrad""",
    scripts=ordinary_script,
)
