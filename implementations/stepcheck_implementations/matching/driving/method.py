"""Methods that take a step when they are given gradients, and what each of their arguments is."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stepcheck_implementations.matching.aliases import (
    COUNT_ALIASES,
    GRADIENT_ARGUMENTS,
    SINGLE_TENSORS,
    TENSOR_LISTS,
)

METHODS = (
    *("step", "update", "apply", "apply_gradients", "apply_grads", "update_params", "update_parameters"),
    *("update_weights", "get_updates", "get_update", "optimize", "__call__"),
)
"""What such a method may be called."""
RETURN_CHANGES = ("get_updates", "get_update")
"""Methods that return what is to be added to the parameters, unless they return the parameters."""
_NAMES = ("key", "name", "param_name", "layer_name", "layer", "id", "index", "idx", "i")
"""Names of an argument that says which parameter it is."""
_COUNTS = (*COUNT_ALIASES, "epoch", "n", "k")


@dataclass(frozen=True, slots=True)
class Method:
    """A method, and the role of each argument that it needs: "params", "grads", "name" or "count".

    ``constructor`` is the constructor's argument that takes the parameters, "" where the method takes them.
    """

    name: str
    roles: Mapping[str, str]
    constructor: str = ""


def method_of(kind: Any) -> Method | None:
    """Return how ``kind`` takes a step, None where it has ``step()`` or no method that can be called."""
    if not isinstance(kind, type) or _needs(kind, "step") == []:
        return None
    given = _parameters_given(kind)
    for name in METHODS:
        needed = _needs(kind, name)
        if not needed:
            continue
        roles = _roles(needed, given=bool(given))
        if roles is not None:
            return Method(name, roles, given)
    return None


def needs_closure(kind: Any) -> bool:
    """Whether ``step()`` of ``kind`` cannot be called without a closure."""
    return isinstance(kind, type) and _needs(kind, "step") == ["closure"]


def _needs(kind: type, name: str) -> list[str] | None:
    """Return the arguments that a method needs besides itself; None where there is no such method."""
    method = getattr(kind, name, None)
    if not inspect.isroutine(method):
        return None
    try:
        entries = list(inspect.signature(method).parameters.values())
    except (TypeError, ValueError):
        return None
    static = isinstance(inspect.getattr_static(kind, name), (staticmethod, classmethod))
    rest = entries if static else entries[1:]
    return [e.name for e in rest if e.default is e.empty and e.kind in (e.POSITIONAL_ONLY, e.POSITIONAL_OR_KEYWORD)]


def _roles(needed: list[str], *, given: bool) -> dict[str, str] | None:
    """Return the role of each argument, None where nothing tells what one is."""
    if "closure" in needed:
        return None
    roles = {name: "count" for name in needed[1:] if name in _COUNTS}
    rest = [name for name in needed if name not in roles]
    if len(rest) == 3 and rest[2] in _NAMES:
        roles[rest.pop()] = "name"
    elif len(rest) == 3 and rest[0] in _NAMES:
        roles[rest.pop(0)] = "name"
    if len(rest) == 1 and (given or is_gradient(rest[0])):
        return {**roles, rest[0]: "grads"} if given else None
    if len(rest) != 2:
        return None
    swapped = is_gradient(rest[0]) and not is_gradient(rest[1])
    first, second = ("grads", "params") if swapped else ("params", "grads")
    return {name: {**roles, rest[0]: first, rest[1]: second}[name] for name in needed}


def is_gradient(name: str) -> bool:
    """Whether an argument's name says that it takes gradients."""
    return name in GRADIENT_ARGUMENTS or "grad" in name


def _parameters_given(kind: type) -> str:
    """Return the constructor's argument that takes the parameters, "" without one."""
    try:
        entries = list(inspect.signature(kind).parameters.values())
    except (TypeError, ValueError):
        return ""
    if not entries or entries[0].default is not entries[0].empty:
        return ""
    return entries[0].name if entries[0].name in (*TENSOR_LISTS, *SINGLE_TENSORS, "variables", "vars") else ""
