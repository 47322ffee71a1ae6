"""Missing gradients: a parameter without a gradient is left alone, and so is what is held for it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from stepcheck_properties.compare.equivalence import COUNT, divergence
from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts, Law
from stepcheck_reference.scripts.trajectory import Array, Trace


def _always(facts: Facts) -> bool:
    return True


def _rest(evidence: Evidence) -> CheckOutcome:
    script, trajectory = evidence.script, evidence.trajectory
    compared, moved = 0, dict[str, Breach]()
    for index, trace in enumerate(trajectory.traces):
        for number, step in enumerate(script.steps[: trajectory.steps], 1):
            if step.gradients[index] is not None:
                continue
            compared += 1
            # What a reload does to a state is not the step's doing.
            for name, before, after in _held(trace, number, reloaded=bool(step.reload)):
                apart = ~_same_bits(before, after)
                if name not in moved and apart.any():
                    at = int(np.flatnonzero(apart)[0])
                    was, now = float(before[at]), float(after[at])
                    moved[name] = divergence(name, index, number, at, now, was, "the step before, without a gradient,")
    return CheckOutcome(compared, tuple(moved.values()))


def _held(trace: Trace, step: int, *, reloaded: bool) -> Iterator[tuple[str, Array, Array]]:
    """Yield what is held for a tensor before and after ``step``, where it is held at both times."""
    yield "theta", trace.before[step - 1], trace.theta[step - 1]
    if reloaded:
        return
    for name, rows in trace.states.items():
        if trace.present[name][step - 1] and trace.present[name][step]:
            yield name, rows[step - 1], rows[step]
    if trace.count[step - 1] >= 0 and trace.count[step] >= 0:
        yield COUNT, trace.count[step - 1 : step], trace.count[step : step + 1]


def _same_bits(one: Array, other: Array) -> NDArray[np.bool_]:
    alike = (one == other) & (np.signbit(one) == np.signbit(other))
    return np.asarray(alike | (np.isnan(one) & np.isnan(other)))


MISSING_GRADIENT = Law(
    code="SC204",
    title="a parameter without a gradient is left alone",
    sentence="A step at which a parameter has no gradient changes no bit of it, of its states or of its step count.",
    source="torch.optim.Optimizer: parameters whose grad is None are skipped (torch.optim.Optimizer.zero_grad, "
    "set_to_none)",
    since="0.2",
    applies=_always,
    check=_rest,
    condition="every subject",
    unit="steps without a gradient",
    mathematics="""\
A gradient that is None says that the objective does not depend on the parameter at this step, or that it is frozen; a
gradient of zeros is a gradient, and moves averages. What was held before the step and after it is compared bit by bit.
States that are made at such a step are not compared.""",
    remedy="""\
Leave the parameter out where p.grad is None, before anything is done with it: before its counter moves on, its averages
fade and its weight decays. A counter that all parameters of a group share counts such steps too: keep one for each.""",
    example="""\
class DecaysEveryParameter(torch.optim.Optimizer):
    ...
    p.mul_(1 - lr * weight_decay)                        # stands above: if p.grad is None: continue""",
)
