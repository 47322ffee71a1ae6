"""Arithmetic written by hand: a function that is named after its rule, beside the rule's planted classes.

``def adam(h, x, gradients)`` yields {"theta": ..., "m": ..., "v": ...} after each step, from hyper-parameters ``h`` by
name, the parameter ``x`` at first, and the gradients. It works out each number in another way than the rule's equations
do, such as a sum over all gradients so far for a recurrence, and with any kind of number.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from planted import FOLDER

ByHand = Callable[[Mapping[str, Any], Any, Sequence[Any]], Iterator[dict[str, Any]]]


def by_hand() -> dict[str, ByHand]:
    """Return the functions by the name of their rule."""
    functions: dict[str, ByHand] = {}
    for path in sorted((FOLDER / "rules").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
        if names:
            spec = importlib.util.spec_from_file_location(f"planted_{path.stem}", path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            functions |= {name: getattr(module, name) for name in names}
    return functions
