"""Recordings: what a cell did, as JSON facts and named arrays; trajectories in that form, and back.

Values of all tensors and steps are joined in one flat array for each output, so that a recording is a few arrays, and
cells that did the same have the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Entry, Fault, Trace, Trajectory

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Recording:
    """What a cell did: ``facts`` are JSON values, ``tensors`` arrays by name."""

    facts: Mapping[str, Any]
    tensors: Mapping[str, Array]


def to_recording(script: Script, trajectory: Trajectory) -> Recording:
    """Return ``trajectory``, of ``script``, without what follows from the script or from the step before."""
    flat = _Flat()
    before: list[list[int]] = []
    for index, (tensor, trace) in enumerate(zip(script.tensors, trajectory.traces, strict=True)):
        flat.put("theta", trace.theta)
        flat.put("count", trace.count)
        expected = _expected_before(expand(tensor.initial, tensor.size, tensor.dtype), trace.theta)
        for row in np.flatnonzero(~_same_rows(trace.before, expected)):
            before.append([index, int(row)])
            flat.put("before", trace.before[row])
    for name in trajectory.observed:
        for trace in trajectory.traces:
            flat.put(f"state {name}", np.ascontiguousarray(trace.states[name]))
    for name in ("returned", "losses"):
        if values := getattr(trajectory, name):
            flat.put(name, np.array(values, dtype=np.float64))
    fault = trajectory.fault
    facts = {
        "steps": trajectory.steps,
        "fault": None if fault is None else [fault.kind, fault.message, fault.step],
        "states": {
            name: _distinct(
                [
                    [int(trace.states[name].shape[1]), trace.states[name].dtype.char, _runs(trace.present[name])]
                    for trace in trajectory.traces
                ]
            )
            for name in trajectory.observed
        },
        "before": before,
        "wrote": list(trajectory.modified_gradients),
        "calls": list(trajectory.calls),
        "held": _distinct(
            [[[e.key, e.dtype, e.device, list(e.shape)] for e in entries] for entries in trajectory.entries]
        ),
    }
    return Recording(facts, flat.joined())


def to_trajectory(script: Script, recording: Recording) -> Trajectory:
    """Return the trajectory that ``to_recording`` was given."""
    facts, flat = recording.facts, _Reader(recording.tensors)
    steps = int(facts["steps"])
    changed = {(index, row) for index, row in facts["before"]}
    thetas, counts, befores = [], [], []
    for index, tensor in enumerate(script.tensors):
        kind = np.dtype(np.float64 if tensor.dtype in ("float64", "complex128") else np.float32)
        theta = flat.take("theta", kind, (steps, tensor.size))
        thetas.append(theta)
        counts.append(flat.take("count", np.dtype(np.float64), (steps + 1,)))
        before = _expected_before(expand(tensor.initial, tensor.size, tensor.dtype), theta)
        for row in range(steps):
            if (index, row) in changed:
                before[row] = flat.take("before", kind, (tensor.size,))
        befores.append(before)
    states: list[dict[str, Array]] = [{} for _ in script.tensors]
    present: list[dict[str, NDArray[np.bool_]]] = [{} for _ in script.tensors]
    for name, shapes in facts["states"].items():
        for index, (width, char, runs) in enumerate(_listed(shapes)):
            exists = np.repeat([bool(number % 2) for number in range(len(runs))], runs)
            states[index][name] = flat.take(f"state {name}", np.dtype(char), (len(exists), width))
            present[index][name] = exists
    fault = facts["fault"]
    return Trajectory(
        traces=tuple(
            Trace(before, theta, states[index], present[index], count)
            for index, (before, theta, count) in enumerate(zip(befores, thetas, counts, strict=True))
        ),
        steps=steps,
        fault=None if fault is None else Fault(str(fault[0]), str(fault[1]), int(fault[2])),
        observed=tuple(facts["states"]),
        modified_gradients=tuple(facts["wrote"]),
        calls=tuple(facts["calls"]),
        returned=tuple(flat.rest("returned")),
        losses=tuple(flat.rest("losses")),
        entries=tuple(
            tuple(Entry(key, dtype, device, int(np.prod(shape)), tuple(shape)) for key, dtype, device, shape in rows)
            for rows in _listed(facts["held"])
        ),
    )


def concatenate(head: Trajectory, tail: Trajectory) -> Trajectory:
    """Return the run of ``head`` and then ``tail``, whose first observation is where ``head`` ended."""

    def joined(first: Array, second: Array) -> Array:
        return np.concatenate([first, second]) if len(first) else second

    traces = [
        Trace(
            before=joined(one.before, other.before),
            theta=joined(one.theta, other.theta),
            states={name: _joined_states(one.states[name], other.states[name][1:]) for name in other.states},
            present={name: joined(one.present[name], other.present[name][1:]) for name in other.present},
            count=joined(one.count, other.count[1:]),
        )
        for one, other in zip(head.traces, tail.traces, strict=True)
    ]
    fault = tail.fault
    return Trajectory(
        traces=tuple(traces),
        steps=head.steps + tail.steps,
        fault=None if fault is None else Fault(fault.kind, fault.message, fault.step and fault.step + head.steps),
        observed=tail.observed,
        modified_gradients=tail.modified_gradients,
        entries=tail.entries,
    )


def _joined_states(first: Array, second: Array) -> Array:
    """Return the rows of both, of which one may have a single number where the other has one an element."""
    width = max(first.shape[1], second.shape[1])
    rows = [np.broadcast_to(part, (len(part), width)) for part in (first, second)]
    return np.concatenate(rows) if len(second) else rows[0]


def truncate(trajectory: Trajectory, steps: int) -> Trajectory:
    """Return the first ``steps`` steps of a trajectory."""
    return Trajectory(
        traces=tuple(
            Trace(
                before=trace.before[:steps],
                theta=trace.theta[:steps],
                states={name: rows[: steps + 1] for name, rows in trace.states.items()},
                present={name: rows[: steps + 1] for name, rows in trace.present.items()},
                count=trace.count[: steps + 1],
            )
            for trace in trajectory.traces
        ),
        steps=steps,
        observed=trajectory.observed,
    )


def _expected_before(initial: Array, theta: Array) -> Array:
    """Return what each step starts from if nothing but steps changes a parameter."""
    return np.concatenate([initial[None].astype(theta.dtype), theta[:-1]]) if len(theta) else theta


def _same_rows(one: Array, other: Array) -> NDArray[np.bool_]:
    """Return which rows hold the same values, with zeros of the same sign."""
    with np.errstate(invalid="ignore"):
        same = ((one == other) & (np.signbit(one) == np.signbit(other))) | (np.isnan(one) & np.isnan(other))
    return np.asarray(same.all(axis=1))


def _distinct(values: list[Any]) -> list[Any]:
    """Return the distinct ones of ``values``, and the index of each value among them."""
    kinds: list[Any] = []
    for value in values:
        if value not in kinds:
            kinds.append(value)
    return [kinds, [kinds.index(value) for value in values]]


def _listed(pair: list[Any]) -> list[Any]:
    """Return the values that ``_distinct`` wrote as ``pair``."""
    kinds, indices = pair
    return [kinds[index] for index in indices]


def _runs(flags: Sequence[bool] | NDArray[np.bool_]) -> list[int]:
    """Return the lengths of the runs of equal flags; the first is of False, and may be 0."""
    lengths = [(flag, len(list(group))) for flag, group in groupby(map(bool, flags))]
    return [0, *(n for _, n in lengths)] if lengths and lengths[0][0] else [n for _, n in lengths]


class _Flat:
    """Arrays by name and dtype, appended to one another."""

    def __init__(self) -> None:
        self.parts: dict[str, list[Array]] = {}

    def put(self, name: str, values: Array) -> None:
        self.parts.setdefault(f"{name}.{values.dtype.char}", []).append(values.reshape(-1))

    def joined(self) -> dict[str, Array]:
        joined = {name: np.concatenate(parts) for name, parts in self.parts.items()}
        return {name: values for name, values in joined.items() if values.size}


class _Reader:
    """Takes from the arrays that ``_Flat`` joined, in the same order."""

    def __init__(self, tensors: Mapping[str, Array]) -> None:
        self.tensors = tensors
        self.at: dict[str, int] = {}

    def take(self, name: str, kind: np.dtype[Any], shape: tuple[int, ...]) -> Array:
        size = int(np.prod(shape))
        key = f"{name}.{kind.char}"
        if not size:
            return np.zeros(shape, kind)
        start = self.at.get(key, 0)
        self.at[key] = start + size
        return self.tensors[key][start : start + size].reshape(shape)

    def rest(self, name: str) -> Iterator[float]:
        yield from self.tensors.get(f"{name}.d", np.zeros(0)).tolist()
