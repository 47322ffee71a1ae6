"""Torch mode: sees each call of torch before its numbers become doubles, and keeps the expressions of its results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode, resolve_name

from stepcheck_implementations.reader.arrays.read_array import read_array
from stepcheck_implementations.reader.carried_numbers import carried
from stepcheck_implementations.reader.held_numbers import bits
from stepcheck_implementations.reader.operations import creation, elementwise, masks, rounding
from stepcheck_implementations.reader.tensor_entries import TensorEntries
from stepcheck_reference.formats import FORMATS

_FOREACH = "_foreach_"
_UNINITIALISED = ("empty", "empty_like", "new_empty", "empty_strided", "new")
_CASTS = {"float": "float32", "half": "float16", "bfloat16": "bfloat16"}
"""Methods that convert to a format of their own, whatever the format of parameters is."""


class ReadingMode(TorchFunctionMode):
    """While it is entered, ``known`` is kept up to date with every call."""

    def __init__(self, known: TensorEntries) -> None:
        super().__init__()
        self.known, self.graph = known, known.graph

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(function, "__name__", "")
        if name.startswith(_FOREACH):
            return self._foreach(function, name.removeprefix(_FOREACH), args, kwargs)
        if name in ("item", "__bool__", "tolist", "__float__", "__int__"):
            return self._number(function, name, args, kwargs)
        if name in ("numpy", "__array__"):
            return read_array(function(*args, **kwargs))
        if name == "__getitem__" and masks.is_mask(args[1]):
            entry = masks.picked(self.known, *args)
            return self._fresh(function(*args, **kwargs), entry)
        if name in ("masked_select",):
            entry = masks.picked(self.known, *args)
            return self._fresh(function(*args, **kwargs), entry)
        if name == "__setitem__":
            return self._set(function, args)
        if name.rstrip("_") == "masked_fill" and len(args) == 3:
            entry = masks.masked(self.known, *args)
            return self._written(function, args, kwargs, entry, in_place=name.endswith("_"))
        return self._call(function, name, args, kwargs)

    # One call.

    def _call(self, function: Any, name: str, args: Any, kwargs: Any) -> Any:
        if name in ("to", "type", *_CASTS):
            kinds = (value for value in (*args, *kwargs.values()) if isinstance(value, torch.dtype))
            named = (str(kind).removeprefix("torch.") for kind in kinds)
            self.graph.formats |= {_CASTS[name]} if name in _CASTS else {text for text in named if text in FORMATS}
        if name in creation.WRITES:
            if not args and "tensor" in kwargs:  # torch.nn.init
                args, kwargs = (kwargs["tensor"],), {key: value for key, value in kwargs.items() if key != "tensor"}
            entry = creation.WRITES[name](self.known, *args, **kwargs)
            return self._written(function, args, kwargs, entry, in_place=True)
        in_place, plain = _taken_apart(name)
        operation = creation.TABLE.get(plain) or elementwise.TABLE.get(plain)
        if plain == "where":
            operation = elementwise.WHERE_OF if function is torch.Tensor.where else elementwise.WHERE
        entry = None
        if operation is not None and (args or kwargs):
            options = {key: value for key, value in kwargs.items() if key != "out"}
            try:
                entry = operation(self.known, *rounding.operands(self.known, args), **options)
            except TypeError:  # a form of the call that is not read
                entry = None
        if entry is None:
            return self._unread(function, name, args, kwargs)
        return self._written(function, args, kwargs, entry, in_place=in_place)

    def _written(self, function: Any, args: Any, kwargs: Any, entry: int | None, *, in_place: bool) -> Any:
        """Call ``function``, and let what it writes or returns be ``entry``."""
        result = function(*args, **kwargs)
        out = kwargs.get("out")
        if entry is None:
            return result
        name = _taken_apart(getattr(function, "__name__", ""))[1]
        entry = rounding.rounded(self.known, entry, name, result, (*args, *kwargs.values()))
        if in_place and isinstance(args[0], torch.Tensor):
            self.known.put(args[0], entry)
        if isinstance(out, torch.Tensor):
            self.known.put(out, entry)
        return self._fresh(result, entry)

    def _fresh(self, result: Any, entry: int) -> Any:
        """Let a new tensor be ``entry``; one that shares memory with a tensor that is known is known already."""
        if isinstance(result, torch.Tensor) and self.known.get(result) is None:
            self.known.put(result, entry)
        return result

    def _set(self, function: Any, args: Any) -> Any:
        x, index, value = args
        if masks.is_mask(index):
            entry = masks.masked(self.known, x, index, value)
        elif masks.is_everything(index):
            entry = self.known.of(value)
        else:
            entry = self.graph.call("a write into a part of a tensor", self.known.of(x), *self._entries((value,)))
        return self._written(function, args, {}, entry, in_place=True)

    def _number(self, function: Any, name: str, args: Any, kwargs: Any) -> Any:
        entry = self.known.get(args[0])
        value = function(*args, **kwargs)
        if entry is None:
            return value
        if isinstance(value, bool):
            self.graph.condition(entry, value)
            return value
        if isinstance(value, list):
            return [carried(each, self.graph, entry) for each in value]
        return carried(value, self.graph, entry)

    # Lists of tensors.

    def _foreach(self, function: Any, name: str, args: Any, kwargs: Any) -> Any:
        in_place = name.endswith("_")
        plain = name.rstrip("_")
        lists = [list(arg) if isinstance(arg, (list, tuple)) else arg for arg in args]
        count = next((len(arg) for arg in lists if isinstance(arg, list)), 0)
        operation = elementwise.TABLE.get(plain)
        if plain == "zero":
            operation = creation.WRITES["zero_"]
        if plain == "copy":
            operation = creation.WRITES["copy_"]
        entries: list[int | None] = []
        for index in range(count):
            single = [arg[index] if isinstance(arg, list) else arg for arg in lists]
            keys = {key: value[index] if isinstance(value, (list, tuple)) else value for key, value in kwargs.items()}
            try:
                given = rounding.operands(self.known, single)
                entries.append(None if operation is None else operation(self.known, *given, **keys))
            except TypeError:  # a form of the call that is not read
                entries.append(None)
        if not count or any(entry is None for entry in entries):
            return self._unread(function, _FOREACH + name, args, kwargs)
        result = function(*args, **kwargs)
        for index, (tensor, entry) in enumerate(zip(lists[0] if in_place else result, entries, strict=True)):
            assert entry is not None
            single = [arg[index] if isinstance(arg, list) else arg for arg in lists]
            self.known.put(tensor, rounding.rounded(self.known, entry, plain, tensor, single))
        return result

    # What is not read.

    def _unread(self, function: Any, name: str, args: Any, kwargs: Any) -> Any:
        """Call a function that is not read: its new results, and what it changed, are opaque."""
        tensors = list(_tensors((args, kwargs)))
        if name in ("__get__", "__set__"):
            return function(*args, **kwargs)
        if name in _UNINITIALISED:
            result = function(*args, **kwargs)
            for tensor in _tensors(result):
                self.known.put(tensor, self.graph.add("opaque", "memory that nothing was written into"))
            return result
        before = [bits(tensor) for tensor in tensors]
        result = function(*args, **kwargs)
        changed = [tensor for tensor, old in zip(tensors, before, strict=True) if bits(tensor) != old]
        made = [tensor for tensor in _tensors(result) if self.known.get(tensor) is None]
        if changed or made:
            operands = self._entries(tensors)
            called = _qualified(function, name)
            for number, tensor in enumerate([*changed, *made]):
                position = () if number == 0 else (self.graph.number(number),)
                self.known.put(tensor, self.graph.call(called, *operands, *position))
        return result

    def _entries(self, values: Any) -> list[int]:
        numbers = (value for value in values if isinstance(value, (torch.Tensor, float, int)))
        return list(dict.fromkeys(self.known.of(value) for value in numbers))


def _taken_apart(name: str) -> tuple[bool, str]:
    """Return whether the function called ``name`` works in place, and its name without underscores."""
    name = name.partition(".")[0]
    if name.startswith("__") and name.endswith("__"):
        plain = name.strip("_")
        in_place = plain[1:] if plain.startswith("i") else ""
        if in_place in elementwise.TABLE:
            return True, in_place
        return False, plain
    return (name.endswith("_"), name.rstrip("_"))


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from _tensors(entry)
    elif isinstance(value, dict):
        for entry in value.values():
            yield from _tensors(entry)


def _qualified(function: Any, name: str) -> str:
    try:
        return str(resolve_name(function) or f"{getattr(function, '__module__', '') or 'torch'}.{name}")
    except Exception:  # a callable that torch does not know
        return name
