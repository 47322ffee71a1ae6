"""Gradients: a step reads them and leaves them as they were."""

from __future__ import annotations

from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts, Law
from stepcheck_reference.scripts.objective import needs_objective

GRADIENT = "gradient"


def _are_given(facts: Facts) -> bool:
    return not needs_objective(facts.rule)


def _as_they_were(evidence: Evidence) -> CheckOutcome:
    script, trajectory = evidence.script, evidence.trajectory
    given = [
        sum(step.gradients[index] is not None for step in script.steps[: trajectory.steps])
        for index in range(len(script.tensors))
    ]
    told = "p{}.grad=written into, but should be as it was given"
    return CheckOutcome(
        sum(given),
        tuple(
            Breach(GRADIENT, index, trajectory.steps, float("inf"), told.format(index))
            for index in trajectory.modified_gradients
            if given[index]
        )[:1],
    )


GRADIENTS_UNCHANGED = Law(
    code="SC203",
    title="gradients are left as they were",
    sentence="After a step every gradient holds the numbers that it held before, in the memory that it was given with.",
    source="torch.optim.Optimizer.step reads param.grad; gradients may be accumulated, logged or shared after it",
    since="0.2",
    applies=_are_given,
    check=_as_they_were,
    condition="the subject is given gradients, and does not ask an objective for them",
    unit="gradients",
    mathematics="""\
A copy of every gradient is kept where the subject cannot reach it, and compared with the memory that the subject was
given, number by number. Nothing is rounded, so they are equal or not.""",
    remedy="""\
Look for in-place operations on p.grad: add_ of a weight decay, mul_ or neg_ for a sign or a clip, or zero_. Write the
same without the underscore, or into a buffer of your own. The gradient may be used again: by the next micro-batch,
which is added to it, by a second optimizer, by what logs its norm.""",
    example="""\
class WeightDecayWrittenIntoTheGradient(torch.optim.Optimizer):
    ...
    p.grad.add_(p, alpha=weight_decay)                   # p.grad + weight_decay * p leaves p.grad alone""",
)
