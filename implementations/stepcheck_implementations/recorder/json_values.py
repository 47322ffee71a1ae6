"""Values told as JSON: what is recorded of settings and layouts, the same in every run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from stepcheck_implementations.recorder.serialize import type_name


def plain(value: Any) -> Any:
    """Return ``value`` as JSON values: numbers that are not finite as "nan" and "inf", tensors and dtypes in words.

    Keys become text and tuples lists; any other object is {"opaque": its type}, never its address.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, torch.Tensor):
        one = value.numel() == 1 and not value.is_complex() and value.device.type != "meta"
        return {"tensor": kind_of(value), **({"value": plain(value.detach().item())} if one else {})}
    if isinstance(value, (torch.dtype, torch.device)):
        return str(value)
    return {"opaque": type_name(value)}


def kind_of(value: Any) -> str:
    """Return the type of ``value`` in words; a tensor's with its dtype, shape and device."""
    if isinstance(value, torch.Tensor):
        words = [str(value.dtype).removeprefix("torch."), str(list(value.shape)), str(value.device)]
        if value.layout != torch.strided:
            words.append(str(value.layout).removeprefix("torch."))
        return f"{type_name(value).rpartition('.')[2]} {' '.join(words)}"
    return type_name(value)


_LARGEST_KEY = 1 << 20
"""A whole number above it, as a key, is an object's id, which differs from run to run."""


def layout(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each path into ``value`` and the type of what is there; a list of numbers is one entry.

    An object or its id, as a key, is told by its place.
    """
    if isinstance(value, Mapping) and value:
        for place, (key, entry) in enumerate(value.items()):
            yield from layout(
                entry, f"{path}.{key}".lstrip(".") if isinstance(key, str) else f"{path}[{_key(key, place)}]"
            )
    elif isinstance(value, (list, tuple)) and any(isinstance(entry, (Mapping, torch.Tensor)) for entry in value):
        for place, entry in enumerate(value):
            yield from layout(entry, f"{path}[{place}]")
    elif isinstance(value, (list, tuple)):
        yield path, f"{kind_of(value)} of {', '.join(kind_of(entry) for entry in value) or 'nothing'}"
    else:
        yield path, f"empty {kind_of(value)}" if isinstance(value, Mapping) else kind_of(value)


def _key(key: Any, place: int) -> str:
    if isinstance(key, int):
        return str(key) if key <= _LARGEST_KEY else f"id {place}"
    return f"{type_name(key)} {place}"
