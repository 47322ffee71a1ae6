"""Trajectories: what an optimizer did, as plain arrays.

Row 0 of every array is the situation before the first step, row s the one after step s. Values are
reals in C order of the elements, complex elements as (real, imaginary) pairs, stored exactly: binary32
arrays for formats of 32 bits and less, binary64 for float64 and complex128.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.dataclass_codec import json_field
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.scripts.script import Script

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Trace:
    """What happened to one tensor.

    ``before`` has shape (steps, size): the parameter just before each step, after any overwrite.
    ``theta`` has shape (steps, size): the parameter just after each step.
    ``states`` maps a state's alphabet name to shape (steps + 1, size), or (steps + 1, 1) for a scalar
    state; ``present`` maps it to shape (steps + 1,), False where the subject did not hold it yet.
    ``count`` has shape (steps + 1,): the subject's own step counter, -1 where it has none (yet).
    ``wider`` maps a state to its dtype where that has more bits than the tensor's, as long as it was held.
    """

    before: Array
    theta: Array
    states: Mapping[str, Array]
    present: Mapping[str, NDArray[np.bool_]]
    count: NDArray[np.float64]
    wider: Mapping[str, str] = json_field(omit_default=True, default_factory=dict)


FAULTS = ("raised", "crashed", "hung", "malformed")
"""How a subject may not finish its script."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a subject did not finish its script.

    ``kind`` is "raised" (an exception), "crashed" (the process died), "hung" (no answer in time) or
    "malformed" (a parameter changed shape or dtype, or was replaced); ``step`` counts from 1, 0 while
    constructing.
    """

    kind: str
    message: str
    step: int


GRADIENT_CHANGES = ("set to None", "replaced by another tensor", "set to zero", "overwritten")
"""What a step may do to a gradient that it should leave as it is."""

OFFERS = ("state_dict", "load_state_dict", "add_param_group", "zero_grad", "_step_supports_amp_scaling")
"""Attributes of an optimizer that conditions of laws depend on."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A tensor or number that an optimizer holds for a parameter.

    Its key, dtype ("" for a number), device, number of elements, and shape.
    """

    key: str
    dtype: str
    device: str
    size: int
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One trace a tensor, over the steps that were finished; ``fault`` says why there are no more."""

    traces: tuple[Trace, ...]
    steps: int
    fault: Fault | None = None
    observed: tuple[str, ...] = field(default=())
    """Alphabet names of the states that the adapter maps for this subject."""
    modified_gradients: tuple[int, ...] = ()
    """Tensors whose gradient was modified by a step."""
    gradient_changes: tuple[str, ...] = ()
    """What was done to the gradient of each of these: see ``GRADIENT_CHANGES``."""
    disturbed: tuple[str, ...] = ()
    """What was changed of the process's random numbers and of torch's settings."""
    offers: tuple[str, ...] = ()
    """What the subject's objects offer beside ``step()``: see ``OFFERS``."""
    calls: tuple[int, ...] = field(default=())
    """How often each finished step called the closure that it was given; empty where there was none."""
    returned: tuple[float, ...] = field(default=())
    """What each finished step returned where it was given a closure, nan where that is no number."""
    losses: tuple[float, ...] = field(default=())
    """The loss that the closure returned when each finished step called it last."""
    entries: tuple[tuple[Entry, ...], ...] = field(default=())
    """What the optimizer holds for each tensor at the end, an entry of its state each."""


def unobserved(script: Script, states: Iterable[str], fault: Fault | None) -> Trajectory:
    """Return the trajectory of a subject of which nothing was observed, not even what it started from."""
    traces = []
    for tensor in script.tensors:
        kind = np.float64 if tensor.dtype in ("float64", "complex128") else np.float32
        traces.append(
            Trace(
                before=np.zeros((0, tensor.size), kind),
                theta=np.zeros((0, tensor.size), kind),
                states={name: np.zeros((1, tensor.size), kind) for name in states},
                present={name: np.zeros(1, np.bool_) for name in states},
                count=np.full(1, -1.0),
            )
        )
    return Trajectory(tuple(traces), 0, fault, tuple(states))


def check_trajectory(trajectory: Trajectory, script: Script, states: tuple[str, ...]) -> None:
    """Raise ValueError unless ``trajectory`` is one that a run of ``script`` with these observed states can have."""
    steps, fault = trajectory.steps, trajectory.fault
    finished = 0 <= steps <= len(script.steps) and (fault is not None or steps == len(script.steps))
    if not finished or (fault is not None and (fault.kind not in FAULTS or not 0 <= fault.step <= len(script.steps))):
        raise ValueError(f"steps={steps} of {len(script.steps)}, fault={fault}")
    if trajectory.observed != states or len(trajectory.traces) != len(script.tensors):
        raise ValueError(f"observed={trajectory.observed}, traces={len(trajectory.traces)}")
    for tensor, trace in zip(script.tensors, trajectory.traces, strict=True):
        kind = np.float64 if tensor.dtype in ("float64", "complex128") else np.float32
        for name, array in (("before", trace.before), ("theta", trace.theta)):
            # A parameter with its compensation has more digits than its own format.
            if array.shape != (steps, tensor.size) or array.dtype not in (kind, np.float64):
                raise ValueError(f"{name}={array.dtype} of shape {array.shape}, but should have {steps} rows")
        if not (set(trace.wider) <= set(states) and set(trace.wider.values()) <= set(FORMATS)):
            raise ValueError(f"wider={dict(trace.wider)}")
        for name in states:
            shape, present = trace.states[name].shape, trace.present[name]
            if shape[:1] != (steps + 1,) or shape[1:] not in ((1,), (2,), (tensor.size,)):
                raise ValueError(f"{name} of shape {shape}, but should have {steps + 1} rows")
            if trace.states[name].dtype.kind != "f" or present.shape != (steps + 1,) or present.dtype.kind != "b":
                raise ValueError(f"{name}={trace.states[name].dtype}, present={present.dtype}")
        if trace.count.shape != (steps + 1,) or trace.count.dtype.kind != "f":
            raise ValueError(f"count={trace.count.dtype} of shape {trace.count.shape}")
    numbers = (*trajectory.modified_gradients, *trajectory.calls, *trajectory.returned, *trajectory.losses)
    if not all(isinstance(number, (int, float)) for number in numbers) or not (
        len(trajectory.calls) == len(trajectory.returned) == len(trajectory.losses) <= len(script.steps)
    ):
        raise ValueError("what the steps returned is no list of numbers")
    if not set(trajectory.modified_gradients) <= set(range(len(script.tensors))):
        raise ValueError(f"modified_gradients={trajectory.modified_gradients}")
    changes = trajectory.gradient_changes
    if not set(changes) <= set(GRADIENT_CHANGES) or len(changes) not in (0, len(trajectory.modified_gradients)):
        raise ValueError(f"gradient_changes={changes}")
    if not "".join((*trajectory.disturbed, *trajectory.offers)).isprintable():
        raise ValueError(f"disturbed={trajectory.disturbed}, offers={trajectory.offers}")
    if len(trajectory.entries) not in (0, len(script.tensors)):
        raise ValueError(f"entries={len(trajectory.entries)}")
    for entry in (entry for entries in trajectory.entries for entry in entries):
        if not f"{entry.key}{entry.dtype}{entry.device}".isprintable() or math.prod(entry.shape) < 0:
            raise ValueError(f"entry={entry}")
