"""Arguments: hyper-parameters by alphabet name, turned into what a subject's constructor is given."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

_SLOT = re.compile(r"^(\w+)\[(\d+)\]$")


def arguments(
    slots: Mapping[str, str], hyper: Mapping[str, float], build: Callable[..., Any], target: str = "it"
) -> dict[str, Any]:
    """Return constructor arguments for ``hyper``; entries of a tuple that are not given are its default's.

    ``slots`` maps alphabet names to arguments, "betas[0]" meaning an entry of a tuple. Raises ValueError for a
    hyper-parameter that has none.
    """
    given: dict[str, Any] = {}
    for name, value in hyper.items():
        slot = slots.get(name)
        if slot is None:
            raise ValueError(f"{name}={value!r}, but {target} takes {', '.join(slots)}")
        entry = _SLOT.match(slot)
        if entry is None:
            given[slot] = value
            continue
        key, place = entry.group(1), int(entry.group(2))
        if key not in given:
            given[key] = list(_default(build, key, slots))
        given[key] += [0.0] * (place + 1 - len(given[key]))
        given[key][place] = value
    return {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}


def _default(build: Callable[..., Any], key: str, slots: Mapping[str, str]) -> tuple[Any, ...]:
    try:
        default = _kept(build, key)
    except TypeError:  # it cannot be hashed
        default = _parameter(build, key)
    if isinstance(default, (tuple, list)):
        return tuple(default)
    return (0.0,) * sum(slot.startswith(f"{key}[") for slot in slots.values())


def _parameter(build: Callable[..., Any], key: str) -> object:
    """Return what ``build``'s argument ``key`` is by default, ``None`` where it has no such argument."""
    parameter = inspect.signature(build).parameters.get(key)
    return None if parameter is None else parameter.default


_kept = lru_cache(maxsize=64)(_parameter)
"""One construction after another asks for the same; reading a signature takes as long as a step."""
