"""The worker's protocol: frames of a JSON header and raw array bytes. No pickle, no torch.

A frame is two little-endian unsigned 64-bit lengths, then the header, then the arrays in C order, each padded to a
multiple of 8 bytes so that all are aligned. Adapters, cells, claims and trajectories are sent as ``dataclass_codec``
encodes them.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LENGTHS = struct.Struct("<QQ")
_ENCODER = json.JSONEncoder(separators=(",", ":"))
_DECODER = json.JSONDecoder()
MOST = 1 << 30
"""Bytes that a header, and the arrays together, may have where nothing says how many they should have."""
_CHUNK = 1 << 20
"""Bytes allocated before some of them have come."""

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


def unpack(read: Read, most: int = MOST) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """Return the header and arrays of the frame that ``read(count)`` yields.

    Raises ProtocolError for anything that is no frame, before more than ``most`` bytes are allocated for it, and
    whatever ``read`` raises.
    """
    head_length, body_length = _LENGTHS.unpack(bytes(read(_LENGTHS.size)))
    if head_length > most or body_length > most:
        raise ProtocolError(f"a frame of {head_length} and {body_length} bytes")
    head, body = bytes(read(head_length)), read(body_length)
    try:
        header = _DECODER.decode(head.decode())
        return header, list(_arrays(header.pop("arrays"), body, most))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise ProtocolError(f"{type(error).__name__}: {error}") from error


def _arrays(table: Sequence[tuple[str, Sequence[int], int]], body: bytes | bytearray, most: int) -> Iterator[Any]:
    """Yield the arrays that ``table`` describes as (dtype, shape, length in ``body``)."""
    offset = 0
    for kind, shape, length in table:
        dtype = np.dtype(kind)
        if dtype.kind not in "biufc" or min(shape, default=0) < 0 or not 0 <= length <= len(body) - offset:
            raise ValueError(f"array={kind!r} of shape {shape} in {length} bytes")
        if length == 0:
            if math.prod(shape) * dtype.itemsize > most:
                raise ValueError(f"array={kind!r} of shape {shape}")
            yield np.broadcast_to(np.zeros((), dtype), tuple(shape))
            continue
        yield np.frombuffer(body, dtype, length // dtype.itemsize, offset).reshape(shape)
        offset += length + -length % 8


def reader(receive: Callable[[memoryview], int]) -> Read:
    """Return what reads so many bytes by ``receive``: it fills part of a view and returns its size, 0 at the end."""

    def read(count: int) -> bytearray:
        data = bytearray(min(count, _CHUNK))
        filled = 0
        while filled < count:
            if filled == len(data):
                data += bytes(min(count, 2 * filled) - filled)
            with memoryview(data) as view:
                received = receive(view[filled:])
            if received == 0:
                raise EOFError
            filled += received
        return data

    return read
