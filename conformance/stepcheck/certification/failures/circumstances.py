"""Circumstances: what a script has that an ordinary one has not, as in "None gradients" or "a saved state dict"."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

_RELOADS = {
    "loaded": "a loaded state dict",
    "saved": "a saved state dict",
    "copied": "a deep copy",
    "pickled": "a pickled optimizer",
    "loaded_twice": "a state dict loaded twice",
    "loaded_aside": "a run that goes on after saving",
    "copied_aside": "a run that goes on after copying",
    "pickled_aside": "a run that goes on after pickling",
}
_INVOCATIONS = {
    "closure": "a closure",
    "tensor_lr": "a tensor learning rate",
    "one_element_lr": "a tensor learning rate",
    "viewed_lr": "a tensor learning rate",
    "float64_default": "float64 as default dtype",
    "reused_gradient": "a reused gradient buffer",
    "spoiled_gradient": "an overwritten gradient buffer",
    "scheduler": "a scheduler",
    "sparse": "sparse gradients",
    "parameter_list": "a list of parameters",
    "parameter_tuple": "a tuple of parameters",
    "parameter_generator": "a generator of parameters",
    "named_parameters": "named parameters",
    "two_optimizers": "another optimizer of the class",
    "other_thread": "another thread",
    "fresh_process": "a process of its own",
}
_PLAIN = {"tensors", "groups", "steps", "label", "manners", "curvature", "asked", "box", "fresh_process"}
_OF_STEP = {"gradients", "hyper", "overwrite", "reload", "skip", "into"}
_OF_TENSOR = {"shape", "dtype", "initial", "layout"}
_NAMES = {
    "added": "a group added between steps",
    "zero_grad": "zero_grad() between steps",
    "grad_scale": "a GradScaler",
    "closure": "a closure",
    "default_dtype": "another default dtype",
    "frozen": "a parameter that requires no gradient",
    "gradient_layout": "a gradient with other strides",
    "threads": "several threads",
}
"""Other fields of a script, its steps and tensors, which are not there where they are as usual."""


def circumstances(script: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what is out of the ordinary in ``script``, as a certificate has it; the rarest thing comes first.

    Of a script that has been made smaller this is what its failure needs, or nothing: then any script shows it.
    """
    return tuple(dict.fromkeys(_circumstances(script)))


def _circumstances(script: Mapping[str, Any]) -> Iterator[str]:
    steps, tensors = script.get("steps", ()), script.get("tensors", ())
    yield from (_words(name) for name in script if name not in _PLAIN and script[name])
    for name in script.get("manners", ()):
        yield _INVOCATIONS.get(name, _words(name))
    for step in steps:
        reload = step.get("reload") or ""
        if reload:
            yield _RELOADS.get("loaded" if reload is True else reload, _words(str(reload)))
        if step.get("skip"):
            yield "a skipped step"
        yield from (_words(name) for name in step if name not in _OF_STEP and step[name])
    if any(gradient is None for step in steps for gradient in step.get("gradients", ())):
        yield "None gradients"
    if any(0 in tensor["shape"] for tensor in tensors):
        yield "an empty tensor"
    for tensor in tensors:
        if tensor.get("layout", "contiguous") != "contiguous":
            yield f"{tensor['layout'].replace('_', ' ')} memory"
        yield from (_words(name) for name in tensor if name not in _OF_TENSOR and tensor[name])
    if "curvature" in script and script.get("asked", True):
        yield "a closure"
    if any(step.get("overwrite") for step in steps):
        yield "overwritten parameters"
    if any(step.get("hyper") for step in steps):
        names = {str(entry[1]) for step in steps for entry in step.get("hyper", ())}
        yield f"{', '.join(sorted(names))} changed between steps"
    if len(script.get("groups", ())) > 1:
        yield "several groups"
    if any(not math.isfinite(value) for step in steps for value in _values(step.get("gradients", ()))):
        yield "non-finite gradients"


def _values(gradients: Any) -> Iterator[float]:
    """Yield the numbers that are written out in ``gradients``; what is drawn from a seed counts by its specials."""
    for data in gradients:
        if isinstance(data, Mapping):
            yield from (float(value) for _, value in data.get("specials", ()))
        elif data is not None:
            yield from map(float, data)


def _words(name: str) -> str:
    return _NAMES.get(name, name.replace("_", " "))
