"""Scripts from zero: every parameter is put back to 0 before each step, so that after it the parameter is the step.

Nothing is then added to the step: what would be the last rounding of theta, half an ulp of theta, is not there, and
the trajectory shows the step itself to its last bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

from stepcheck_properties.law import Facts
from stepcheck_properties.scripts.baseline_scripts import ZERO, hyper
from stepcheck_reference.facts import Homogeneity
from stepcheck_reference.scripts.script import Data, Group, Literal, Script, Step, Tensor

GROWING_STEPS = 5
BETA1, BETA2 = 0.25, 0.5
"""Weights with beta2/beta1 = 2: gradients that grow by this factor make the longest step of Adam (SC310)."""


def from_zero(
    facts: Facts,
    shapes: Sequence[tuple[int, ...]],
    hypers: Sequence[Mapping[str, float]],
    steps: int,
    gradient: Callable[[int, Tensor, int], Data],
) -> Script:
    """Return a script of tensors from 0, a group each; ``gradient`` is called with (index, tensor, step)."""
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
    """Whether ``script`` puts every parameter to 0 before each step, and has no other events."""
    every = set(range(len(script.tensors)))
    return all(tensor.initial == ZERO for tensor in script.tensors) and all(
        not (step.reload or step.skip or step.hyper)
        and None not in step.gradients
        and (number == 0 or {index for index, data in step.overwrite if data == ZERO} == every)
        for number, step in enumerate(script.steps)
    )


def longest_adam_steps(facts: Facts, seed: int, scaling: Homogeneity) -> Script:
    """Return a script from zero with gradients that double at each step; one group has ``BETA1`` and ``BETA2``.

    Hyper-parameters that ``scaling`` needs to be 0 are 0, and so is the decay.
    """
    zeros = {"weight_decay": 0.0, **{str(symbol): 0.0 for symbol in scaling.at_zero}}
    first = hyper(facts, 0, **{"beta1": BETA1, "beta2": BETA2, **zeros})
    return from_zero(facts, ((5,), ()), [first, hyper(facts, 1, **zeros)], GROWING_STEPS, _gradients(seed, 2.0, False))


def growing_gradients(facts: Facts, seed: int, **preferred: float) -> Script:
    """Return a script from zero with gradients that double at each step, and typical hyper-parameters."""
    hypers = [hyper(facts, turn, **preferred) for turn in (0, 1)]
    return from_zero(facts, ((5,), ()), hypers, GROWING_STEPS, _gradients(seed, 2.0, False))


def same_sign_gradients(seed: int) -> Callable[[int, Tensor, int], Data]:
    """Return gradients between 1 and 2 in size that vary and keep their signs."""
    return _gradients(seed, 1.0, True)


def _gradients(seed: int, growth: float, vary: bool) -> Callable[[int, Tensor, int], Data]:
    """Return gradients of one sign per element, so that sums do not cancel, in sizes of 6 bits that every dtype has."""

    def gradient(index: int, tensor: Tensor, step: int) -> Data:
        signs, sizes = (_bytes(seed, index, at, tensor.size) for at in (0, step if vary else 1))
        values = (
            (1.0 if sign % 2 else -1.0) * (1.0 + (size % 32) / 32.0) for sign, size in zip(signs, sizes, strict=True)
        )
        return Literal(tuple(value * growth ** (step - 1) for value in values))

    return gradient


def _bytes(seed: int, index: int, step: int, size: int) -> bytes:
    return hashlib.shake_128(f"growing/{seed}/{index}/{step}".encode()).digest(size)
