"""State access: the numbers that a subject holds for a tensor, found by a walk and read by path (``state_path``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Real
from types import ModuleType
from typing import Any

import numpy as np
import torch

from stepcheck_implementations.driver.observing.state_path import TOKENS, Part, Token, parts

_DEPTH = 5
"""Levels of attributes, mappings and lists that are walked."""
_MOST_ENTRIES = 8
"""Entries of a list that are walked where it does not have one for each tensor."""


@dataclass(frozen=True, slots=True)
class TensorLocation:
    """A tensor of a subject: the parameter, its index among the subject's own, and its group's number."""

    parameter: torch.Tensor
    index: int
    group: int = 0


def is_optimizer(optimizer: Any) -> bool:
    """Whether ``optimizer`` holds its state and its parameter groups as a ``torch.optim.Optimizer`` does."""
    return isinstance(getattr(optimizer, "state", None), Mapping) and isinstance(
        getattr(optimizer, "param_groups", None), list
    )


def state_of(optimizer: Any, parameter: torch.Tensor) -> Any:
    """Return the entry of ``parameter`` in an optimizer's ``state``, None where there is none.

    A tensor hashes as its id does, so that a lookup in a state by ids compares the two, which raises.
    """
    try:
        return optimizer.state.get(parameter)
    except RuntimeError:
        return next((table for key, table in optimizer.state.items() if key is parameter), None)


def read(optimizer: Any, path: str, location: TensorLocation) -> Any:
    """Return the value at ``path`` for one tensor, ``None`` where there is none (yet)."""
    return read_all(optimizer, (path,), location)[0]


def read_all(optimizer: Any, paths: Sequence[str], location: TensorLocation) -> list[Any]:
    """Return the value at each of ``paths`` for one tensor, ``None`` where there is none (yet)."""
    if not is_optimizer(optimizer):
        return [_attribute(optimizer, path, location) for path in paths]
    table = _or_none(partial(state_of, optimizer, location.parameter))
    return [_entry(optimizer, table, path, location) for path in paths]


def _entry(optimizer: Any, table: Any, path: str, location: TensorLocation) -> Any:
    """Return the value at ``path`` of an optimizer, whose state for the parameter is ``table``."""
    if path.startswith("group."):
        return _or_none(lambda: optimizer.param_groups[location.group].get(path.removeprefix("group.")))
    if path.startswith("."):
        return _attribute(optimizer, path, location)
    if not isinstance(table, Mapping):
        return None
    return table[path] if path in table else _or_none(lambda: _follow(table, parts(path), location))


def _attribute(optimizer: Any, path: str, location: TensorLocation) -> Any:
    """Return the value at ``path`` from the attributes of ``optimizer``."""
    value = _or_none(lambda: _follow(optimizer, parts(path), location))
    if isinstance(value, (list, tuple)):
        return value[location.index] if location.index < len(value) else None
    return value


def _or_none(read: Callable[[], Any]) -> Any:
    """Return what ``read`` returns, None where a part of the path does not exist."""
    try:
        return read()
    except (LookupError, AttributeError, TypeError):
        return None


def write(optimizer: Any, path: str, value: float, location: TensorLocation) -> str | None:
    """Set the value at ``path``; return why that is impossible, or ``None``."""
    segments = parts(path)
    in_group = is_optimizer(optimizer) and not path.startswith(".")
    table = optimizer.param_groups[location.group] if in_group else getattr(optimizer, "__dict__", {})
    if not segments or segments[0] not in table:
        return f"no {path!r} to set after construction; there is {', '.join(map(str, table))}"
    return _put(table if in_group else optimizer, segments, value, location)


def _put(optimizer: Any, segments: Sequence[Part], value: float, location: TensorLocation) -> str | None:
    """Set the value at ``segments`` below ``optimizer``; a tuple on the path is replaced."""
    head, rest = segments[0], segments[1:]
    try:
        inside = _step(optimizer, head, location)
        if not rest and isinstance(inside, torch.Tensor) and inside.numel() == 1:
            inside.detach().fill_(value)  # as torch/optim/lr_scheduler.py sets it
            return None
        if not rest:
            new: Any = value
        elif len(rest) == 1 and isinstance(inside, tuple) and isinstance(rest[0], int):
            entries = list(inside)
            entries[rest[0]] = value
            new = tuple(entries)
        else:
            return _put(inside, rest, value, location)
        if isinstance(optimizer, (dict, list)):
            optimizer[key_of(head, location)] = new
        else:
            setattr(optimizer, str(head), new)
    except (LookupError, AttributeError, TypeError) as error:
        return f"{head!r} cannot be set after construction ({type(error).__name__}: {error})"
    return None


def attributes_of_parameter(optimizer: Any, location: TensorLocation) -> Iterator[str]:
    """Yield the attributes in which ``optimizer`` has the parameter itself, alone or in a list ("params[#]")."""
    for name, value in _attributes(optimizer):
        if value is location.parameter:
            yield name
        elif (
            isinstance(value, (list, tuple))
            and location.index < len(value)
            and value[location.index] is location.parameter
        ):
            yield f"{name}[#]"


def is_replaced(optimizer: Any, name: str, location: TensorLocation) -> bool:
    """Whether the attribute ``name`` of ``attributes_of_parameter`` has another tensor by now."""
    value = getattr(optimizer, "__dict__", {}).get(name.removesuffix("[#]"))
    if name.endswith("[#]"):
        value = value[location.index] if isinstance(value, (list, tuple)) and location.index < len(value) else None
    return isinstance(value, torch.Tensor) and value is not location.parameter


def all_leaves(optimizer: Any, tensors: Sequence[TensorLocation]) -> dict[str, list[Any]]:
    """Return every number and tensor that ``optimizer`` holds for its ``tensors``, by path, each as a value a tensor.

    Tensors among them have one element, or their parameter's shape.
    """
    leaves: dict[str, list[Any]] = {}

    def leaf(path: str, values: list[Any]) -> None:
        leaves.setdefault(path, values)

    if is_optimizer(optimizer):
        tables = [state_of(optimizer, location.parameter) for location in tensors]
        if all(isinstance(table, Mapping) for table in tables):
            for key in tables[0]:
                if all(key in table for table in tables):
                    _walk([table[key] for table in tables], str(key), tensors, leaf, _DEPTH)
        groups = [optimizer.param_groups[location.group] for location in tensors]
        for key in groups[0]:
            if key not in getattr(optimizer, "defaults", {}):
                _walk([group.get(key) for group in groups], f"group.{key}", tensors, leaf, 0)
        own_tables = {"state", "param_groups", "defaults"}
        for name, value in _attributes(optimizer):
            if name not in own_tables:
                _walk([value] * len(tensors), f".{name}", tensors, leaf, _DEPTH)
    else:
        for name, value in _attributes(optimizer):
            _walk([value] * len(tensors), name, tensors, leaf, _DEPTH)
    return leaves


def _walk(
    values: list[Any], path: str, tensors: Sequence[TensorLocation], leaf: Callable[[str, list[Any]], None], depth: int
) -> None:
    first = values[0]
    if all(isinstance(value, torch.Tensor) for value in values):
        parameters = [location.parameter for location in tensors]
        if any(value is parameter for value, parameter in zip(values, parameters, strict=True)):
            return
        same_shape = all(value.shape == p.shape for value, p in zip(values, parameters, strict=True))
        if same_shape or all(value.numel() == 1 for value in values):
            leaf(path, values)
        return
    if all(isinstance(value, np.ndarray) for value in values):
        pairs = list(zip(values, (location.parameter for location in tensors), strict=True))
        given = any(value.size and value.__array_interface__["data"][0] == p.data_ptr() for value, p in pairs)
        if not given and (all(v.shape == tuple(p.shape) for v, p in pairs) or all(v.size == 1 for v in values)):
            leaf(path, values)
        return
    if all(isinstance(value, Real) and not isinstance(value, bool) for value in values):
        leaf(path, values)
        return
    if depth <= 0 or any(type(value) is not type(first) for value in values):
        return
    if isinstance(first, Mapping):
        for token in TOKENS:
            keys = [key_of(Token(token), location) for location in tensors]
            if all(_has(value, key) for key, value in zip(keys, values, strict=True)):
                entries = [value[key] for key, value in zip(keys, values, strict=True)]
                _walk(entries, f"{path}[{token}]", tensors, leaf, depth - 1)
                return
        for name in first:
            if isinstance(name, str) and "'" not in name and all(name in value for value in values):
                _walk([value[name] for value in values], f"{path}['{name}']", tensors, leaf, depth - 1)
    elif isinstance(first, (list, tuple)):
        one = len(tensors) == 1
        if all(len(value) == len(tensors) for value in values) and ("." in path or not one):
            each = [value[location.index] for value, location in zip(values, tensors, strict=True)]
            _walk(each, f"{path}[#]", tensors, leaf, depth - 1)
            if one:  # a list of an object that is inside of this one
                return
        for index in range(min(_MOST_ENTRIES, *(len(value) for value in values))):
            _walk([value[index] for value in values], f"{path}[{index}]", tensors, leaf, depth - 1)
    elif _has_attributes(first):
        for name in vars(first):
            if all(name in vars(value) for value in values):
                _walk([vars(value)[name] for value in values], f"{path}.{name}", tensors, leaf, depth - 1)


def _has_attributes(value: Any) -> bool:
    closed = (type, ModuleType, torch.nn.Module, torch.Tensor, np.ndarray)
    return hasattr(value, "__dict__") and not isinstance(value, closed) and not callable(value)


def _attributes(optimizer: Any) -> list[tuple[str, Any]]:
    return list(getattr(optimizer, "__dict__", {}).items())


def key_of(part: Part, location: TensorLocation) -> Any:
    """Return the key that a segment of a path is for one tensor."""
    if not isinstance(part, Token):
        return part
    if part.name == "p":
        return location.parameter
    return {"#": location.index, "id": id(location.parameter), "name": f"p{location.index}"}[part.name]


def _has(table: Mapping[Any, Any], key: Any) -> bool:
    """Whether ``key`` is in ``table``; a tensor hashes as its id does, and must not be compared with ==."""
    if isinstance(key, torch.Tensor):
        return any(entry is key for entry in table)
    return any(isinstance(entry, (int, str)) and entry == key for entry in table)


def _step(optimizer: Any, part: Part, location: TensorLocation) -> Any:
    if isinstance(part, str) and not isinstance(optimizer, Mapping):
        return getattr(optimizer, part)
    return optimizer[key_of(part, location)]


def _follow(optimizer: Any, segments: Sequence[Part], location: TensorLocation) -> Any:
    for part in segments:
        optimizer = _step(optimizer, part, location)
    return optimizer
