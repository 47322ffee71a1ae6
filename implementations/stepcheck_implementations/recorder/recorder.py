"""The recorder: a cell over scripts, with everything that its optimizer holds, raises and warns of."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_implementations.driver.execution import ScriptExecution, subject_factory, torch_settings
from stepcheck_implementations.driver.observing import state_access
from stepcheck_implementations.driver.portable import filled_memory
from stepcheck_implementations.recorder.captured_warnings import captured_warnings, stable_line
from stepcheck_implementations.recorder.recording import Recording, to_recording
from stepcheck_implementations.recorder.serialize import deserialize, serialize
from stepcheck_reference.scripts.script import Script

Reached = Callable[[int], None]
"""Called with each step's number just before it is taken."""

_MOST_ENTRIES = 4
"""Entries of a list in an optimizer's state that are recorded."""


def record(
    adapter: Adapter,
    cell: Cell,
    scripts: Sequence[Script],
    *,
    unread: Sequence[str] = (),
    reached: Reached | None = None,
) -> Recording:
    """Return what ``cell`` does over ``scripts``, whose labels are different, run by run.

    States that are ``unread``, by alphabet name, are left out, because they differ from run to run. A cell that
    refuses the first step of the first script, or cannot be built, has the fact "absent", the reason, alone. Raises
    TargetError where the target cannot be imported, and ValueError where scripts and adapter do not fit.
    """
    build = subject_factory(adapter)
    adapter = _without_unknown_options(adapter, build)
    reason = _absence(adapter, cell, scripts[0], build, reached) if scripts else ""
    if reason:
        return Recording({"absent": reason}, {})
    facts: dict[str, Any] = {}
    tensors: dict[str, NDArray[Any]] = {}
    for script in scripts:
        recording = _recorded(adapter, cell, script, build, reached, unread=unread)
        facts[script.label] = recording.facts
        tensors |= {f"{script.label}/{name}": values for name, values in recording.tensors.items()}
    return Recording({"runs": facts}, tensors)


def _absence(
    adapter: Adapter, cell: Cell, script: Script, build: Callable[..., Any], reached: Reached | None = None
) -> str:
    """Return the error with which a cell refuses a first plain step, "" where it takes it."""
    plain = replace(script.until(1), steps=tuple(replace(step, reload="") for step in script.steps[:1]))
    with captured_warnings(), torch_settings(plain):
        fault = ScriptExecution(adapter, cell, plain, build, reached).trajectory().fault
    return "" if fault is None or fault.kind != "raised" else stable_line(fault.message)


def _recorded(
    adapter: Adapter,
    cell: Cell,
    script: Script,
    build: Callable[..., Any],
    reached: Reached | None = None,
    start: Mapping[str, Any] | None = None,
    unread: Sequence[str] = (),
) -> Recording:
    with captured_warnings() as warned, torch_settings(script), filled_memory():
        run = ScriptExecution(adapter, cell, script, build, reached, start)
        trajectory = run.trajectory()
        observed = tuple(name for name in trajectory.observed if name not in unread)
        recording = to_recording(script, replace(trajectory, observed=observed))
        unmapped = _unmapped(run)
    fault = recording.facts["fault"]
    stable_fault = None if fault is None else [fault[0], stable_line(fault[1]), fault[2]]
    facts = {**recording.facts, "fault": stable_fault, "warnings": list(dict.fromkeys(warned))}
    return Recording(facts, {**recording.tensors, **unmapped})


def checkpoint(adapter: Adapter, cell: Cell, script: Script, at: int, *, reached: Reached | None = None) -> Recording:
    """Return what ``cell`` does over ``script``, and its state dict after step ``at``, serialized.

    The state dict is the fact "saved"; its tensors are "saved 0" and so on. Absent as in ``record``.
    """
    build = subject_factory(adapter)
    adapter = _without_unknown_options(adapter, build)
    reason = _absence(adapter, cell, script, build, reached)
    if reason:
        return Recording({"absent": reason}, {})
    recording = _recorded(adapter, cell, script, build, reached)
    head = script.until(at)
    with captured_warnings(), torch_settings(head):
        run = ScriptExecution(adapter, cell, head, build, reached)
        fault = run.trajectory().fault
        if fault is not None or not hasattr(run.subject.objects[0], "state_dict"):
            return Recording({"absent": stable_line(fault.message) if fault else "it has no state_dict()"}, {})
        tree, arrays = serialize(copy.deepcopy(run.subject.objects[0].state_dict()))
    saved = {f"saved {number}": values for number, values in enumerate(arrays)}
    return Recording({**recording.facts, "at": at, "saved": tree}, {**recording.tensors, **saved})


def resume(
    adapter: Adapter,
    cell: Cell,
    script: Script,
    tree: Any,
    arrays: Sequence[NDArray[Any]],
    *,
    reached: Reached | None = None,
) -> Recording:
    """Return what ``cell`` does over ``script`` once it has loaded the state dict that ``tree`` and ``arrays`` hold."""
    try:
        build = subject_factory(adapter)
    except ValueError as error:
        return Recording({"absent": str(error)}, {})
    return _recorded(
        _without_unknown_options(adapter, build), cell, script, build, reached, start=deserialize(tree, list(arrays))
    )


def _without_unknown_options(adapter: Adapter, build: Callable[..., Any]) -> Adapter:
    """Return ``adapter`` without options that a mode switches off and that this release of its class does not have.

    An adapter says ``fused=False`` of every other mode; a release without a fused path has these modes as well.
    """
    accepted = inspect.signature(build).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in accepted.values()):
        return adapter
    modes = {
        mode: {name: value for name, value in options.items() if value is not False or name in accepted}
        for mode, options in adapter.modes.items()
    }
    return replace(adapter, modes=modes)


def _unmapped(run: ScriptExecution) -> dict[str, NDArray[Any]]:
    """Return the optimizer's state at the end that its adapter does not map, by tensor and path."""
    subject = run.subject
    if not subject.objects or subject.adapter.takes != "groups" or not state_access.is_optimizer(subject.objects[0]):
        return {}
    mapped = {*subject.adapter.states.values(), subject.adapter.count}
    unmapped: dict[str, NDArray[Any]] = {}
    for index in range(len(subject.parameters)):
        optimizer, location = subject.owner(index)
        table = state_access.state_of(optimizer, location.parameter)
        for key, value in table.items() if isinstance(table, Mapping) else ():
            if key not in mapped:
                for path, leaf in _leaves(str(key), value):
                    unmapped[f"beside {index} {path}"] = leaf
    return unmapped


def _leaves(path: str, value: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the numbers and tensors in ``value``; a number as float64, complex ones as pairs."""
    if isinstance(value, torch.Tensor):
        dense = value.detach().to_dense() if value.is_sparse else value.detach()
        if dense.is_complex():
            dense = torch.view_as_real(dense.resolve_conj())
        plain = dense.cpu().float() if dense.dtype in (torch.bfloat16, torch.float16) else dense.cpu()
        yield path, plain.numpy().reshape(-1).copy()
    elif isinstance(value, (bool, int, float)):
        yield path, np.array([float(value)])
    elif isinstance(value, (list, tuple)):
        for number, entry in enumerate(value[:_MOST_ENTRIES]):
            yield from _leaves(f"{path}[{number}]", entry)
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _leaves(f"{path}[{key!r}]", entry)
