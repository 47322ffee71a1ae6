"""Edge cases of size: many steps and many elements."""

from __future__ import annotations

from dataclasses import replace

from stepcheck_properties.scripts.baseline_scripts import ZERO
from stepcheck_properties.scripts.edge_cases.edge_case import Builder, CellInputs
from stepcheck_reference.scripts.script import Group, Script, Step, Tensor

HALFWAY_DECAY = 0.022
"""A weight decay for which 1 - 0.1*HALFWAY_DECAY is about halfway between neighbours in bfloat16 and in float16.

A kernel that rounds this factor to the dtype of the tensor is then wrong by nearly half an ulp."""


CONSTANT_GRADIENT, SHORT_AVERAGE = (0.3, -1.1, 0.7, 2.3, -0.013), 0.4
"""A gradient that never changes, and a factor with which averages of it and of its square converge in 60 steps.

Their variance is then 0, and what is left of it is rounding."""

LONG_RUN_LR = 0.125
LONG_AVERAGE = 0.9999
"""A rate whose steps are much larger than roundings of the parameters, and a factor whose bias correction still changes
at the end of a long run, so that a count that has stopped shows."""

LONG_RUN_GRADIENTS = 4
"""Different gradients of a long run, each followed by its negative so that parameters stay small, and in turn: few, so
that its script stays short."""


def _many_steps(cell: CellInputs) -> Script:
    steps = cell.profile.many_steps(cell.dtype)
    tensors = tuple(Tensor((size,), cell.dtype, cell.drawn("normal", "many", size)) for size in (10, 4, 5))
    groups = (
        Group((0,), cell.hyper()),
        Group((1,), cell.hyper(3, lr=0.01)),
        Group((2,), cell.hyper(1, lr=0.01, beta2=SHORT_AVERAGE)),
    )
    constant = cell.literal(CONSTANT_GRADIENT)
    taken = [Step((*step.gradients, constant)) for step in cell.normal_steps("many", steps, 2)]
    # An odd number of steps, which fewer bits round, comes before it.
    return Script(tensors, groups, (*taken[:-1], replace(taken[-1], reload="saved")))


def _long_run(cell: CellInputs) -> Script:
    tensor = Tensor((2,), cell.dtype, cell.drawn("normal", "long"))
    turns = [
        Step((cell.drawn("normal", "long", turn, scale=sign),))
        for turn in range(LONG_RUN_GRADIENTS)
        for sign in (1.0, -1.0)
    ]
    steps = tuple(turns[number % len(turns)] for number in range(cell.profile.long_run(cell.dtype)))
    return Script((tensor,), (Group((0,), cell.hyper(lr=LONG_RUN_LR, beta2=LONG_AVERAGE)),), steps)


def _runs_long(cell: CellInputs) -> bool:
    return cell.profile.tries_limits and cell.profile.in_plain_mode


def _bulk(cell: CellInputs) -> Script:
    unit = max(1, cell.profile.bulk_elements // 16)
    tensors = (
        Tensor((4 * unit + 13,), cell.dtype, cell.drawn("normal", "bulk", 0)),
        Tensor((4, unit), cell.dtype, cell.drawn("wide", "bulk", 1)),
        Tensor((2 * unit + 7,), cell.dtype, ZERO),
        Tensor((3, unit), cell.dtype, cell.drawn("uniform", "bulk", 3)),
        Tensor((3 * unit + 1,), cell.dtype, cell.drawn("normal", "bulk", 4, scale=1.0 / 64)),
    )
    groups = (
        Group((0, 1), cell.hyper(0, weight_decay=HALFWAY_DECAY)),
        Group((2, 3), cell.hyper(1)),
        Group((4,), cell.hyper(2)),
    )
    regimes = ("normal", "wide", "normal", "wide", "normal")
    scales = (1.0, 1.0, 0.125, 1.0, 16.0)
    steps = tuple(
        Step(
            tuple(
                cell.drawn(regime, "bulk", number, index, scale=scale if regime == "normal" else 1.0)
                for index, (regime, scale) in enumerate(zip(regimes, scales, strict=True))
            ),
            overwrite=((2, ZERO),) if number else (),
        )
        for number in range(cell.profile.bulk_steps)
    )
    return Script(tensors, groups, steps)


MANY_STEPS = Builder(
    "many_steps",
    "Three tensors take many steps, one with a constant gradient, and are saved and loaded before the last.",
    _many_steps,
)
LONG_RUN = Builder(
    "long_run",
    "Two elements take so many steps that what an optimizer counts by itself reaches 1 000, and 2 048 in float16.",
    _long_run,
    _runs_long,
)
BULK = Builder("bulk", "Several groups have thousands of elements, of ordinary and of widely spread size.", _bulk)
