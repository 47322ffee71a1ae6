"""Triggers of known issues, avoided: each function returns a script without one of them, and any other unchanged."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np

from stepcheck_reference.formats import FORMATS, Format, is_complex
from stepcheck_reference.scripts.script import ASIDE, STATE_DICT_RELOADS, Data, Drawn, Literal, Script, Step, Tensor

SHORT = 7
"""One element less than the shortest vector of 16-bit numbers, which is 8 in 128-bit registers."""

RATE = 1e-3
"""The learning rate that replaces 0."""

SHRINKAGE = 0.5
"""The shrinkage that replaces one that a dtype rounds to 1."""

AVERAGE = 0.5
"""The averaging factor that replaces one of 1 or above."""


def without_gaps(script: Script) -> Script:
    """Return the script with its sliced tensors contiguous."""
    tensors = tuple(
        replace(tensor, layout="contiguous") if tensor.layout == "sliced" else tensor for tensor in script.tensors
    )
    return replace(script, tensors=tensors)


def without_gradient_strides(script: Script) -> Script:
    """Return the script with the gradients as autograd leaves them where they have other strides than parameters."""
    tensors = tuple(
        replace(tensor, gradient_layout="") if _lies_otherwise(tensor) else tensor for tensor in script.tensors
    )
    return replace(script, tensors=tensors)


def _lies_otherwise(tensor: Tensor) -> bool:
    """Whether a tensor's gradient has a layout of its own whose strides may differ from the parameter's."""
    dense = ("contiguous", "flat")
    same = tensor.gradient_layout == tensor.layout or {tensor.gradient_layout, tensor.layout} <= set(dense)
    return tensor.gradient_layout not in ("", "overlapping") and not same


def without_expanded_gradients(script: Script) -> Script:
    """Return the script with the gradients as autograd leaves them where they were of stride 0."""
    tensors = tuple(
        replace(tensor, gradient_layout="") if tensor.gradient_layout == "expanded" else tensor
        for tensor in script.tensors
    )
    return replace(script, tensors=tensors)


def without_strides(script: Script) -> Script:
    """Return the script without gaps in parameters and without gradients of other strides than their parameters'."""
    return without_gradient_strides(without_gaps(script))


def without_zero_dimensions(script: Script) -> Script:
    """Return the script with its 0-d tensors as vectors of one element."""
    tensors = tuple(replace(tensor, shape=(1,)) if tensor.shape == () else tensor for tensor in script.tensors)
    return replace(script, tensors=tensors)


def without_zero_rate(script: Script) -> Script:
    """Return the script with learning rates of 0 raised to ``RATE``, in groups with a gradient that may be near 0."""
    near = [not all(_is_far_from_zero(script, index) for index in group.tensors) for group in script.groups]
    groups = tuple(
        replace(group, hyper={**group.hyper, "lr": RATE}) if close and group.hyper.get("lr") == 0 else group
        for group, close in zip(script.groups, near, strict=True)
    )

    def raised(group: int, name: str, value: float) -> tuple[int, str, float]:
        return group, name, RATE if near[group] and name == "lr" and value == 0 else value

    steps = tuple(replace(step, hyper=tuple(raised(*event) for event in step.hyper)) for step in script.steps)
    return replace(script, groups=groups, steps=steps)


def _is_far_from_zero(script: Script, index: int) -> bool:
    """Whether no gradient of a tensor has an element whose magnitude is below 1."""

    def far(data: Data | None) -> bool:
        if isinstance(data, Drawn):
            return data.regime in ("signs", "constant") and abs(data.scale) >= 1.0 and not data.specials
        return data is None or all(abs(value) >= 1.0 for value in data.values)

    return all(far(step.gradients[index]) for step in script.steps)


def without_state_dicts(script: Script) -> Script:
    """Return the script with a deep copy wherever a state dict is saved and loaded."""
    dicts = (*STATE_DICT_RELOADS, "loaded_aside")
    return replace(script, steps=tuple(_copied(step) if step.reload in dicts else step for step in script.steps))


def without_plain_state_dicts(script: Script) -> Script:
    """Return the script with a deep copy for each state dict that is loaded into the same mode."""
    dicts = (*STATE_DICT_RELOADS, "loaded_aside")
    steps = tuple(_copied(step) if step.reload in dicts and not step.into else step for step in script.steps)
    return replace(script, steps=steps)


def _copied(step: Step) -> Step:
    return replace(step, reload="copied_aside" if step.reload in ASIDE else "copied")


def without_skipped_start(script: Script) -> Script:
    """Return the script with a first step that is not skipped."""
    first = next((number for number, step in enumerate(script.steps) if not step.skip), len(script.steps))
    return replace(script, steps=(*(replace(step, skip=False) for step in script.steps[:first]), *script.steps[first:]))


def without_sparse_gradients(script: Script) -> Script:
    """Return the script with dense gradients where a tensor is complex."""
    if not any(is_complex(tensor.dtype) for tensor in script.tensors):
        return script
    return replace(script, invocation=tuple(variant for variant in script.invocation if variant != "sparse"))


def with_one_accumulator(script: Script) -> Script:
    """Return the script with the first group's initial accumulator in every group."""
    if not script.groups or "initial_accumulator" not in script.groups[0].hyper:
        return script
    first = script.groups[0].hyper["initial_accumulator"]
    groups = tuple(replace(group, hyper={**group.hyper, "initial_accumulator": first}) for group in script.groups)
    return replace(script, groups=groups)


def with_nonzero_eps(script: Script) -> Script:
    """Return the script with each eps that a tensor of its group rounds to 0 raised to its dtype's smallest normal."""

    def replaced(form: Format, eps: float) -> float:
        return eps if float(form.round(np.asarray(eps))) > 0.0 else form.smallest_normal

    return _mapped(script, "eps", replaced)


def with_nonunit_shrinkage(script: Script) -> Script:
    """Return the script with every eta_minus that a tensor of its group rounds to 1 replaced by ``SHRINKAGE``."""

    def replaced(form: Format, eta_minus: float) -> float:
        return eta_minus if float(form.round(np.asarray(eta_minus))) < 1.0 else SHRINKAGE

    return _mapped(script, "eta_minus", replaced)


def with_averaged_squares(script: Script) -> Script:
    """Return the script with every beta2 of 1 or above replaced by ``AVERAGE``."""
    return _mapped(script, "beta2", lambda form, beta2: beta2 if beta2 < 1.0 else AVERAGE)


def with_nonnegative_lambd(script: Script) -> Script:
    """Return the script with every negative lambd raised to 0."""
    return _mapped(script, "lambd", lambda form, lambd: max(lambd, 0.0))


def _mapped(script: Script, name: str, change: Callable[[Format, float], float]) -> Script:
    """Return the script with the hyper-parameter ``name`` changed for the format of each tensor of its group."""
    forms = [{FORMATS[script.tensors[index].dtype] for index in group.tensors} for group in script.groups]

    def changed(group: int, value: float) -> float:
        for form in sorted(forms[group], key=lambda form: form.name):
            value = change(form, value)
        return value

    groups = tuple(
        replace(group, hyper={n: changed(number, value) if n == name else value for n, value in group.hyper.items()})
        for number, group in enumerate(script.groups)
    )
    steps = tuple(
        replace(step, hyper=tuple((g, n, changed(g, value) if n == name else value) for g, n, value in step.hyper))
        for step in script.steps
    )
    return replace(script, groups=groups, steps=steps)


def without_missing_gradients(script: Script) -> Script:
    """Return the script with a gradient of zeros wherever a tensor had none."""
    zero = Literal((0.0,))
    steps = tuple(
        replace(step, gradients=tuple(zero if data is None else data for data in step.gradients), adds_groups=())
        for step in script.steps
    )
    return replace(script, steps=steps)


def without_late_gradients(script: Script) -> Script:
    """Return the script with a gradient of zeros wherever a tensor had none yet and another tensor has one."""
    zero, started, steps = Literal((0.0,)), set[int](), []
    for step in script.steps:
        if any(data is not None for data in step.gradients):
            gradients = tuple(
                zero if data is None and index not in started else data for index, data in enumerate(step.gradients)
            )
            started |= set(range(len(gradients)))
            step = replace(step, gradients=gradients, adds_groups=())
        steps.append(step)
    return replace(script, steps=tuple(steps))


def without_changes(script: Script, names: Collection[str]) -> Script:
    """Return the script with the hyper-parameters called ``names`` unchanged over its steps."""
    if not names or not any(name in names for step in script.steps for _, name, _ in step.hyper):
        return script
    steps = tuple(
        replace(step, hyper=tuple(event for event in step.hyper if event[1] not in names)) for step in script.steps
    )
    return replace(script, steps=steps)


def without_long_tensors(script: Script) -> Script:
    """Return the script with every tensor of more than ``SHORT`` elements cut to a vector of that many."""

    def cut(data: Data, tensor: Tensor) -> Data:
        if tensor.size <= SHORT:
            return data
        if isinstance(data, Literal):
            return Literal(data.values[:SHORT])
        specials = {index % tensor.size: value for index, value in data.specials}
        return Drawn(data.regime, data.seed, data.scale, tuple((i, v) for i, v in specials.items() if i < SHORT))

    def shorter(step: Step) -> Step:
        gradients = tuple(
            None if data is None else cut(data, tensor)
            for data, tensor in zip(step.gradients, script.tensors, strict=True)
        )
        overwrite = tuple((index, cut(data, script.tensors[index])) for index, data in step.overwrite)
        return replace(step, gradients=gradients, overwrite=overwrite)

    if all(tensor.size <= SHORT for tensor in script.tensors):
        return script
    tensors = tuple(
        tensor if tensor.size <= SHORT else Tensor((SHORT,), tensor.dtype, cut(tensor.initial, tensor))
        for tensor in script.tensors
    )
    return replace(script, tensors=tensors, steps=tuple(shorter(step) for step in script.steps))
