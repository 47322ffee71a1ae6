"""Growing gradients: of one sign an element, so that nothing cancels, and of sizes that no format loses."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from stepcheck_properties.law import Facts
from stepcheck_properties.scripts.baseline_scripts import hyper
from stepcheck_properties.scripts.from_zero import from_zero
from stepcheck_reference.facts import Homogeneity
from stepcheck_reference.scripts.script import Data, Literal, Script, Tensor

STEPS = 5
BETA1, BETA2 = 0.25, 0.5
"""Weights with beta2/beta1 = 2, by which gradients grow that make Adam's step the longest."""


def growing(facts: Facts, seed: int, scaling: Homogeneity) -> Script:
    """Return a script from zero whose gradients double from step to step, with ``BETA1`` and ``BETA2`` in one group.

    What ``scaling`` takes to be 0 is 0, and so is the decay.
    """
    wanted = {"weight_decay": 0.0, **{str(symbol): 0.0 for symbol in scaling.at_zero}}
    first = hyper(facts, 0, **{"beta1": BETA1, "beta2": BETA2, **wanted})
    return from_zero(facts, ((5,), ()), [first, hyper(facts, 1, **wanted)], STEPS, _gradients(seed, 2.0, False))


def rising(facts: Facts, seed: int, **wanted: float) -> Script:
    """Return a script from zero whose gradients double from step to step, with hyper-parameters as people use them."""
    hypers = [hyper(facts, turn, **wanted) for turn in (0, 1)]
    return from_zero(facts, ((5,), ()), hypers, STEPS, _gradients(seed, 2.0, False))


def varying(seed: int) -> Callable[[int, Tensor, int], Data]:
    """Return gradients between 1 and 2 that keep their signs."""
    return _gradients(seed, 1.0, True)


def _gradients(seed: int, growth: float, vary: bool) -> Callable[[int, Tensor, int], Data]:
    def gradient(index: int, tensor: Tensor, step: int) -> Data:
        signs, sizes = (_bytes(seed, index, at, tensor.size) for at in (0, step if vary else 1))
        values = (
            (1.0 if sign % 2 else -1.0) * (1.0 + (size % 32) / 32.0) for sign, size in zip(signs, sizes, strict=True)
        )
        return Literal(tuple(value * growth ** (step - 1) for value in values))

    return gradient


def _bytes(seed: int, index: int, step: int, size: int) -> bytes:
    return hashlib.shake_128(f"growing/{seed}/{index}/{step}".encode()).digest(size)
