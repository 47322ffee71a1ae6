"""Transformed scripts: the same tensors in another order, in other groups, fewer or more of them, or rescaled."""

from __future__ import annotations

from dataclasses import replace

from stepcheck_reference.scripts.script import Data, Group, Literal, Script, Tensor


def only(script: Script, tensors: tuple[int, ...]) -> Script:
    """Return ``script`` with ``tensors`` alone, and the groups that still have one."""
    new = {old: index for index, old in enumerate(tensors)}
    used = [(number, group) for number, group in enumerate(script.groups) if any(i in new for i in group.tensors)]
    new_group = {number: index for index, (number, _) in enumerate(used)}
    return replace(
        script,
        tensors=tuple(script.tensors[index] for index in tensors),
        groups=tuple(replace(group, tensors=tuple(new[i] for i in group.tensors if i in new)) for _, group in used),
        steps=tuple(
            replace(
                step,
                gradients=tuple(step.gradients[index] for index in tensors),
                hyper=tuple((new_group[g], name, value) for g, name, value in step.hyper if g in new_group),
                overwrite=tuple((new[index], data) for index, data in step.overwrite if index in new),
                adds_groups=tuple(new_group[g] for g in step.adds_groups if g in new_group),
            )
            for step in script.steps
        ),
    )


def reversed_and_ungrouped(script: Script) -> Script:
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
                adds_groups=(),
            )
            for step in script.steps
        ),
    )


def preceded_by(script: Script, tensor: Tensor, gradient: Data) -> Script:
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


def times(data: Data, factor: float) -> Data:
    """Return ``data`` with every value multiplied by ``factor``."""
    if isinstance(data, Literal):
        return Literal(tuple(value * factor for value in data.values))
    specials = tuple((index, value * factor) for index, value in data.specials)
    return replace(data, scale=data.scale * factor, specials=specials)


def rescaled(script: Script, *, gradients: float = 1.0, parameters: float = 1.0) -> Script:
    """Return ``script`` with its gradients, and its parameters wherever it sets them, multiplied.

    Powers of two and -1 as factors round nothing. In a script with an objective the data in place of a gradient is the
    minimum, and is multiplied as gradients are.
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
