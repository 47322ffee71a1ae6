"""Boxes: linear losses whose gradients are given, with parameters clamped to (-1, 1) after each step."""

from __future__ import annotations

import math
from collections.abc import Mapping

from stepcheck_properties.law import Facts
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

BOX = (-1.0, 1.0)
STARTS = (0.0, 0.25, 0.5)
STEEP = 4.0
"""Reddi's C."""
PERIODS = 9
CYCLE = (STEEP, -1.0, -1.0)
"""Gradients whose sum is least at the left end."""
RATE = 0.9
BETA2 = 1.0 / (1.0 + STEEP**2)


def reddi(facts: Facts, values: Mapping[str, float]) -> Script:
    """Return a script of Reddi's gradients, whole periods and the steep one after them, at rates RATE/sqrt(t)."""
    steps = tuple(
        Step((Literal((CYCLE[number % 3],)),), ((0, "lr", rate(number + 1)),) if number else ())
        for number in range(3 * PERIODS + 1)
    )
    reals = Tensor((len(STARTS),), facts.dtype, Literal(STARTS)).size
    tensors = (Tensor((len(STARTS),), facts.dtype, Literal(STARTS * (reals // len(STARTS)))),)
    return Script(tensors, (Group((0,), {**values, "lr": rate(1)}),), steps, box=BOX)


def rate(step: int) -> float:
    """Return the learning rate of a step."""
    return RATE / math.sqrt(step)


def is_reddi(script: Script, tensor: int) -> bool:
    """Whether ``tensor`` starts between 0 and 1/2, and its gradients, rates and box are Reddi's, to the end."""
    item = script.tensors[tensor]
    if len(script.steps) != 3 * PERIODS + 1 or script.box != BOX or not isinstance(item.initial, Literal):
        return False
    if not all(0.0 <= start <= 0.5 for start in item.initial.values):
        return False
    group = next(number for number, held in enumerate(script.groups) if tensor in held.tensors)
    return all(
        step.gradients[tensor] == Literal((CYCLE[number % 3],))
        and script.hyper_at(number + 1)[group]["lr"] == rate(number + 1)
        for number, step in enumerate(script.steps)
    )
