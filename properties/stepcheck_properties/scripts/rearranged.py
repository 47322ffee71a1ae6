"""Arranging: the same tensors in another order, in other groups, fewer of them, or in other company."""

from __future__ import annotations

from dataclasses import replace

from stepcheck_reference.scripts.script import Data, Group, Script, Tensor


def only(script: Script, kept: tuple[int, ...]) -> Script:
    """Return ``script`` with the tensors ``kept`` alone, and the groups that still hold one."""
    new = {old: index for index, old in enumerate(kept)}
    held = [(number, group) for number, group in enumerate(script.groups) if any(i in new for i in group.tensors)]
    place = {number: index for index, (number, _) in enumerate(held)}
    return replace(
        script,
        tensors=tuple(script.tensors[index] for index in kept),
        groups=tuple(replace(group, tensors=tuple(new[i] for i in group.tensors if i in new)) for _, group in held),
        steps=tuple(
            replace(
                step,
                gradients=tuple(step.gradients[index] for index in kept),
                hyper=tuple((place[g], name, value) for g, name, value in step.hyper if g in place),
                overwrite=tuple((new[index], data) for index, data in step.overwrite if index in new),
            )
            for step in script.steps
        ),
    )


def apart_and_reversed(script: Script) -> Script:
    """Return ``script`` with its tensors in reverse order, each in a group of its own."""
    order = tuple(reversed(range(len(script.tensors))))
    new = {old: index for index, old in enumerate(order)}
    group_of = {index: number for number, group in enumerate(script.groups) for index in group.tensors}
    return replace(
        script,
        tensors=tuple(script.tensors[old] for old in order),
        groups=tuple(Group((index,), script.groups[group_of[old]].hyper) for index, old in enumerate(order)),
        steps=tuple(
            replace(
                step,
                gradients=tuple(step.gradients[old] for old in order),
                hyper=tuple(
                    (index, name, value)
                    for g, name, value in step.hyper
                    for index, old in enumerate(order)
                    if group_of[old] == g
                ),
                overwrite=tuple((new[old], data) for old, data in step.overwrite),
            )
            for step in script.steps
        ),
    )


def led_by(script: Script, tensor: Tensor, gradient: Data) -> Script:
    """Return ``script`` with ``tensor`` before all others, in the first group, with ``gradient`` at every step."""
    groups = [Group(tuple(index + 1 for index in group.tensors), group.hyper) for group in script.groups]
    groups[0] = replace(groups[0], tensors=(0, *groups[0].tensors))
    return replace(
        script,
        tensors=(tensor, *script.tensors),
        groups=tuple(groups),
        steps=tuple(
            replace(
                step,
                gradients=(gradient, *step.gradients),
                overwrite=tuple((index + 1, data) for index, data in step.overwrite),
            )
            for step in script.steps
        ),
    )
