"""Carried numbers: floats and ints that know the expression they are, and stay the numbers that they were.

Arithmetic gives the same bits as without; comparisons give the truth and are written down as conditions of the path.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

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


Carried = (CarriedFloat, CarriedInt)


def carried(value: Any, graph: ExpressionGraph, entry: int) -> Any:
    """Return ``value`` as a number that carries ``entry``; what is no float or int comes back as it is."""
    if type(value) is bool or not isinstance(value, (int, float)):
        return value
    number: Any = (
        int.__new__(CarriedInt, int.__int__(value)) if isinstance(value, int) else float.__new__(CarriedFloat, value)
    )
    number.graph, number.entry = graph, entry
    return number


def entry_of(value: Any, graph: ExpressionGraph) -> int:
    """Return the entry of a number, a literal where it carries none of ``graph``."""
    if isinstance(value, Carried) and value.graph is graph:
        return value.entry
    return graph.number(value)


def bare(value: Any) -> Any:
    """Return a carried number as the float or int that it is, and anything else as it is."""
    if isinstance(value, CarriedFloat):
        return float.__float__(value)
    return int.__int__(value) if isinstance(value, CarriedInt) else value


def _operator(kind: type, name: str, entry: str, *, reflected: bool) -> Callable[..., Any]:
    def method(self: Any, other: Any, *modulus: Any) -> Any:
        if not isinstance(other, (int, float)) or modulus:
            return getattr(kind, name)(self, other, *modulus)
        ours, its = bare(self), bare(other)
        value = getattr(kind, name)(ours, its)
        if value is NotImplemented:
            ours, its = float(ours), float(its)
            value = getattr(float, name)(ours, its)
        graph = self.graph
        first, second = entry_of(self, graph), entry_of(other, graph)
        operands = (second, first) if reflected else (first, second)
        return carried(value, graph, graph.add(entry, *operands))

    return method


def _comparison(kind: type, name: str) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        if not isinstance(other, (int, float)):
            return getattr(kind, f"__{name}__")(self, other)
        truth = getattr(operator, name)(bare(self), bare(other))
        graph = self.graph
        graph.condition(graph.add(name, self.entry, entry_of(other, graph)), truth)
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
