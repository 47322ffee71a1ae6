"""Array kinds: whether code computes with torch tensors or with NumPy arrays, by what its module imports."""

from __future__ import annotations

import inspect
import sys
from types import CodeType, ModuleType
from typing import Any

KINDS = ("torch", "numpy")
"""What a tensor may be given as."""


def array_kinds(target_object: Any) -> tuple[str, ...]:
    """Return the kinds to try, the likeliest first; code that names neither takes tensors."""
    used = _used(target_object)
    module = sys.modules.get(getattr(target_object, "__module__", "") or "")
    imported = {_root(value) for value in vars(module).values()} if module is not None else set()
    for found in (used, imported):
        if "numpy" in found and "torch" not in found:
            return ("numpy", "torch")
        if "torch" in found:
            return KINDS
    return KINDS


def _used(target_object: Any) -> set[str]:
    """Return which of the two the code itself names."""
    functions = [target_object]
    if isinstance(target_object, type):
        functions = [value for kind in target_object.__mro__[:-1] for value in vars(kind).values()]
    found = set()
    for function in map(inspect.unwrap, filter(inspect.isroutine, functions)):
        function = getattr(function, "__func__", function)
        names = getattr(function, "__globals__", {})
        found |= {_root(names.get(name)) for name in _names(getattr(function, "__code__", None))}
    return found - {""}


def _names(code: CodeType | None) -> set[str]:
    if code is None:
        return set()
    inside = (_names(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*inside)


def _root(value: Any) -> str:
    """Return "torch" or "numpy" where ``value`` is such a module or one of its functions, else ""."""
    name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "") or ""
    root = str(name).partition(".")[0]
    return root if root in KINDS else ""
