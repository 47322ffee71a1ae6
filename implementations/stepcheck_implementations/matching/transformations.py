"""Transformations: functions that return ``init`` and ``update`` over JAX arrays, as optax' do; no JAX is imported."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from stepcheck_implementations.matching.claim import PROBE_HYPER

_TRIED = 1e-3
"""The value of a required argument of unknown meaning with which a function is called to see what it returns."""


def is_factory(target_object: object) -> bool:
    """Whether ``target_object`` is a function that returns a transformation: its code uses JAX, and it does so."""
    if not inspect.isfunction(target_object) or not _uses_jax(target_object):
        return False
    if "GradientTransformation" in str(target_object.__annotations__.get("return", "")):
        return True
    entries = inspect.signature(target_object).parameters.values()
    required = {
        entry.name: PROBE_HYPER.get(entry.name, _TRIED)
        for entry in entries
        if entry.default is entry.empty and entry.kind in (entry.POSITIONAL_OR_KEYWORD, entry.KEYWORD_ONLY)
    }
    try:
        return is_transformation(target_object(**required))
    except Exception:  # whatever it wants, it is not made of numbers alone
        return False


def is_transformation(made: object) -> bool:
    """Whether ``made`` has ``init`` and ``update``, as an optax ``GradientTransformation`` has."""
    return all(callable(getattr(made, name, None)) for name in ("init", "update"))


def _uses_jax(function: Callable[..., Any]) -> bool:
    """Whether ``function`` is of optax, or of a module that has imported JAX or optax."""
    if not {"jax", "optax"} & set(sys.modules):
        return False
    if function.__module__.partition(".")[0] == "optax":
        return True
    values = getattr(inspect.unwrap(function), "__globals__", {}).values()
    names = (value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "") for value in values)
    return any(str(name).partition(".")[0] in ("jax", "optax") for name in names)
