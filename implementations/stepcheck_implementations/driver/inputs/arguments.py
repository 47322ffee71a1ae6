"""Arguments: hyper-parameters by alphabet name, as the arguments of a subject's constructor."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from stepcheck_implementations.driver.error_text import Misfit

_SLOT = re.compile(r"^(\w+)\[(\d+)\]$")


def arguments(
    slots: Mapping[str, str], hyper: Mapping[str, float], build: Callable[..., Any], target: str = "it"
) -> dict[str, Any]:
    """Return constructor arguments for ``hyper``; other entries of a tuple are its default's.

    ``slots`` maps alphabet names to arguments, "betas[0]" meaning an entry of a tuple. Raises Misfit for a
    hyper-parameter that has none.
    """
    passed: dict[str, Any] = {}
    for name, value in hyper.items():
        slot = slots.get(name)
        if slot is None:
            raise Misfit(f"{name}={value!r}, but {target} takes {', '.join(slots)}")
        entry = _SLOT.match(slot)
        if entry is None:
            passed[slot] = value
            continue
        key, index = entry.group(1), int(entry.group(2))
        if key not in passed:
            passed[key] = list(_default(build, key, slots))
        passed[key] += [0.0] * (index + 1 - len(passed[key]))
        passed[key][index] = value
    return {key: tuple(value) if isinstance(value, list) else value for key, value in passed.items()}


def _default(build: Callable[..., Any], key: str, slots: Mapping[str, str]) -> tuple[Any, ...]:
    try:
        default = _cached_default(build, key)
    except TypeError:  # it cannot be hashed
        default = _parameter_default(build, key)
    if isinstance(default, (tuple, list)):
        return tuple(default)
    return (0.0,) * sum(slot.startswith(f"{key}[") for slot in slots.values())


def _parameter_default(build: Callable[..., Any], key: str) -> object:
    """Return the default of ``build``'s argument ``key``, ``None`` where it has no such argument."""
    parameter = inspect.signature(build).parameters.get(key)
    return None if parameter is None else parameter.default


_cached_default = lru_cache(maxsize=64)(_parameter_default)
"""Reading a signature takes as long as a step, and every construction needs the same."""
