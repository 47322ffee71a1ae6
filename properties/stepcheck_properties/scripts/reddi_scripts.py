"""Reddi's gradients: linear losses of which Adam, but not AMSGrad, finds the worst point of a box.

Reddi, Kale & Kumar 2018, section 3 and Theorem 1, https://arxiv.org/abs/1904.09237. Parameters are clamped to [-1, 1]
after each step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from stepcheck_properties.law import Facts
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

BOX = (-1.0, 1.0)
STARTS = (0.0, 0.25, 0.5)
LARGE = 4.0
"""The paper's C, which has to exceed 2: then the sum of a period, C - 2, is positive."""
PERIODS = 9
PERIOD = (LARGE, -1.0, -1.0)
"""Gradients whose sum is positive, so that the best fixed point is the lower end of the box."""
RATE = 0.9
BETA2 = 1.0 / (1.0 + LARGE**2)
"""The paper's beta2, for which the moment of the large gradient is forgotten within its period."""


def clamped_script(facts: Facts, hyper: Mapping[str, float]) -> Script:
    """Return a script of whole periods and one more large gradient, at learning rates RATE/sqrt(t)."""
    steps = tuple(
        Step((Literal((PERIOD[number % 3],)),), ((0, "lr", rate(number + 1)),) if number else ())
        for number in range(3 * PERIODS + 1)
    )
    size = Tensor((len(STARTS),), facts.dtype, Literal(STARTS)).size
    tensors = (Tensor((len(STARTS),), facts.dtype, Literal(STARTS * (size // len(STARTS)))),)
    return Script(tensors, (Group((0,), {**hyper, "lr": rate(1)}),), steps, box=BOX)


def rate(step: int) -> float:
    """Return the learning rate of a step."""
    return RATE / math.sqrt(step)


def is_clamped_script(script: Script, tensor: int) -> bool:
    """Whether ``tensor`` starts in [0, 1/2], and its gradients, learning rates and box are those above, to the end."""
    item = script.tensors[tensor]
    if len(script.steps) != 3 * PERIODS + 1 or script.box != BOX or not isinstance(item.initial, Literal):
        return False
    if not all(0.0 <= start <= 0.5 for start in item.initial.values):
        return False
    group = next(number for number, group in enumerate(script.groups) if tensor in group.tensors)
    return all(
        step.gradients[tensor] == Literal((PERIOD[number % 3],))
        and script.hyper_at(number + 1)[group]["lr"] == rate(number + 1)
        for number, step in enumerate(script.steps)
    )
