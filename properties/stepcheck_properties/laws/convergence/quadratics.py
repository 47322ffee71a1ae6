"""Converging: on a quadratic a linear rule is a power of a matrix, whose spectral radius says where it leads."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.exact_traces import THETA, departure
from stepcheck_properties.scripts.from_zero import group_of
from stepcheck_properties.scripts.quadratic_traces import (
    CURVATURE,
    both_sides,
    course,
    held_exactly,
    is_linear,
    quadratic,
)
from stepcheck_reference.alphabet import theta
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Script


def _is_known(facts: Facts) -> bool:
    return is_linear(facts.rule) and "lr" not in facts.fixed_hyper and bool(both_sides(facts))


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield quadratic(facts)


def _is_power(evidence: Evidence) -> CheckOutcome:
    outputs = [THETA, *(str(state) for state in evidence.rule.init)]
    checks = [_held(evidence, name) for name in outputs]
    return CheckOutcome(sum(one.compared for one in checks), tuple(breach for one in checks for breach in one.breaches))


def _held(evidence: Evidence, name: str) -> CheckOutcome:
    script = evidence.script
    symbol = next((state for state in evidence.rule.init if str(state) == name), theta)
    until = [_followed(evidence, tensor) for tensor in range(len(script.tensors))]

    def wanted(tensor: int, step: int) -> float | None:
        if step > until[tensor]:
            return None
        start = float(expand(script.tensors[tensor].initial, 1, script.tensors[tensor].dtype)[0])
        return float(course(evidence.rule, group_of(script, tensor), start, len(script.steps))[step][symbol])

    return departure(evidence, name, wanted)


def _followed(evidence: Evidence, tensor: int) -> int:
    """Return up to which step a tensor's gradients are those of the exact course, which its dtype holds."""
    script = evidence.script
    item = script.tensors[tensor]
    starts = np.unique(expand(item.initial, item.size, item.dtype))
    changed = any(step.hyper or step.overwrite or step.skip or step.reload for step in script.steps)
    one = script.objective is None or script.objective.curvature == CURVATURE
    if len(starts) != 1 or changed or not one or len(getattr(item.initial, "values", ())) != 1:
        return 0
    exact = course(evidence.rule, group_of(script, tensor), float(starts[0]), len(script.steps))
    for step in range(held_exactly(exact, item.dtype)):
        data = script.steps[step].gradients[tensor]
        slope = 0.0 if script.objective is not None else CURVATURE * float(exact[step][theta])
        if data is None or not (expand(data, item.size, item.dtype) == slope).all():
            return step
    return held_exactly(exact, item.dtype)


LINEAR_ON_QUADRATIC = Law(
    code="SC601",
    title="on a quadratic the course is a power of a matrix",
    sentence="On a quadratic, parameters and states after t steps are a power of the rule's matrix times those at "
    "first, inside the region where the rule converges and outside of it.",
    source="Polyak 1964, https://doi.org/10.1016/0041-5553(64)90137-5; Sutskever et al. 2013; linear recurrences",
    since="0.2",
    applies=_is_known,
    check=_is_power,
    condition="the equations are proved to be linear in theta, states and a gradient that is linear in theta",
    unit="reals",
    mathematics="""\
With g = curvature*theta a step is a matrix A, and t steps are A**t. Parameters converge from everywhere exactly
where its eigenvalues are inside the unit circle: gradient descent for 0 < lr*curvature < 2, momentum for 0 <
lr*curvature < 2*(1 + mu)/(1 - dampening), Nesterov for 0 < lr*curvature < (2 + 2*mu)/(1 + 2*mu). One learning rate
here is on this side and one beyond. Weights are 1/2, rates powers of two: as long as the numbers fit into the format
nothing is rounded, and the course is the power's to the bit. Gradients are those of the exact course; a rule that
asks for its own gets the objective, and so do look-ahead Nesterov and torch's form come to one course in different
parameters.""",
    remedy="""\
Compare the first step that differs: a buffer that starts from another number, a momentum that is applied to the
gradient of another step, or a rate at another place changes the matrix, and where it converges.""",
    example="""\
class NesterovWithOldBuffer(torch.optim.Optimizer):
    ...
    p.sub_(lr * (g + mu * buffer))                       # before the buffer has taken g
    buffer.mul_(mu).add_(g)""",
    scripts=_scripts,
    theorem="linear_rules_are_matrix_powers",
)
