"""Smaller scripts: one like another with fewer elements, fewer steps or other data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from stepcheck_reference.formats import is_complex
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Data, Literal, Script, Tensor
from stepcheck_reference.scripts.trajectory import Trajectory


def retensored(script: Script, which: int, tensor: Tensor) -> Script:
    """Return ``script`` with ``tensor`` as tensor ``which``."""
    return replace(script, tensors=(*script.tensors[:which], tensor, *script.tensors[which + 1 :]))


def of_element(script: Script, which: int, element: int, shape: tuple[int, ...], layout: str = "contiguous") -> Script:
    """Return ``script`` with tensor ``which`` of ``shape``, every element of it like ``element`` of the old one."""
    tensor = script.tensors[which]
    width = 2 if is_complex(tensor.dtype) else 1
    elements = math.prod(shape)

    def pick(data: Data) -> Literal:
        if isinstance(data, Literal) and len(data.values) == 1:
            return data
        values = expand(data, tensor.size, tensor.dtype)[element * width : (element + 1) * width]
        single = tuple(float(value) for value in values)
        return Literal(single * elements if width == 2 else single)

    return redata(script, which, replace(tensor, shape=shape, initial=pick(tensor.initial), layout=layout), pick)


def of_first_elements(script: Script, which: int, shape: tuple[int, ...]) -> Script:
    """Return ``script`` with tensor ``which`` of ``shape``, filled with the first elements of the old one."""
    tensor = script.tensors[which]
    count = math.prod(shape) * (2 if is_complex(tensor.dtype) else 1)

    def pick(data: Data) -> Literal:
        if isinstance(data, Literal) and len(data.values) == 1:
            return data
        return Literal(tuple(float(value) for value in expand(data, tensor.size, tensor.dtype)[:count]))

    return redata(script, which, replace(tensor, shape=shape, initial=pick(tensor.initial)), pick)


def redata(script: Script, which: int, tensor: Tensor, pick: Callable[[Data], Literal]) -> Script:
    """Return ``script`` with ``tensor`` as tensor ``which`` and ``pick`` of every datum written to it."""
    steps = tuple(
        replace(
            step,
            gradients=tuple(
                pick(data) if index == which and data is not None else data for index, data in enumerate(step.gradients)
            ),
            overwrite=tuple((index, pick(data) if index == which else data) for index, data in step.overwrite),
        )
        for step in script.steps
    )
    return replace(retensored(script, which, tensor), steps=steps)


def from_step(script: Script, trajectory: Trajectory, start: int) -> Script:
    """Return the steps after the first ``start``, from the parameters and hyper-parameters at that step."""
    low, high = script.box or (-math.inf, math.inf)
    tensors = tuple(
        replace(tensor, initial=Literal(tuple(min(max(float(value), low), high) for value in trace.theta[start - 1])))
        if tensor.size and len(trace.theta) >= start
        else tensor
        for tensor, trace in zip(script.tensors, trajectory.traces, strict=True)
    )
    hyper = script.hyper_at(start)
    groups = tuple(replace(group, hyper=now) for group, now in zip(script.groups, hyper, strict=True))
    return replace(script, tensors=tensors, groups=groups, steps=script.steps[start:])


def with_steps(script: Script, numbers: list[int], **changes: object) -> Script:
    """Return ``script`` with ``changes`` made to the steps at ``numbers``, which count from 0."""
    changed = set(numbers)
    return replace(
        script,
        steps=tuple(
            replace(step, **changes) if number in changed else step  # type: ignore[arg-type]
            for number, step in enumerate(script.steps)
        ),
    )


Location = tuple[str, int, int]
"""Where a script has a datum: ("initial", tensor, 0), ("gradient", step, tensor) or ("overwrite", step, entry)."""


def locations(script: Script) -> Iterator[Location]:
    """Yield the location of every datum."""
    for index in range(len(script.tensors)):
        yield ("initial", index, 0)
    for number, step in enumerate(script.steps):
        for index, data in enumerate(step.gradients):
            if data is not None:
                yield ("gradient", number, index)
        for entry in range(len(step.overwrite)):
            yield ("overwrite", number, entry)


def datum(script: Script, location: Location) -> Data:
    """Return the datum at ``location``."""
    kind, first, second = location
    if kind == "initial":
        return script.tensors[first].initial
    if kind == "overwrite":
        return script.steps[first].overwrite[second][1]
    data = script.steps[first].gradients[second]
    assert data is not None
    return data


def with_datum(script: Script, location: Location, data: Data) -> Script:
    """Return ``script`` with ``data`` at ``location``."""
    kind, first, second = location
    if kind == "initial":
        return retensored(script, first, replace(script.tensors[first], initial=data))
    step = script.steps[first]
    if kind == "overwrite":
        entries = list(step.overwrite)
        entries[second] = (entries[second][0], data)
        step = replace(step, overwrite=tuple(entries))
    else:
        gradients = list(step.gradients)
        gradients[second] = data
        step = replace(step, gradients=tuple(gradients))
    return replace(script, steps=(*script.steps[:first], step, *script.steps[first + 1 :]))
