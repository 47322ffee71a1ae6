"""State dicts without pickle: a tree of JSON values and a list of NumPy arrays, which together preserve every bit.

A tree holds None, truth values, integers, finite floats, strings and lists as they are. Everything else is a dict with
a key of its own: "tuple"; "dict", "OrderedDict" or "Counter" (pairs of key and value, in order); "float" ("inf",
"-inf", "nan", or 16 hexadecimal digits of any other nan); "complex"; "tensor" (the number of its array, with dtype,
device and whether it requires a gradient); "opaque" (the type of what is no plain value).
"""

from __future__ import annotations

import math
import struct
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

_MAPPINGS: tuple[type, ...] = (OrderedDict, Counter, dict)
"""What a mapping is written as: the first of these that it is an instance of."""

_NUMPY_DTYPES = frozenset(
    getattr(torch, name)
    for name in (
        *("bool", "uint8", "int8", "int16", "int32", "int64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    )
)
"""The dtypes that NumPy has, too, in every version."""

_BIT_CARRIERS: Mapping[int, torch.dtype] = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Integers that carry the bits of other dtypes, by size in bytes."""

_BITS = struct.Struct(">d")
_NAN = _BITS.pack(math.nan)


def serialize(state_dict: Any) -> tuple[Any, list[NDArray[Any]]]:
    """Return the JSON tree of ``state_dict`` and its arrays, which are copies in C order.

    A tensor that occurs several times has one array. What is no plain value (a function, an object, a tensor that
    is sparse, quantized or of a subclass) becomes {"opaque": its type}.
    """
    arrays: list[NDArray[Any]] = []
    return _serialized(state_dict, arrays, {}), arrays


def deserialize(tree: Any, arrays: Sequence[NDArray[Any]], device: str = "cpu") -> Any:
    """Return the state dict that ``serialize`` wrote, its tensors on ``device`` and opaque values as None.

    Raises ValueError for a tree that ``serialize`` did not make, and IndexError for an array that is missing.
    """
    return _deserialized(tree, arrays, device, {})


def _serialized(value: Any, arrays: list[NDArray[Any]], numbers: dict[int, int]) -> Any:
    if value is None or isinstance(value, str) or type(value) in (bool, int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"float": _float_text(value)}
    if type(value) is complex:
        return {"complex": [_serialized(value.real, arrays, numbers), _serialized(value.imag, arrays, numbers)]}
    if type(value) in (list, tuple):
        entries = [_serialized(entry, arrays, numbers) for entry in value]
        return entries if type(value) is list else {"tuple": entries}
    if isinstance(value, dict):
        kind = next(kind for kind in _MAPPINGS if isinstance(value, kind))
        pairs = [
            [_serialized(key, arrays, numbers), _serialized(entry, arrays, numbers)] for key, entry in value.items()
        ]
        return {kind.__name__: pairs}
    if isinstance(value, torch.Tensor) and _is_plain(value):
        if id(value) not in numbers:
            numbers[id(value)] = len(arrays)
            arrays.append(_array(value))
        return {
            "tensor": numbers[id(value)],
            "dtype": str(value.dtype).removeprefix("torch."),
            "device": str(value.device),
            "requires_grad": value.requires_grad,
        }
    return {"opaque": type_name(value)}


def type_name(value: object) -> str:
    """Return the name of the type of ``value``, with its module where that is not ``builtins``."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _float_text(value: float) -> str:
    if not math.isnan(value):
        return repr(float(value))
    bits = _BITS.pack(value)
    return "nan" if bits == _NAN else bits.hex()


def _is_plain(tensor: torch.Tensor) -> bool:
    return (
        type(tensor) in (torch.Tensor, torch.nn.Parameter)
        and tensor.layout == torch.strided
        and not tensor.is_quantized
        and tensor.device.type != "meta"
        and (tensor.dtype in _NUMPY_DTYPES or tensor.dtype.itemsize in _BIT_CARRIERS)
    )


def _array(tensor: torch.Tensor) -> NDArray[Any]:
    plain = tensor.detach().resolve_conj().resolve_neg().cpu().contiguous()
    if plain.dtype not in _NUMPY_DTYPES:
        plain = plain.view(_BIT_CARRIERS[plain.dtype.itemsize])
    array: NDArray[Any] = np.array(plain.numpy(), copy=True)
    return array


def _deserialized(tree: Any, arrays: Sequence[NDArray[Any]], device: str, tensors: dict[int, torch.Tensor]) -> Any:
    if isinstance(tree, list):
        return [_deserialized(entry, arrays, device, tensors) for entry in tree]
    if not isinstance(tree, dict):
        return tree
    if "tensor" in tree:
        number = tree["tensor"]
        if number not in tensors:
            tensors[number] = _tensor(arrays[number], tree["dtype"], device)
            tensors[number].requires_grad_(bool(tree["requires_grad"]))
        return tensors[number]
    if "tuple" in tree:
        return tuple(_deserialized(tree["tuple"], arrays, device, tensors))
    for kind in _MAPPINGS:
        if kind.__name__ in tree:
            pairs = [[_deserialized(entry, arrays, device, tensors) for entry in pair] for pair in tree[kind.__name__]]
            return kind(dict(pairs))
    if "float" in tree:
        text = tree["float"]
        return _BITS.unpack(bytes.fromhex(text))[0] if len(text) == 2 * _BITS.size else float(text)
    if "complex" in tree:
        return complex(*_deserialized(tree["complex"], arrays, device, tensors))
    if "opaque" in tree:
        return None
    raise ValueError(f"tree={', '.join(map(repr, tree))}, but should have a key that serialize writes")


def _tensor(array: NDArray[Any], dtype: str, device: str) -> torch.Tensor:
    kind = getattr(torch, dtype, None)
    if not isinstance(kind, torch.dtype):
        raise ValueError(f"dtype={dtype!r}, but torch {torch.__version__} has none of that name")
    tensor = torch.from_numpy(np.array(array, copy=True, order="C"))
    return (tensor if kind in _NUMPY_DTYPES else tensor.view(kind)).to(device)
