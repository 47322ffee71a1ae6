"""Gradients: a step does not modify them, and a parameter that has none is skipped."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from stepcheck_properties.compare.breaches import wrong_real
from stepcheck_properties.law import COUNT, THETA, Breach, CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.laws.conditions import EVERY_SUBJECT, always
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.trajectory import Array, Trace

GRADIENT = "gradient"
"""The output of a gradient that was modified."""


def _is_given_gradients(facts: Facts) -> bool:
    return not needs_objective(facts.rule)


def _check_gradients(evidence: Evidence) -> CheckOutcome:
    script, trajectory = evidence.script, evidence.trajectory
    gradients = [
        sum(step.gradients[index] is not None for step in script.steps[: trajectory.steps])
        for index in range(len(script.tensors))
    ]
    changes = trajectory.gradient_changes or ("modified",) * len(trajectory.modified_gradients)
    return CheckOutcome(
        sum(gradients),
        tuple(
            Breach(GRADIENT, index, trajectory.steps, float("inf"), f"p{index}.grad={change}, but should be unchanged")
            for index, change in zip(trajectory.modified_gradients, changes, strict=True)
            if gradients[index]
        )[:1],
    )


GRADIENTS_UNCHANGED = Law(
    code="SC203",
    title="gradients are not modified",
    sentence="After a step every p.grad is the tensor that it was before, with the same values.",
    source="torch.optim.Optimizer.step reads param.grad; gradients may be accumulated, logged or shared after it",
    since="0.2",
    applies=_is_given_gradients,
    check=_check_gradients,
    condition="the subject is given gradients, and does not evaluate an objective for them",
    unit="gradients",
    mathematics="""\
A copy of every gradient, which the subject cannot reach, is compared with the tensor that the subject was given, number
by number, and p.grad has to be this tensor. Nothing is rounded, so they are equal or not.""",
    remedy="""\
Look for in-place operations on p.grad: add_ for weight decay, mul_ or neg_ for a sign or a clip, or zero_; use the
out-of-place operation, or a buffer of your own. Do not assign to p.grad: the caller resets it, by zero_grad. The
gradient may be used again: by the next micro-batch, which is accumulated into it, by a second optimizer, or by code
that logs its norm.""",
    example="""\
class WeightDecayWrittenIntoTheGradient(torch.optim.Optimizer):
    ...
    p.grad.add_(p, alpha=weight_decay)                   # p.grad + weight_decay * p leaves p.grad unchanged""",
)


def _check_missing(evidence: Evidence) -> CheckOutcome:
    script, trajectory = evidence.script, evidence.trajectory
    compared, breaches = 0, dict[str, Breach]()
    for index, trace in enumerate(trajectory.traces):
        for number, step in enumerate(script.steps[: trajectory.steps], 1):
            if step.gradients[index] is not None:
                continue
            compared += 1
            # What a reload does to a state is not the step's doing.
            for name, before, after in _outputs(trace, number, reloaded=bool(step.reload)):
                differs = ~_same_bits(before, after)
                if name not in breaches and differs.any():
                    at = int(np.flatnonzero(differs)[0])
                    old, new = float(before[at]), float(after[at])
                    message = f"{name}={new!r}, but should be {old!r}, as before the step, which had no gradient"
                    breaches[name] = wrong_real(name, index, number, at, new, old, message)
    return CheckOutcome(compared, tuple(breaches.values()))


def _outputs(trace: Trace, step: int, *, reloaded: bool) -> Iterator[tuple[str, Array, Array]]:
    """Yield each output before and after ``step``, where the trace has it at both times."""
    yield THETA, trace.before[step - 1], trace.theta[step - 1]
    if reloaded:
        return
    for name, rows in trace.states.items():
        if trace.present[name][step - 1] and trace.present[name][step]:
            yield name, rows[step - 1], rows[step]
    if trace.count[step - 1] >= 0 and trace.count[step] >= 0:
        yield COUNT, trace.count[step - 1 : step], trace.count[step : step + 1]


def _same_bits(one: Array, other: Array) -> NDArray[np.bool_]:
    equal = (one == other) & (np.signbit(one) == np.signbit(other))
    return np.asarray(equal | (np.isnan(one) & np.isnan(other)))


MISSING_GRADIENT = Law(
    code="SC204",
    title="a parameter without a gradient is skipped",
    sentence="A step at which a parameter has no gradient changes no bit of the parameter, its states or its step "
    "count.",
    source="torch.optim.Optimizer: parameters whose grad is None are skipped (torch.optim.Optimizer.zero_grad, "
    "set_to_none)",
    since="0.2",
    applies=always,
    check=_check_missing,
    condition=EVERY_SUBJECT,
    unit="steps without a gradient",
    mathematics="""\
A gradient that is None means that the objective did not depend on the parameter in this step, or that the parameter is
frozen. A gradient of zeros is a gradient, and changes averages. Values before and after the step are compared bit by
bit; states that are created in such a step are not compared.""",
    remedy="""\
Skip the parameter if p.grad is None before anything else is done with it: before its step count is incremented, its
averages decay and its weight decay is applied. A step count that the parameters of a group share counts such steps too:
keep one count per parameter.""",
    example="""\
class DecaysEveryParameter(torch.optim.Optimizer):
    ...
    p.mul_(1 - lr * weight_decay)                        # comes before: if p.grad is None: continue""",
)
