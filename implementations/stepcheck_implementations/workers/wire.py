"""The worker's protocol: frames of a JSON header and raw array bytes. No pickle, no torch.

A frame is two little-endian unsigned 64-bit lengths, then the header, then the arrays in C order, each padded to a
multiple of 8 bytes so that all are aligned. Adapters, cells, claims and trajectories are sent as ``dataclass_codec``
encodes them.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LENGTHS = struct.Struct("<QQ")
_ENCODER = json.JSONEncoder(separators=(",", ":"))
_LIMIT = 1 << 34
"""Bytes; whatever says that it is longer is no frame, as what a subject has printed into the pipe."""

Arrays = Sequence[NDArray[Any]]
Read = Callable[[int], bytearray | bytes]
"""Returns the next so many bytes; raises EOFError where the other end is gone."""
Send = Callable[[bytes], None]


class ProtocolError(Exception):
    """Bytes that are no frame."""


def pack(header: Mapping[str, Any], arrays: Arrays = ()) -> bytes:
    """Return the frame of ``header`` and ``arrays``.

    An array that repeats one zero in memory (all strides 0) is sent as its shape alone.
    """
    table, pieces = [], []
    for array in arrays:
        if array.size and not any(array.strides) and array.ndim and not array.flat[0]:
            table.append((array.dtype.str, array.shape, 0))
            continue
        data = array.tobytes()
        table.append((array.dtype.str, array.shape, len(data)))
        pieces.append(data)
        if len(data) % 8:
            pieces.append(bytes(-len(data) % 8))
    head = _ENCODER.encode({**header, "arrays": table}).encode()
    return b"".join((_LENGTHS.pack(len(head), sum(map(len, pieces))), head, *pieces))


def unpack(read: Read) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """Return the header and arrays of the frame that ``read(count)`` yields.

    Raises ProtocolError for anything that is no frame, and whatever ``read`` raises.
    """
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


def reader(receive: Callable[[memoryview], int]) -> Read:
    """Return what reads so many bytes by ``receive``: it fills part of a view and returns its size, 0 at the end."""

    def read(count: int) -> bytearray:
        data = bytearray(count)
        view, filled = memoryview(data), 0
        while filled < count:
            received = receive(view[filled:])
            if received == 0:
                raise EOFError
            filled += received
        return data

    return read
