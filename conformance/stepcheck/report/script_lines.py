"""A script in words: its tensors, its groups, and what happens in each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_VALUES = 6
"""How many values of a tensor are written out."""

_LOADED = "state saved, and loaded into a new optimizer"
_RELOADS = {
    "copied": "parameters and optimizer copied by copy.deepcopy",
    "pickled": "parameters and optimizer pickled and unpickled",
    "loaded_twice": "state dict loaded into two new optimizers, of which the second goes on",
    "loaded_aside": "state dict loaded into a new optimizer, which takes a step; the saved one goes on",
    "copied_aside": "parameters and optimizer copied by copy.deepcopy; the copy takes a step, the original goes on",
    "pickled_aside": "parameters and optimizer pickled; the copy takes a step, the original goes on",
}
"""How a run is interrupted, in words."""
_ZERO_GRADS = {
    "plain": "zero_grad()",
    "none": "zero_grad(set_to_none=True)",
    "zeros": "zero_grad(set_to_none=False)",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its subject ("p0", "group 1", "steps 2–300") and the text about it."""

    name: str
    text: str


def script_lines(script: Mapping[str, Any]) -> tuple[Line, ...]:
    """Return ``script``, as in a certificate, line by line; equal consecutive tensors and steps are one line."""
    threads = script.get("threads", 1)
    return (
        *_tensors(script["tensors"]),
        *_groups(script["groups"]),
        *([Line("threads", f"{threads} in every step")] if threads > 1 else []),
        *_steps(script["steps"], len(script["tensors"])),
    )


def _tensors(tensors: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    for start, stop in _equal_runs(tensors):
        tensor = tensors[start]
        shape = f"shape ({', '.join(map(str, tensor['shape']))}{',' if len(tensor['shape']) == 1 else ''})"
        layout = "" if tensor["layout"] == "contiguous" else f", {tensor['layout'].replace('_', ' ')}"
        if tensor.get("gradient_layout"):
            layout += f", gradient {tensor['gradient_layout'].replace('_', ' ')}"
        layout += ", requires no gradient" if tensor.get("frozen") else ""
        yield Line(_names(start, stop), f"{tensor['dtype']}, {shape}{layout}, starts at {_data(tensor['initial'])}")


def _equal_runs(entries: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each run of equal entries."""
    start = 0
    for stop in range(1, len(entries) + 1):
        if stop == len(entries) or entries[stop] != entries[start]:
            yield start, stop
            start = stop


def _names(start: int, stop: int) -> str:
    """Return the names of the tensors from ``start`` up to ``stop``: "p3", or "p3–p9"."""
    return f"p{start}" if stop == start + 1 else f"p{start}–p{stop - 1}"


def _groups(groups: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    for number, group in enumerate(groups):
        tensors = "" if len(groups) == 1 else ", ".join(_indices(group["tensors"])) + ": "
        hyper = ", ".join(f"{name}={value!r}" for name, value in group["hyper"].items())
        yield Line("group" if len(groups) == 1 else f"group {number}", tensors + (hyper or "no hyper-parameters"))


def _indices(tensors: Sequence[int]) -> Iterator[str]:
    """Yield the names of ``tensors``, consecutive ones together."""
    for start, stop in _equal_runs([index - place for place, index in enumerate(tensors)]):
        yield _names(tensors[start], tensors[stop - 1] + 1)


def _steps(steps: Sequence[Mapping[str, Any]], tensors: int) -> Iterator[Line]:
    for start, stop in _equal_runs(steps):
        name = f"step {start + 1}" if stop == start + 1 else f"steps {start + 1}–{stop}"
        yield Line(name, _step(steps[start], tensors))


def _step(step: Mapping[str, Any], tensors: int) -> str:
    parts = [_RELOADS.get(step["reload"], _LOADED)] if step.get("reload") else []
    parts += [f"group {group} added" for group in step.get("added", ())]
    parts += [f"{name} of group {group} set to {value!r}" for group, name, value in step.get("hyper", ())]
    parts += [f"p{index} overwritten with {_data(data)}" for index, data in step.get("overwrite", ())]
    parts += [_ZERO_GRADS[step["zero_grad"]]] if step.get("zero_grad") else []
    for start, stop in _equal_runs(step["gradients"]):
        data = step["gradients"][start]
        name = "gradient" if tensors == 1 else f"gradient of {_names(start, stop)}"
        parts.append(f"no {name}" if data is None else f"{name} {_data(data)}")
    parts += [f"scaled by {step['grad_scale']!r} as by torch.amp"] if step.get("grad_scale") else []
    parts += ["set by a closure"] if step.get("closure") else []
    parts += [f"default dtype {step['default_dtype']}"] if step.get("default_dtype") else []
    return "; ".join(parts)


def _data(data: Any) -> str:
    if isinstance(data, Mapping):
        scale = "" if data["scale"] == 1.0 else f" times {data['scale']!r}"
        specials = "".join(f", [{index}]={value}" for index, value in data["specials"][:_VALUES])
        return f"values drawn as {data['regime']}{scale}, seed {data['seed']}{specials}"
    if len(data) == 1:
        return str(data[0])
    more = f", … ({len(data)} values)" if len(data) > _VALUES else ""
    return f"({', '.join(map(str, data[:_VALUES]))}{more})"
