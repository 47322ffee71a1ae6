"""NumPy substitutions: what makes an array of nothing that is read makes a read array while code is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from stepcheck_implementations.reader.arrays.read_array import ReadArray, _plain, arrays_read, read_array
from stepcheck_implementations.reader.carried_numbers import Carried, bare, carried
from stepcheck_implementations.reader.tensor_entries import TensorEntries

_FILLED = ("zeros", "ones", "empty")
_GIVEN = ("array", "asarray", "asanyarray", "ascontiguousarray")


@contextmanager
def numpy_substituted(modules: list[ModuleType], known: TensorEntries) -> Iterator[None]:
    """Let the code of ``modules`` make read arrays, whether it calls ``np.zeros`` or has imported ``zeros``."""
    makers = {name: _filled(getattr(np, name), name, known) for name in _FILLED}
    makers |= {name: _given(getattr(np, name), known) for name in _GIVEN}
    makers["full"] = _full(np.full, known)
    originals = {id(getattr(np, name)): maker for name, maker in makers.items()}
    with ExitStack() as stack:
        stack.enter_context(arrays_read(known))
        for name, maker in makers.items():
            stack.callback(setattr, np, name, getattr(np, name))
            setattr(np, name, maker)
        for module in modules:
            for name, value in list(vars(module).items()):
                if id(value) in originals:
                    stack.callback(vars(module).__setitem__, name, value)
                    vars(module)[name] = originals[id(value)]
        yield


def _filled(function: Callable[..., Any], name: str, known: TensorEntries) -> Callable[..., Any]:
    def made(*args: Any, **kwargs: Any) -> Any:
        array = read_array(function(*args, **kwargs))
        if isinstance(array, ReadArray):
            graph = known.graph
            unwritten = graph.add("opaque", "memory that nothing was written into")
            known.put(array, unwritten if name == "empty" else graph.number(int(name == "ones")))
        return array

    return made


def _full(function: Callable[..., Any], known: TensorEntries) -> Callable[..., Any]:
    def made(shape: Any, fill_value: Any, *args: Any, **kwargs: Any) -> Any:
        array = read_array(function(shape, _plain(fill_value), *args, **kwargs))
        if isinstance(array, ReadArray):
            known.put(array, known.of(fill_value))
        return array

    return made


def _given(function: Callable[..., Any], known: TensorEntries) -> Callable[..., Any]:
    """Return ``np.array`` or a like function, whose result is what it is given."""

    def made(data: Any, *args: Any, **kwargs: Any) -> Any:
        entry = known.of(data) if isinstance(data, (np.ndarray, *Carried)) else None
        array = function(_plain(data), *args, **kwargs)
        read = read_array(array)
        if isinstance(read, ReadArray) and entry is not None and known.get(read) is None:
            known.put(read, entry)
        return read if isinstance(array, np.ndarray) else carried(bare(array), known.graph, entry or 0)

    return made
