"""Permuting: an element goes where it goes, wherever in its tensor it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stepcheck_properties.compare.equivariance import THETA, equivariance
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_reference.facts import is_elementwise
from stepcheck_reference.formats import is_complex
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Data, Literal, Script, Tensor


def _is_of_elements(facts: Facts) -> bool:
    return is_elementwise(facts.rule) is True


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield ordinary(facts, seed)


def _reversed(tensor: Tensor) -> NDArray[np.intp]:
    """Return the reals of ``tensor`` with its elements in reverse order."""
    width = 2 if is_complex(tensor.dtype) else 1
    return np.arange(tensor.size).reshape(-1, width)[::-1].reshape(-1)


def _turned(script: Script, facts: Facts) -> ReferenceRun:
    def turn(index: int, data: Data) -> Data:
        tensor = script.tensors[index]
        return Literal(tuple(expand(data, tensor.size, tensor.dtype)[_reversed(tensor)].tolist()))

    return ReferenceRun(
        replace(
            script,
            tensors=tuple(replace(one, initial=turn(at, one.initial)) for at, one in enumerate(script.tensors)),
            steps=tuple(
                replace(
                    step,
                    gradients=tuple(None if d is None else turn(at, d) for at, d in enumerate(step.gradients)),
                    overwrite=tuple((at, turn(at, data)) for at, data in step.overwrite),
                )
                for step in script.steps
            ),
        )
    )


def _same(evidence: Evidence) -> CheckOutcome:
    rule = evidence.rule
    outputs = {THETA: 1.0, **{str(state): 1.0 for state in (*rule.init, *rule.scalars)}}

    def factors(tensor: int, step: int) -> Mapping[str, float]:
        return outputs

    return equivariance(
        evidence,
        "the run with elements in reverse order",
        factors,
        order=lambda tensor: _reversed(evidence.script.tensors[tensor]),
        loosely=outputs,
    )


PERMUTATION_EQUIVARIANCE = Law(
    code="SC306",
    title="an element's place in its tensor does not matter",
    sentence="With the elements of every tensor in reverse order, in parameters and gradients, each element comes "
    "to the same parameter and states, to within rounding.",
    source="elementwise rules: theta_i after a step is a function of theta_i, g_i and the states of i alone",
    since="0.2",
    applies=_is_of_elements,
    check=_same,
    condition="every equation of the rule is proved to be elementwise",
    unit="reals",
    mathematics="""\
The rule has one equation for all elements. Kernels compute some elements in vectors and the rest one by one, and may
round them otherwise: an element that comes to a step with the same numbers in both runs may end it as far apart as
the two radii together. That is asked of a wrong equation too, as long as it is one for all elements.""",
    remedy="""\
Look at what happens at the ends of a tensor: a loop that stops one vector early, a neighbour that is read by a wrong
stride, a norm over the tensor where the rule has an element.""",
    example="""\
class StepsAllButTheLast(torch.optim.Optimizer):
    ...
    p.view(-1)[:-1].sub_(lr * g.view(-1)[:-1])           # the last element stays""",
    scripts=_scripts,
    reference=_turned,
    theorem="permutation_equivariant",
)
