"""Completion: a subject gets to the end of what it is asked to do."""

from __future__ import annotations

from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts, Law


def _completes(evidence: Evidence) -> CheckOutcome:
    trajectory = evidence.trajectory
    fault = trajectory.fault
    if fault is None:
        return CheckOutcome(trajectory.steps)
    where = f"step {fault.step}" if fault.step else "construction"
    told = f"{where}={fault.kind}, but should be finished ({fault.message})"
    return CheckOutcome(trajectory.steps, (Breach(fault.kind, 0, fault.step, float("inf"), told),))


def _always(facts: Facts) -> bool:
    return True


COMPLETION = Law(
    code="SC201",
    title="the subject finishes its script",
    sentence="No step raises, crashes or hangs, and every parameter keeps its identity, shape and dtype.",
    source="torch.optim.Optimizer.step; ARCHITECTURE.md, Processes",
    since="0.1",
    applies=_always,
    check=_completes,
    condition="every subject",
    unit="steps",
    mathematics="""\
Scripts hold only hyper-parameters inside the rule's domains, gradients of their parameter's shape and dtype
(or none), and calls every optimizer offers, so each of them has an end.""",
    remedy="""\
The message is the subject's own. Usual causes: a state read before it was made, at a step at which a
parameter had no gradient; an in-place operation that a 0-d, empty or non-contiguous tensor does not take;
a state dict that lacks what __init__ made; a loop that waits for a residual to vanish.""",
    example="""\
class MakesStateInTheConstructorOnly(torch.optim.Optimizer):
    ...
    state["exp_avg"].lerp_(p.grad, 1 - beta1)            # KeyError after load_state_dict""",
)
