"""The tensors of a script, cached while the same script runs in one mode of a configuration after another."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from stepcheck_implementations.driver.inputs import layout
from stepcheck_reference.identity_cache import IdentityCache
from stepcheck_reference.scripts.script import Script


@dataclass(frozen=True, slots=True)
class ScriptTensors:
    """Initial values of a script's tensors, and gradients of each, a row for each step that has one. Read-only."""

    initial: tuple[torch.Tensor, ...]
    gradients: tuple[torch.Tensor, ...]


def _convert(script: Script) -> ScriptTensors:
    return ScriptTensors(
        tuple(layout.values(tensor.initial, tensor) for tensor in script.tensors),
        tuple(_gradients(script, index) for index in range(len(script.tensors))),
    )


def _gradients(script: Script, index: int) -> torch.Tensor:
    rows = [data for step in script.steps if (data := step.gradients[index]) is not None]
    return layout.all_values(rows, script.tensors[index])


_MOST_ELEMENT_STEPS = 1 << 15
"""A larger script is not cached: it takes memory, and its steps take longer than the conversion."""

_cache: IdentityCache[Script, ScriptTensors] = IdentityCache(_convert, most=128)


def script_tensors(script: Script) -> ScriptTensors:
    """Return initial values and gradients of ``script`` as contiguous CPU tensors of their dtypes."""
    return _cache(script) if script.element_steps <= _MOST_ELEMENT_STEPS else _convert(script)
