"""The worker's protocol: frames of a JSON header and raw array bytes. No pickle, no torch.

A frame is two little-endian unsigned 64-bit lengths, then the header, then the arrays in C order, each filled
up to a multiple of 8 bytes. What crosses is plain: adapters, cells, scripts, trajectories, descriptions.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck_implementations.adapters.adapter import Adapter, Cell, Configuration
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_reference.scripts.trajectory import Entry, Fault, Trace, Trajectory

_LENGTHS = struct.Struct("<QQ")
_ENCODER = json.JSONEncoder(separators=(",", ":"))
_LIMIT = 1 << 34
"""Bytes; a longer frame is not one of ours."""

Arrays = Sequence[NDArray[Any]]


class ProtocolError(Exception):
    """Bytes that are no frame."""


def pack(header: Mapping[str, Any], arrays: Arrays = ()) -> bytes:
    """Return the frame of ``header`` and ``arrays``.

    An array that repeats one zero in memory (all strides 0) travels as its shape alone.
    """
    table, pieces = [], []
    for array in arrays:
        if array.size and not any(array.strides) and array.ndim and not array.flat[0]:
            table.append((array.dtype.str, array.shape, 0))
            continue
        whole = array.tobytes()
        table.append((array.dtype.str, array.shape, len(whole)))
        pieces.append(whole)
        if len(whole) % 8:
            pieces.append(bytes(-len(whole) % 8))
    head = _ENCODER.encode({**header, "arrays": table}).encode()
    return b"".join((_LENGTHS.pack(len(head), sum(map(len, pieces))), head, *pieces))


def unpack(read: Callable[[int], bytearray | bytes]) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """Return the header and arrays of the frame that ``read(count)`` yields; raises Garbled and what it raises."""
    head_length, body_length = _LENGTHS.unpack(bytes(read(_LENGTHS.size)))
    if head_length > _LIMIT or body_length > _LIMIT:
        raise ProtocolError(f"frame of {head_length} and {body_length} bytes")
    try:
        header = json.loads(bytes(read(head_length)))
        table = header.pop("arrays")
    except (ValueError, KeyError, AttributeError) as error:
        raise ProtocolError(repr(error)) from error
    body = read(body_length)
    arrays: list[NDArray[Any]] = []
    offset = 0
    for kind, shape, length in table:
        dtype = np.dtype(kind)
        if length == 0:
            arrays.append(np.broadcast_to(np.zeros((), dtype), tuple(shape)))
            continue
        count = length // dtype.itemsize
        arrays.append(np.frombuffer(body, dtype, count, offset).reshape(shape))
        offset += length + -length % 8
    return header, arrays


_TOLD = ("calls", "returned", "losses")
"""What a trajectory tells of closures, where there were any."""

PLAIN = ("target", "rule", "count", "declared", "takes", "compiler", "not_complex", "source")
"""Fields of an adapter that cross as they are."""


def adapter_to_plain(adapter: Adapter) -> dict[str, Any]:
    """Return ``adapter`` as JSON values."""
    return {
        **{name: getattr(adapter, name) for name in PLAIN},
        "through": adapter.wrapper,
        "hyper": dict(adapter.hyper),
        "states": dict(adapter.states),
        "settings": None if adapter.settings is None else dict(adapter.settings),
        "modes": {mode: dict(arguments) for mode, arguments in adapter.modes.items()},
        "configurations": [
            {
                "name": entry.name,
                "options": dict(entry.options),
                "rule": entry.rule,
                "rewrites": list(entry.rewrites),
                "holds": dict(entry.fixed_hyper),
            }
            for entry in adapter.configurations
        ],
    }


def adapter_from_plain(raw: Mapping[str, Any]) -> Adapter:
    """Return the adapter that ``adapter_to_plain`` wrote."""
    fields = {**raw, "wrapper": raw["through"]}
    del fields["through"]
    configurations = [
        Configuration(
            entry["name"], entry["options"], entry["rule"], tuple(entry["rewrites"]), fixed_hyper=entry["holds"]
        )
        for entry in raw["configurations"]
    ]
    return Adapter(**{**fields, "configurations": tuple(configurations)})


def cell_to_plain(cell: Cell) -> dict[str, Any]:
    """Return ``cell`` as JSON values."""
    return {**asdict(cell), "fixed": [list(pair) for pair in cell.fixed], "maps": [list(pair) for pair in cell.maps]}


def cell_from_plain(raw: Mapping[str, Any]) -> Cell:
    """Return the cell that ``cell_to_plain`` wrote."""
    pairs = {key: tuple((name, value) for name, value in raw[key]) for key in ("fixed", "maps")}
    return Cell(**{**raw, **pairs})


def recording_to_plain(recording: Recording) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """Return ``recording`` as a header and its arrays."""
    return {"facts": recording.facts, "names": list(recording.tensors)}, list(recording.tensors.values())


def recording_from_plain(header: Mapping[str, Any], arrays: Arrays) -> Recording:
    """Return the recording that ``recording_to_plain`` wrote."""
    return Recording(header["facts"], dict(zip(header["names"], arrays, strict=True)))


def trajectory_to_plain(trajectory: Trajectory) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """Return ``trajectory`` as a header and the arrays it counts off, trace by trace."""
    arrays: list[NDArray[Any]] = []
    for trace in trajectory.traces:
        arrays += [trace.before, trace.theta, trace.count]
        for name in trajectory.observed:
            arrays += [trace.states[name], trace.present[name]]
    fault = trajectory.fault
    header = {
        "steps": trajectory.steps,
        "observed": list(trajectory.observed),
        "fault": None if fault is None else [fault.kind, fault.message, fault.step],
        "traces": len(trajectory.traces),
        "wrote": list(trajectory.modified_gradients),
        **{name: value for name in _TOLD if (value := list(getattr(trajectory, name)))},
        "entries": [[[e.key, e.dtype, e.device, e.size, list(e.shape)] for e in held] for held in trajectory.entries],
    }
    return header, arrays


def trajectory_from_plain(header: Mapping[str, Any], arrays: Arrays) -> Trajectory:
    """Return the trajectory that ``trajectory_to_plain`` wrote."""
    observed = tuple(header["observed"])
    each = 3 + 2 * len(observed)
    traces = []
    for start in range(0, each * header["traces"], each):
        before, theta, count, *rest = arrays[start : start + each]
        traces.append(
            Trace(
                before=before,
                theta=theta,
                states=dict(zip(observed, rest[0::2], strict=True)),
                present=dict(zip(observed, rest[1::2], strict=True)),
                count=count,
            )
        )
    fault = header["fault"]
    return Trajectory(
        traces=tuple(traces),
        steps=int(header["steps"]),
        fault=None if fault is None else Fault(str(fault[0]), str(fault[1]), int(fault[2])),
        observed=observed,
        modified_gradients=tuple(header["wrote"]),
        **{name: tuple(header.get(name, ())) for name in _TOLD},
        entries=tuple(
            tuple(Entry(key, dtype, device, size, tuple(shape)) for key, dtype, device, size, shape in held)
            for held in header["entries"]
        ),
    )
