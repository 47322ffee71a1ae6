"""Quadratics: a linear rule on one is a power of a matrix, whose spectral radius says where it converges."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stepcheck_properties.law import THETA, CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import initial_hyper
from stepcheck_properties.scripts.exact_traces import check_exact
from stepcheck_properties.scripts.quadratic_traces import (
    CURVATURE,
    both_sides,
    exact_steps,
    is_linear,
    quadratic_script,
    quadratic_trace,
)
from stepcheck_reference.alphabet import theta
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Script


def _is_linear_on_both_sides(facts: Facts) -> bool:
    return is_linear(facts.rule) and "lr" not in facts.fixed_hyper and bool(both_sides(facts))


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield quadratic_script(facts)


def _check_power(evidence: Evidence) -> CheckOutcome:
    outputs = [THETA, *(str(state) for state in evidence.rule.init)]
    checks = [_check_output(evidence, name) for name in outputs]
    return CheckOutcome(sum(one.compared for one in checks), tuple(breach for one in checks for breach in one.breaches))


def _check_output(evidence: Evidence, name: str) -> CheckOutcome:
    script = evidence.script
    symbol = next((state for state in evidence.rule.init if str(state) == name), theta)
    until = [_steps_on_trace(evidence, tensor) for tensor in range(len(script.tensors))]

    def expected(tensor: int, step: int) -> float | None:
        if step > until[tensor]:
            return None
        start = float(expand(script.tensors[tensor].initial, 1, script.tensors[tensor].dtype)[0])
        trace = quadratic_trace(evidence.rule, initial_hyper(script, tensor), start, len(script.steps))
        return float(trace[step][symbol])

    return check_exact(evidence, name, expected)


def _steps_on_trace(evidence: Evidence, tensor: int) -> int:
    """Return for how many steps a tensor's gradients are the exact trace's, and its numbers exact in its dtype."""
    script = evidence.script
    item = script.tensors[tensor]
    starts = np.unique(expand(item.initial, item.size, item.dtype))
    changed = any(step.hyper or step.overwrite or step.skip or step.reload for step in script.steps)
    same_objective = script.objective is None or script.objective.curvature == CURVATURE
    if len(starts) != 1 or changed or not same_objective or len(getattr(item.initial, "values", ())) != 1:
        return 0
    trace = quadratic_trace(evidence.rule, initial_hyper(script, tensor), float(starts[0]), len(script.steps))
    exact = exact_steps(trace, item.dtype)
    for step in range(exact):
        data = script.steps[step].gradients[tensor]
        slope = 0.0 if script.objective is not None else CURVATURE * float(trace[step][theta])
        if data is None or not (expand(data, item.size, item.dtype) == slope).all():
            return step
    return exact


LINEAR_ON_QUADRATIC = Law(
    code="SC601",
    title="on a quadratic the trajectory is a power of a matrix",
    sentence="On a quadratic, parameters and states after t steps are a power of the rule's matrix times the initial "
    "ones, inside the region where the rule converges and outside of it.",
    source="Polyak 1964, https://doi.org/10.1016/0041-5553(64)90137-5; Sutskever et al. 2013; linear recurrences",
    since="0.2",
    applies=_is_linear_on_both_sides,
    check=_check_power,
    condition="the equations are proved to be linear in theta, states and a gradient that is linear in theta",
    unit="reals",
    mathematics="""\
With g = curvature*theta a step is a matrix A, and t steps are A**t. Parameters converge from everywhere if and only if
all eigenvalues lie inside the unit circle: for gradient descent 0 < lr*curvature < 2, for momentum 0 < lr*curvature <
2*(1 + mu)/(1 - dampening), for Nesterov 0 < lr*curvature < (2 + 2*mu)/(1 + 2*mu). The script has one learning rate on
each side. Weights are 1/2 and rates powers of two: as long as the numbers fit into the dtype nothing is rounded, and
the trajectory is bitwise that of the power. Gradients are those of the exact trace. A rule that takes its own gradients
gets the objective, so that look-ahead Nesterov and torch's form have one trajectory in different parameters.""",
    remedy="""\
Compare the first step that differs: a buffer with another initial value, a momentum that is applied to the gradient of
another step, or a learning rate in another place changes the matrix, and where it converges.""",
    example="""\
class NesterovWithOldBuffer(torch.optim.Optimizer):
    ...
    p.sub_(lr * (g + mu * buffer))                       # before g is added to the buffer
    buffer.mul_(mu).add_(g)""",
    scripts=_scripts,
    theorem="linear_rules_are_matrix_powers",
)
