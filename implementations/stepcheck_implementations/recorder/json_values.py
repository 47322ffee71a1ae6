"""Settings and layouts as JSON values that are the same in every run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from stepcheck_implementations.recorder.serialize import type_name


def to_json_value(value: Any) -> Any:
    """Return ``value`` as JSON values: numbers that are not finite as "nan" and "inf", tensors and dtypes as text.

    Keys become text and tuples lists; any other object is {"opaque": its type}, never its address.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (list, tuple)):
        return [to_json_value(entry) for entry in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    if isinstance(value, Mapping):
        return {str(key): to_json_value(entry) for key, entry in value.items()}
    if isinstance(value, torch.Tensor):
        one = value.numel() == 1 and not value.is_complex() and value.device.type != "meta"
        return {"tensor": type_text(value), **({"value": to_json_value(value.detach().item())} if one else {})}
    if isinstance(value, (torch.dtype, torch.device)):
        return str(value)
    return {"opaque": type_name(value)}


def type_text(value: Any) -> str:
    """Return the type of ``value`` as text; a tensor's with its dtype, shape and device."""
    if isinstance(value, torch.Tensor):
        words = [str(value.dtype).removeprefix("torch."), str(list(value.shape)), str(value.device)]
        if value.layout != torch.strided:
            words.append(str(value.layout).removeprefix("torch."))
        return f"{type_name(value).rpartition('.')[2]} {' '.join(words)}"
    return type_name(value)


_LARGEST_KEY = 1 << 20
"""A greater integer, as a key, is an object's id, which differs from run to run."""


def layout(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each path into ``value`` and the type of the value there; a list of numbers is one entry.

    A key that is an object, or the id of one, is written as its position.
    """
    if isinstance(value, Mapping) and value:
        for position, (key, entry) in enumerate(value.items()):
            yield from layout(
                entry, f"{path}.{key}".lstrip(".") if isinstance(key, str) else f"{path}[{_key(key, position)}]"
            )
    elif isinstance(value, (list, tuple)) and any(isinstance(entry, (Mapping, torch.Tensor)) for entry in value):
        for index, entry in enumerate(value):
            yield from layout(entry, f"{path}[{index}]")
    elif isinstance(value, (list, tuple)):
        yield path, f"{type_text(value)} of {', '.join(type_text(entry) for entry in value) or 'nothing'}"
    else:
        yield path, f"empty {type_text(value)}" if isinstance(value, Mapping) else type_text(value)


def _key(key: Any, position: int) -> str:
    if isinstance(key, int):
        return str(key) if key <= _LARGEST_KEY else f"id {position}"
    return f"{type_name(key)} {position}"
