"""Substitutions: what a subject's modules have in place of ``math``, ``float`` and literals while it is read.

``math.sqrt`` and ``float()`` would drop the expression of a carried number, and ``0.9 ** step`` is computed by a
literal that knows nothing of it. So literals in a module's functions carry themselves.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import CodeType, FunctionType, ModuleType
from typing import Any

import torch

from stepcheck_implementations.reader.carried_numbers import Carried, CarriedFloat, bare, carried, entry_of
from stepcheck_implementations.reader.expression_graph import ExpressionGraph

_MATH = {
    **{name: name for name in ("sqrt", "exp", "log", "floor", "ceil", "cos", "sin", "tan", "tanh", "atan", "expm1")},
    "log1p": "log1p",
    "pow": "pow",
    "fabs": "abs",
}
"""Functions of ``math``, and the operator of each."""
_PREDICATES = ("isnan", "isinf", "isfinite", "isclose")


def modules_of(target: Any) -> list[ModuleType]:
    """Return the imported modules that hold the code of ``target``: its own, its bases', and their packages'."""
    kinds = target.__mro__ if isinstance(target, type) else (target,)
    names = dict.fromkeys(getattr(kind, "__module__", "") or "" for kind in kinds)
    packages = {name.partition(".")[0] for name in names} - {"torch", "builtins", "abc", "typing"}
    chosen = [name for name in list(sys.modules) if name in names or name.partition(".")[0] in packages]
    skipped = ("builtins", "abc", "typing", "torch.optim.optimizer", "collections")
    return [sys.modules[name] for name in chosen if name not in skipped and sys.modules[name] is not None]


@contextmanager
def substituted(modules: list[ModuleType], graph: ExpressionGraph) -> Iterator[None]:
    """Let numbers keep their expressions in the code of ``modules``."""
    with ExitStack() as stack:
        functions = _math_functions(graph)
        originals = {id(getattr(math, name)): replacement for name, replacement in functions.items()}
        for name, replacement in functions.items():
            _set(stack, math.__dict__, name, replacement)
        for module in modules:
            names = vars(module)
            for name, value in list(names.items()):
                if id(value) in originals:
                    _set(stack, names, name, originals[id(value)])
                elif type(value) is float and not name.startswith("__"):
                    _set(stack, names, name, carried(value, graph, graph.number(value)))
            for name, conversion in (("float", _Conversion(float)), ("int", _Conversion(int))):
                _set(stack, names, name, conversion)
            for name, function in (("max", max), ("min", min)):
                if name not in names:
                    _set(stack, names, name, _larger(name, function, graph))
            for kind in (value for value in list(names.values()) if isinstance(value, type)):
                if kind.__module__ == module.__name__:
                    _carry_attributes(stack, kind, graph)
            for function in _functions(module):
                _carry_literals(stack, function, graph)
        yield


def _carry_attributes(stack: ExitStack, kind: type, graph: ExpressionGraph) -> None:
    """Let the floats that are attributes of the class ``kind`` carry themselves."""
    for name, value in list(vars(kind).items()):
        if type(value) is float and not name.startswith("__"):
            stack.callback(setattr, kind, name, value)
            setattr(kind, name, carried(value, graph, graph.number(value)))


def _set(stack: ExitStack, names: dict[str, Any], name: str, value: Any) -> None:
    """Set ``names[name]`` until ``stack`` is closed."""
    if name in names:
        stack.callback(names.__setitem__, name, names[name])
    else:
        stack.callback(names.pop, name, None)
    names[name] = value


def _math_functions(graph: ExpressionGraph) -> dict[str, Callable[..., Any]]:
    functions = {}
    for name, value in vars(math).items():
        if callable(value) and not name.startswith("_") and name not in _PREDICATES:
            functions[name] = _math_function(name, value, graph)
    return functions


def _math_function(name: str, function: Callable[..., Any], graph: ExpressionGraph) -> Callable[..., Any]:
    def followed(*args: Any, **kwargs: Any) -> Any:
        value = function(*args, **kwargs)
        if kwargs or not any(isinstance(arg, Carried) for arg in args) or not isinstance(value, (int, float)):
            return value
        entries = [entry_of(arg, graph) for arg in args]
        if name not in _MATH:
            return carried(value, graph, graph.call(f"math.{name}", *entries))
        if name == "log" and len(entries) == 2:
            return carried(value, graph, graph.add("div", *(graph.add("log", entry) for entry in entries)))
        return carried(value, graph, graph.add(_MATH[name], *entries))

    followed.__name__ = name
    return followed


def _larger(name: str, function: Callable[..., Any], graph: ExpressionGraph) -> Callable[..., Any]:
    """Return ``max`` or ``min``, which asks for no condition where it is given two numbers of which one is carried."""

    def followed(*args: Any, **kwargs: Any) -> Any:
        numbers = len(args) == 2 and all(isinstance(arg, (int, float)) for arg in args)
        if kwargs or not numbers or not any(isinstance(arg, Carried) for arg in args):
            return function(*args, **kwargs)
        return carried(function(*map(bare, args)), graph, graph.add(name, *(entry_of(arg, graph) for arg in args)))

    return followed


class _Conversion:
    """``float`` or ``int`` where a carried number stays one; anything else that they are used for works as before."""

    def __init__(self, kind: type) -> None:
        self.kind = kind

    def __call__(self, value: Any = 0, *more: Any) -> Any:
        if isinstance(value, torch.Tensor) and not more:
            value = value.item()
        if not isinstance(value, Carried) or more:
            return self.kind(value, *more)
        entry = value.entry
        if self.kind is int and isinstance(value, CarriedFloat) and not float(value).is_integer():
            entry = value.graph.call("int", entry)
        return carried(self.kind(bare(value)), value.graph, entry)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.kind, name)

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, self.kind)

    def __subclasscheck__(self, kind: Any) -> bool:
        return issubclass(kind, self.kind)

    def __eq__(self, other: object) -> bool:
        return other is self or other is self.kind

    def __hash__(self) -> int:
        return hash(self.kind)

    def __or__(self, other: Any) -> Any:
        return self.kind | other


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """Yield the functions and methods that ``module`` itself defines."""
    for value in list(vars(module).values()):
        if isinstance(value, type) and value.__module__ == module.__name__:
            for method in vars(value).values():
                yield from _unwrapped(method, module)
        else:
            yield from _unwrapped(value, module)


def _unwrapped(value: Any, module: ModuleType) -> Iterator[FunctionType]:
    """Yield the functions behind decorators, a property or a static method."""
    if isinstance(value, property):
        value = value.fget
    value = getattr(value, "__func__", value)
    for _ in range(8):
        if isinstance(value, FunctionType) and value.__globals__ is vars(module):
            yield value
        value = getattr(value, "__wrapped__", None)
        if value is None:
            return


def _carry_literals(stack: ExitStack, function: FunctionType, graph: ExpressionGraph) -> None:
    """Let the literals of ``function``, and of functions inside it, carry themselves, and its defaults too."""
    code = _with_literals(function.__code__, graph)
    if code is not function.__code__:
        stack.callback(setattr, function, "__code__", function.__code__)
        function.__code__ = code
    defaults = function.__defaults__
    if defaults and any(type(value) is float for value in defaults):
        stack.callback(setattr, function, "__defaults__", defaults)
        function.__defaults__ = tuple(_literal(value, graph) for value in defaults)
    named = function.__kwdefaults__
    if named and any(type(value) is float for value in named.values()):
        stack.callback(setattr, function, "__kwdefaults__", named)
        function.__kwdefaults__ = {name: _literal(value, graph) for name, value in named.items()}


def _literal(value: Any, graph: ExpressionGraph) -> Any:
    if type(value) is float:
        return carried(value, graph, graph.number(value))
    if type(value) is tuple:
        return tuple(_literal(entry, graph) for entry in value)
    return _with_literals(value, graph) if isinstance(value, CodeType) else value


def _with_literals(code: CodeType, graph: ExpressionGraph) -> CodeType:
    constants = tuple(_literal(value, graph) for value in code.co_consts)
    same = all(new is old for new, old in zip(constants, code.co_consts, strict=True))
    return code if same else code.replace(co_consts=constants)
