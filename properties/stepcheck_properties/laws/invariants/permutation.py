"""Permutation: an element's update does not depend on its position in the tensor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stepcheck_properties.compare.equivariance import equivariance
from stepcheck_properties.law import THETA, CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.scripts.baseline_scripts import ordinary_script
from stepcheck_reference.facts import is_elementwise
from stepcheck_reference.formats import is_complex
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Data, Literal, Script, Tensor


def _is_proved_elementwise(facts: Facts) -> bool:
    return is_elementwise(facts.rule) is True


def _reversed(tensor: Tensor) -> NDArray[np.intp]:
    """Return the indices of the reals of ``tensor`` with its elements in reverse order."""
    width = 2 if is_complex(tensor.dtype) else 1
    return np.arange(tensor.size).reshape(-1, width)[::-1].reshape(-1)


def _with_elements_reversed(script: Script, facts: Facts) -> ReferenceRun:
    def reverse(index: int, data: Data) -> Data:
        tensor = script.tensors[index]
        return Literal(tuple(expand(data, tensor.size, tensor.dtype)[_reversed(tensor)].tolist()))

    return ReferenceRun(
        replace(
            script,
            tensors=tuple(replace(one, initial=reverse(at, one.initial)) for at, one in enumerate(script.tensors)),
            steps=tuple(
                replace(
                    step,
                    gradients=tuple(None if d is None else reverse(at, d) for at, d in enumerate(step.gradients)),
                    overwrite=tuple((at, reverse(at, data)) for at, data in step.overwrite),
                )
                for step in script.steps
            ),
        )
    )


def _check_permutation(evidence: Evidence) -> CheckOutcome:
    rule = evidence.rule
    outputs = {THETA: 1.0, **{str(state): 1.0 for state in (*rule.init, *rule.scalars)}}

    def factors(tensor: int, step: int) -> Mapping[str, float]:
        return outputs

    return equivariance(
        evidence,
        "the run with elements in reverse order",
        factors,
        order=lambda tensor: _reversed(evidence.script.tensors[tensor]),
        rounded=outputs,
    )


PERMUTATION_EQUIVARIANCE = Law(
    code="SC306",
    title="an element's update does not depend on its position",
    sentence="With the elements of every tensor in reverse order, in parameters and gradients, each element has the "
    "same parameter and states, within rounding.",
    source="elementwise rules: theta_i after a step is a function of theta_i, g_i and the states of i alone",
    since="0.2",
    applies=_is_proved_elementwise,
    check=_check_permutation,
    condition="every equation of the rule is proved to be elementwise",
    unit="reals",
    mathematics="""\
The rule has one equation for all elements. Kernels compute most elements in vectors and the rest one by one, and may
round them differently: an element whose inputs are equal in both runs may end a step as far apart as the sum of the
two radii. This also holds for a wrong equation, as long as it is the same for all elements.""",
    remedy="""\
Look at the ends of a tensor: a loop that stops one vector early, a neighbour that is read because of a wrong stride, a
norm over the tensor where the rule has an element.""",
    example="""\
class StepsAllButTheLast(torch.optim.Optimizer):
    ...
    p.view(-1)[:-1].sub_(lr * g.view(-1)[:-1])           # the last element is not updated""",
    scripts=ordinary_script,
    reference=_with_elements_reversed,
    theorem="permutation_equivariant",
)
