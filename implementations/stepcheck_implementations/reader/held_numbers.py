"""Held numbers: every tensor and number that an optimizer holds for its parameter, by path, and how to replace one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from stepcheck_implementations.driver.observing import state_access
from stepcheck_implementations.driver.observing.state_access import TensorLocation
from stepcheck_implementations.driver.observing.state_path import Part, Token, parts
from stepcheck_implementations.reader.carried_numbers import bare


def held(optimizer: Any, locations: Sequence[TensorLocation]) -> dict[str, list[Any]]:
    """Return what ``optimizer`` holds for each tensor: tensors of its shape or of one element, and numbers.

    Unlike ``state_access.all_leaves`` these may be entries of a parameter group that have a default: some optimizers
    keep states there.
    """
    leaves = state_access.all_leaves(optimizer, locations)
    if state_access.is_optimizer(optimizer):
        for key, value in optimizer.param_groups[0].items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                leaves.setdefault(f"group.{key}", [value] * len(locations))
    return leaves


def numbers_in(value: Any) -> list[float]:
    """Return the elements of a tensor or array, or a number, as floats; none of what is complex."""
    if isinstance(value, np.ndarray):
        return [] if value.dtype.kind not in "bif" else np.asarray(value, dtype=np.float64).reshape(-1).tolist()
    if isinstance(value, torch.Tensor):
        return [] if value.is_complex() else [float(entry) for entry in value.detach().reshape(-1).tolist()]
    return [float(bare(value))]


def bits(value: Any) -> object:
    """Return something that two values share only if they are the same bits."""
    if isinstance(value, torch.Tensor):
        if value.layout != torch.strided:
            return str(value)
        plain = value.detach().cpu().contiguous().reshape(-1)
        return str(value.dtype), tuple(plain.view(torch.uint8).tolist()) if plain.numel() else ()
    if isinstance(value, np.ndarray):
        return str(value.dtype), np.ndarray.tobytes(value)
    value = bare(value)
    if isinstance(value, np.generic):
        return str(value.dtype), value.tobytes()
    return value.hex() if isinstance(value, float) else value


def replace(optimizer: Any, path: str, value: Any, location: TensorLocation) -> bool:
    """Put ``value`` where the number at ``path`` is, into the elements of a tensor; say whether that was possible."""
    if not state_access.is_optimizer(optimizer):
        return _put(optimizer, parts(path), value, location)
    if path.startswith("group."):
        group = optimizer.param_groups[location.group]
        return _put(group, (path.removeprefix("group."),), value, location)
    if path.startswith("."):
        return _put(optimizer, parts(path), value, location)
    table = state_access.state_of(optimizer, location.parameter)
    return _put(table, (path,) if path in table else parts(path), value, location)


def _put(holder: Any, segments: tuple[Part, ...], value: Any, location: TensorLocation) -> bool:
    head, rest = segments[0], segments[1:]
    try:
        key = _key(holder, head, location)
        inside = holder[key] if isinstance(holder, (Mapping, list, tuple)) else getattr(holder, str(key))
        if rest:
            if isinstance(inside, tuple) and len(rest) == 1 and isinstance(rest[0], int):
                return _assign(holder, key, (*inside[: rest[0]], value, *inside[rest[0] + 1 :]))
            return _put(inside, rest, value, location)
        if isinstance(inside, torch.Tensor):
            with torch.no_grad():
                inside.detach().fill_(bare(value))
            return True
        if isinstance(inside, np.ndarray):
            inside.view(np.ndarray)[...] = bare(value)
            return True
        return _assign(holder, key, value)
    except (LookupError, AttributeError, TypeError, OverflowError, RuntimeError):
        return False


def _assign(holder: Any, key: Any, value: Any) -> bool:
    if isinstance(holder, (dict, list)):
        holder[key] = value
    else:
        setattr(holder, str(key), value)
    return True


def _key(holder: Any, part: Part, location: TensorLocation) -> Any:
    if not isinstance(part, Token):
        return part
    return state_access.key_of(part, location)
