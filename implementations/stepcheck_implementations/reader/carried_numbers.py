"""Carried numbers: floats, ints and NumPy scalars that know the expression they are, and stay what they were.

Arithmetic gives the same bits as without; comparisons give the truth and are written down as conditions of the path.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from stepcheck_implementations.reader.expression_graph import ExpressionGraph

_OPERATORS = {
    "add": "add",
    "sub": "sub",
    "mul": "mul",
    "truediv": "div",
    "pow": "pow",
    "floordiv": "floordiv",
    "mod": "mod",
}
_COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")


class CarriedFloat(float):
    """A float that is the entry ``entry`` of ``graph``."""

    graph: ExpressionGraph
    entry: int

    def __reduce_ex__(self, protocol: Any) -> Any:
        return float, (float.__float__(self),)

    def __copy__(self) -> CarriedFloat:
        return self

    def __deepcopy__(self, memo: Any) -> CarriedFloat:
        return self

    def __bool__(self) -> bool:
        truth = float.__bool__(self)
        self.graph.condition(self.graph.add("ne", self.entry, self.graph.number(0)), truth)
        return truth

    __hash__ = float.__hash__


class CarriedInt(int):
    """An int that is the entry ``entry`` of ``graph``."""

    graph: ExpressionGraph
    entry: int

    def __reduce_ex__(self, protocol: Any) -> Any:
        return int, (int.__int__(self),)

    def __copy__(self) -> CarriedInt:
        return self

    def __deepcopy__(self, memo: Any) -> CarriedInt:
        return self

    def __bool__(self) -> bool:
        truth = int.__bool__(self)
        self.graph.condition(self.graph.add("ne", self.entry, self.graph.number(0)), truth)
        return truth

    __hash__ = int.__hash__


class CarriedScalar:
    """A scalar of NumPy, ``plain``, that is the entry ``entry`` of ``graph``; each type has a subclass of its own."""

    graph: ExpressionGraph
    entry: int
    plain: Any

    def __reduce_ex__(self, protocol: Any) -> Any:
        return bare(self).__reduce__()

    def __copy__(self) -> CarriedScalar:
        return self

    def __deepcopy__(self, memo: Any) -> CarriedScalar:
        return self

    def __bool__(self) -> bool:
        truth = bool(bare(self))
        self.graph.condition(self.graph.add("ne", self.entry, self.graph.number(0)), truth)
        return truth

    def item(self) -> Any:
        """Return the Python number."""
        return carried(bare(self).item(), self.graph, self.entry)

    def astype(self, dtype: Any, *_: Any, **__: Any) -> Any:
        """Return the number in another format, which is the same expression."""
        return carried(bare(self).astype(dtype), self.graph, self.entry)


Carried = (CarriedFloat, CarriedInt, CarriedScalar)
_NUMBERS = (float, int, np.generic)


def carried(value: Any, graph: ExpressionGraph, entry: int) -> Any:
    """Return ``value`` as a number that carries ``entry``; what is no float or int comes back as it is."""
    if type(value) is bool or not isinstance(value, (int, float, np.number)):
        return value
    value = bare(value)
    number: Any
    if isinstance(value, np.generic):
        kind: Any = type(value)
        number = _scalar_class(kind)(value)
        number.plain = value
    elif isinstance(value, int):
        number = int.__new__(CarriedInt, value)
    else:
        number = float.__new__(CarriedFloat, value)
    number.graph, number.entry = graph, entry
    return number


def entry_of(value: Any, graph: ExpressionGraph) -> int:
    """Return the entry of a number, a literal where it carries none of ``graph``."""
    if isinstance(value, Carried) and value.graph is graph:
        return value.entry
    return graph.number(value.item() if isinstance(value, np.generic) else value)


def bare(value: Any) -> Any:
    """Return a carried number as the float, int or scalar that it is, and anything else as it is."""
    if isinstance(value, CarriedScalar):
        return value.plain
    if isinstance(value, CarriedFloat):
        return float.__float__(value)
    return int.__int__(value) if isinstance(value, CarriedInt) else value


def _operator(kind: type, name: str, entry: str, *, reflected: bool) -> Callable[..., Any]:
    plain = getattr(operator, name.strip("_").removeprefix("r") if reflected else name.strip("_"))

    def method(self: Any, other: Any, *modulus: Any) -> Any:
        if not isinstance(other, _NUMBERS) or modulus:
            return getattr(kind, name)(self, other, *modulus)
        graph, first, second = self.graph, bare(self), bare(other)
        entries = entry_of(self, graph), entry_of(other, graph)
        if reflected:
            first, second, entries = second, first, entries[::-1]
        return carried(plain(first, second), graph, graph.add(entry, *entries))

    return method


def _comparison(kind: type, name: str) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        if not isinstance(other, _NUMBERS):
            return getattr(kind, f"__{name}__")(self, other)
        truth = getattr(operator, name)(bare(self), bare(other))
        graph = self.graph
        graph.condition(graph.add(name, self.entry, entry_of(other, graph)), bool(truth))
        return truth

    return method


def _unary(kind: type, name: str, entry: str) -> Callable[[Any], Any]:
    def method(self: Any) -> Any:
        graph = self.graph
        value = getattr(kind, name)(bare(self))
        return carried(value, graph, graph.add(entry, self.entry) if entry else self.entry)

    return method


def _complete(subclass: type, kind: type) -> None:
    """Give ``subclass`` every operator of ``kind`` in the form that carries expressions."""
    for python, entry in _OPERATORS.items():
        setattr(subclass, f"__{python}__", _operator(kind, f"__{python}__", entry, reflected=False))
        setattr(subclass, f"__r{python}__", _operator(kind, f"__r{python}__", entry, reflected=True))
    for name in _COMPARISONS:
        setattr(subclass, f"__{name}__", _comparison(kind, name))
    for name, entry in (("__neg__", "neg"), ("__pos__", ""), ("__abs__", "abs")):
        setattr(subclass, name, _unary(kind, name, entry))


_complete(CarriedFloat, float)
_complete(CarriedInt, int)


@cache
def _scalar_class(kind: Any) -> Any:
    """Return the class of scalars of the type ``kind`` that carry expressions."""
    subclass = type(f"Carried_{kind.__name__}", (CarriedScalar, kind), {"__hash__": kind.__hash__})
    _complete(subclass, kind)
    return subclass
