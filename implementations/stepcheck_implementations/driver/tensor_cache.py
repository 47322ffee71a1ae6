"""A script's numbers as tensors, kept while the same script is run: one mode of a configuration after another."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from stepcheck_implementations.driver import layout
from stepcheck_reference.identity_cache import IdentityCache
from stepcheck_reference.scripts.script import Script


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a script's tensors start from, and the gradients of each, one row a step that has one. Only to be read."""

    initial: tuple[torch.Tensor, ...]
    gradients: tuple[torch.Tensor, ...]


def _prepare(script: Script) -> Prepared:
    return Prepared(
        tuple(layout.values(tensor.initial, tensor) for tensor in script.tensors),
        tuple(_gradients(script, index) for index in range(len(script.tensors))),
    )


def _gradients(script: Script, index: int) -> torch.Tensor:
    given = [data for step in script.steps if (data := step.gradients[index]) is not None]
    return layout.all_values(given, script.tensors[index])


_MOST_ELEMENT_STEPS = 1 << 15
"""A script of more is not kept: it takes memory, and its steps take longer than this."""

_kept: IdentityCache[Script, Prepared] = IdentityCache(_prepare, most=128)


def prepared(script: Script) -> Prepared:
    """Return the numbers of ``script`` as contiguous CPU tensors of their dtypes."""
    return _kept(script) if script.element_steps <= _MOST_ELEMENT_STEPS else _prepare(script)
