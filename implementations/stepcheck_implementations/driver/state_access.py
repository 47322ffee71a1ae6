"""What a subject holds for a tensor: found by looking everywhere, and read by a path from then on (``path.py``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Real
from types import ModuleType
from typing import Any

import torch

from stepcheck_implementations.driver.state_path import TOKENS, Part, Token, parts

_DEPTH = 5
_WIDEST = 8
"""Entries of a list that are looked at where they are not one a tensor."""


@dataclass(frozen=True, slots=True)
class TensorLocation:
    """A tensor of a subject: the parameter, its place among the subject's own, and its group's number."""

    parameter: torch.Tensor
    place: int
    group: int = 0


def is_optimizer(thing: Any) -> bool:
    """Whether ``thing`` holds its state and its parameter groups as a ``torch.optim.Optimizer`` does."""
    return isinstance(getattr(thing, "state", None), Mapping) and isinstance(getattr(thing, "param_groups", None), list)


def table_of(thing: Any, parameter: torch.Tensor) -> Any:
    """Return what a ``torch.optim.Optimizer`` has in ``state`` for ``parameter``, None where there is nothing.

    A tensor and its id have one hash, so that a state by ids compares the two.
    """
    try:
        return thing.state.get(parameter)
    except RuntimeError:
        return next((table for key, table in thing.state.items() if key is parameter), None)


def read(thing: Any, path: str, where: TensorLocation) -> Any:
    """Return what ``thing`` holds at ``path`` for one tensor, ``None`` where there is nothing (yet)."""
    return read_all(thing, (path,), where)[0]


def read_all(thing: Any, paths: Sequence[str], where: TensorLocation) -> list[Any]:
    """Return what ``thing`` holds at each of ``paths`` for one tensor, ``None`` where there is nothing (yet)."""
    if not is_optimizer(thing):
        return [_attribute(thing, path, where) for path in paths]
    table = _nothing_raised(partial(table_of, thing, where.parameter))
    return [_entry(thing, table, path, where) for path in paths]


def _entry(thing: Any, table: Any, path: str, where: TensorLocation) -> Any:
    """Return what an optimizer holds at ``path``; ``table`` is what it has for the parameter."""
    if path.startswith("group."):
        return _nothing_raised(lambda: thing.param_groups[where.group].get(path.removeprefix("group.")))
    if path.startswith("."):
        return _attribute(thing, path, where)
    if not isinstance(table, Mapping):
        return None
    return table[path] if path in table else _nothing_raised(lambda: _follow(table, parts(path), where))


def _attribute(thing: Any, path: str, where: TensorLocation) -> Any:
    """Return what ``path`` leads to from the attributes of ``thing``."""
    found = _nothing_raised(lambda: _follow(thing, parts(path), where))
    if isinstance(found, (list, tuple)):
        return found[where.place] if where.place < len(found) else None
    return found


def _nothing_raised(look: Callable[[], Any]) -> Any:
    """Return what ``look`` finds, None where the way there ends before."""
    try:
        return look()
    except (LookupError, AttributeError, TypeError):
        return None


def write(thing: Any, path: str, value: float, where: TensorLocation) -> str | None:
    """Put ``value`` where ``path`` leads; return why that cannot be done, or ``None``."""
    segments = parts(path)
    inside = is_optimizer(thing) and not path.startswith(".")
    table = thing.param_groups[where.group] if inside else getattr(thing, "__dict__", {})
    if not segments or segments[0] not in table:
        return f"no {path!r} to set after construction; there is {', '.join(map(str, table))}"
    return _put(table if inside else thing, segments, value, where)


def _put(thing: Any, segments: Sequence[Part], value: float, where: TensorLocation) -> str | None:
    """Put ``value`` below ``thing``; a tuple on the way is made anew."""
    head, rest = segments[0], segments[1:]
    try:
        inside = _step(thing, head, where)
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
            return _put(inside, rest, value, where)
        if isinstance(thing, (dict, list)):
            thing[_key(head, where)] = new
        else:
            setattr(thing, str(head), new)
    except (LookupError, AttributeError, TypeError) as error:
        return f"{head!r} cannot be set after construction ({type(error).__name__}: {error})"
    return None


def kept(thing: Any, where: TensorLocation) -> Iterator[str]:
    """Yield the attributes in which ``thing`` holds the tensor itself, alone or in a list."""
    for name, value in _attributes(thing):
        if value is where.parameter:
            yield name
        elif isinstance(value, (list, tuple)) and where.place < len(value) and value[where.place] is where.parameter:
            yield f"{name}[#]"


def replaced(thing: Any, name: str, where: TensorLocation) -> bool:
    """Whether the attribute that ``kept`` called ``name`` holds another tensor by now."""
    value = getattr(thing, "__dict__", {}).get(name.removesuffix("[#]"))
    if name.endswith("[#]"):
        value = value[where.place] if isinstance(value, (list, tuple)) and where.place < len(value) else None
    return isinstance(value, torch.Tensor) and value is not where.parameter


def everything(thing: Any, tensors: Sequence[TensorLocation]) -> dict[str, list[Any]]:
    """Return every number and tensor that ``thing`` holds for its ``tensors``, one each, by path.

    A tensor is either one number or of its parameter's shape.
    """
    found: dict[str, list[Any]] = {}

    def leaf(path: str, values: list[Any]) -> None:
        found.setdefault(path, values)

    if is_optimizer(thing):
        tables = [table_of(thing, where.parameter) for where in tensors]
        if all(isinstance(table, Mapping) for table in tables):
            for key in tables[0]:
                if all(key in table for table in tables):
                    _walk([table[key] for table in tables], str(key), tensors, leaf, _DEPTH)
        groups = [thing.param_groups[where.group] for where in tensors]
        for key in groups[0]:
            if key not in getattr(thing, "defaults", {}):
                _walk([group.get(key) for group in groups], f"group.{key}", tensors, leaf, 0)
        beside = {"state", "param_groups", "defaults"}
        for name, value in _attributes(thing):
            if name not in beside:
                _walk([value] * len(tensors), f".{name}", tensors, leaf, _DEPTH)
    else:
        for name, value in _attributes(thing):
            _walk([value] * len(tensors), name, tensors, leaf, _DEPTH)
    return found


def _walk(
    values: list[Any], path: str, tensors: Sequence[TensorLocation], leaf: Callable[[str, list[Any]], None], depth: int
) -> None:
    first = values[0]
    if all(isinstance(value, torch.Tensor) for value in values):
        parameters = [where.parameter for where in tensors]
        if any(value is parameter for value, parameter in zip(values, parameters, strict=True)):
            return
        alike = all(value.shape == p.shape for value, p in zip(values, parameters, strict=True))
        if alike or all(value.numel() == 1 for value in values):
            leaf(path, values)
        return
    if all(isinstance(value, Real) and not isinstance(value, bool) for value in values):
        leaf(path, values)
        return
    if depth <= 0 or any(type(value) is not type(first) for value in values):
        return
    if isinstance(first, Mapping):
        for token in TOKENS:
            keys = [_key(Token(token), where) for where in tensors]
            if all(_has(value, key) for key, value in zip(keys, values, strict=True)):
                inside = [value[key] for key, value in zip(keys, values, strict=True)]
                _walk(inside, f"{path}[{token}]", tensors, leaf, depth - 1)
                return
        for name in first:
            if isinstance(name, str) and "'" not in name and all(name in value for value in values):
                _walk([value[name] for value in values], f"{path}['{name}']", tensors, leaf, depth - 1)
    elif isinstance(first, (list, tuple)):
        if len(tensors) > 1 and all(len(value) == len(tensors) for value in values):
            each = [value[where.place] for value, where in zip(values, tensors, strict=True)]
            _walk(each, f"{path}[#]", tensors, leaf, depth - 1)
        for place in range(min(_WIDEST, *(len(value) for value in values))):
            _walk([value[place] for value in values], f"{path}[{place}]", tensors, leaf, depth - 1)
    elif _has_attributes(first):
        for name in vars(first):
            if all(name in vars(value) for value in values):
                _walk([vars(value)[name] for value in values], f"{path}.{name}", tensors, leaf, depth - 1)


def _has_attributes(value: Any) -> bool:
    closed = (type, ModuleType, torch.nn.Module, torch.Tensor)
    return hasattr(value, "__dict__") and not isinstance(value, closed) and not callable(value)


def _attributes(thing: Any) -> list[tuple[str, Any]]:
    return list(getattr(thing, "__dict__", {}).items())


def _key(part: Part, where: TensorLocation) -> Any:
    if not isinstance(part, Token):
        return part
    return {"#": where.place, "p": where.parameter, "id": id(where.parameter)}[part.name]


def _has(table: Mapping[Any, Any], key: Any) -> bool:
    """Whether ``key`` is in ``table``; a tensor and its id have one hash, and must not be compared with ==."""
    if isinstance(key, torch.Tensor):
        return any(entry is key for entry in table)
    return any(isinstance(entry, int) and entry == key for entry in table)


def _step(thing: Any, part: Part, where: TensorLocation) -> Any:
    if isinstance(part, str) and not isinstance(thing, Mapping):
        return getattr(thing, part)
    return thing[_key(part, where)]


def _follow(thing: Any, segments: Sequence[Part], where: TensorLocation) -> Any:
    for part in segments:
        thing = _step(thing, part, where)
    return thing
