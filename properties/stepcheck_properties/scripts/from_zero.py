"""From zero: scripts that put every parameter back to 0 before each step, so that what it holds after is the step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from stepcheck_properties.law import Facts
from stepcheck_reference.scripts.script import Data, Group, Literal, Script, Step, Tensor

ZERO = Literal((0.0,))


def from_zero(
    facts: Facts,
    shapes: Sequence[tuple[int, ...]],
    hypers: Sequence[Mapping[str, float]],
    steps: int,
    gradient: Callable[[int, Tensor, int], Data],
) -> Script:
    """Return a script of tensors from 0, a group each; ``gradient`` is asked with (index, tensor, step)."""
    tensors = tuple(Tensor(shape, facts.dtype, ZERO) for shape in shapes)
    back = tuple((index, ZERO) for index in range(len(tensors)))
    return Script(
        tensors,
        tuple(Group((index,), dict(hyper)) for index, hyper in enumerate(hypers)),
        tuple(
            Step(
                tuple(gradient(index, tensor, step) for index, tensor in enumerate(tensors)),
                overwrite=back if step > 1 else (),
            )
            for step in range(1, steps + 1)
        ),
    )


def is_from_zero(script: Script) -> bool:
    """Whether ``script`` puts every parameter to 0 before each step, and changes nothing else on the way."""
    names = set(range(len(script.tensors)))
    return all(tensor.initial == ZERO for tensor in script.tensors) and all(
        not (step.reload or step.skip or step.hyper)
        and None not in step.gradients
        and (number == 0 or {index for index, data in step.overwrite if data == ZERO} == names)
        for number, step in enumerate(script.steps)
    )


def group_of(script: Script, tensor: int) -> Mapping[str, float]:
    """Return the hyper-parameters that ``tensor`` starts with."""
    return next(group.hyper for group in script.groups if tensor in group.tensors)
