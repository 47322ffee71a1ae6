"""How a baseline stores tensors: each once, in the narrowest format that holds its values, named by its digest."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck_implementations.recorder.recording import Recording

Tensors = dict[str, NDArray[Any]]


def json_text(value: Any) -> str:
    """Return a JSON value as text, the same for the same value."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True)


def digest(data: bytes) -> str:
    """Return 16 hexadecimal digits that stand for ``data``."""
    return blake2b(data, digest_size=8).hexdigest()


def json_digest(value: Any) -> str:
    """Return the digest of a JSON value."""
    return digest(json_text(value).encode())


def tensor_digest(values: NDArray[Any]) -> str:
    """Return the digest of a stored tensor: of its dtype and bytes."""
    return digest(values.dtype.str.encode() + values.tobytes())


def pack_tensors(recording: Recording) -> tuple[list[list[Any]], list[tuple[str, NDArray[Any]]]]:
    """Return (signatures, stored tensors with their digests) of a recording, in one order.

    A signature is [name, dtype character, *shape]; the shape is empty for one dimension, and [None] for a number.
    """
    signatures: list[list[Any]] = []
    tensors = []
    for name, values in sorted(recording.tensors.items()):
        shape = [] if values.ndim == 1 else list(values.shape) or [None]
        signatures.append([name, values.dtype.char, *shape])
        narrow = _narrowed(np.ascontiguousarray(values).reshape(-1))
        tensors.append((tensor_digest(narrow), narrow))
    return signatures, tensors


def unpack_tensor(values: NDArray[Any], char: str, shape: list[int | None]) -> NDArray[Any]:
    """Return a stored tensor in the dtype and shape of its signature."""
    kind = np.dtype(char)
    if kind.kind == "f" and values.dtype == np.uint16:
        values = (values.astype(np.uint32) << np.uint32(16)).view(np.float32)
    values = values.astype(kind)
    return values.reshape([size for size in shape if size is not None]) if shape else values


def _narrowed(values: NDArray[Any]) -> NDArray[Any]:
    """Return ``values`` in the narrowest of bfloat16 (as uint16), float16, float32 and their own dtype that holds them.

    A bfloat16 number is a float32 whose low 16 bits are zero, and has no dtype in NumPy: its high half is stored. Bits
    are compared, not values, so that -0.0 and every nan come back as they were.
    """
    if values.dtype.kind != "f":
        return values
    bits = np.uint32 if values.dtype == np.float32 else np.uint64
    with np.errstate(all="ignore"):
        single = values.astype(np.float32)
        if values.dtype == np.float64 and not np.array_equal(single.astype(np.float64).view(bits), values.view(bits)):
            return values
        words = single.view(np.uint32)
        if not (words & np.uint32(0xFFFF)).any():
            return (words >> np.uint32(16)).astype(np.uint16)
        half = single.astype(np.float16)
        return half if np.array_equal(half.astype(np.float32).view(np.uint32), words) else single
