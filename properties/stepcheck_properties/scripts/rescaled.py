"""Rescaling: the same script with its numbers multiplied, exactly, by a power of two or its opposite."""

from __future__ import annotations

from dataclasses import replace

from stepcheck_reference.scripts.script import Data, Literal, Script


def times(data: Data, factor: float) -> Data:
    """Return ``data`` with every value multiplied by ``factor``."""
    if isinstance(data, Literal):
        return Literal(tuple(value * factor for value in data.values))
    specials = tuple((index, value * factor) for index, value in data.specials)
    return replace(data, scale=data.scale * factor, specials=specials)


def rescaled(script: Script, *, gradients: float = 1.0, parameters: float = 1.0) -> Script:
    """Return ``script`` with its gradients, and its parameters wherever it sets them, multiplied.

    What an objective's script gives for a gradient is where it is lowest, and is multiplied as gradients are.
    """
    return replace(
        script,
        tensors=tuple(replace(tensor, initial=times(tensor.initial, parameters)) for tensor in script.tensors),
        steps=tuple(
            replace(
                step,
                gradients=tuple(None if data is None else times(data, gradients) for data in step.gradients),
                overwrite=tuple((index, times(data, parameters)) for index, data in step.overwrite),
            )
            for step in script.steps
        ),
    )
