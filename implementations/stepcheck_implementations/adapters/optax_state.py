"""The state of a transformation, with a name for each of its parts."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import jax

_METHODS = ("step", "state_dict", "load_state_dict")
"""What a subject has besides."""


def named_states(state: Any, tensors: int) -> dict[str, Any]:
    """Return the parts of ``state`` by name: a list with one entry for each of ``tensors``, or one value for all.

    A part has the name of its field where it is the first of that name, else the words of the way to it, as in
    "state_1_count". ``state`` may hold anything in the place of arrays.
    """
    found: dict[str, Any] = {}
    for way, value in _parts(state, (), tensors):
        last = next((word for word in reversed(way) if not word.isdigit()), "")
        name = last if last and last not in found else "_".join(("state", *way))
        found[re.sub(r"\W", "_", name)] = value
    return found


def attribute(name: str, arguments: Collection[str]) -> str:
    """Return the attribute that shows the state ``name``, of a subject that has ``arguments`` as attributes, too."""
    return f"state_{name}" if name in arguments or name in _METHODS else name


def _parts(state: Any, way: tuple[str, ...], tensors: int) -> list[tuple[tuple[str, ...], Any]]:
    if isinstance(state, list) and len(state) == tensors:
        entries = [_parts(entry, (), tensors) for entry in state]
        ways = [[inner for inner, _ in entry] for entry in entries]
        if all(inner == ways[0] for inner in ways):
            columns = zip(*([value for _, value in entry] for entry in entries), strict=True)
            return [((*way, *inner), list(column)) for inner, column in zip(ways[0], columns, strict=True)]
    children = jax.tree_util.tree_flatten_with_path(state, is_leaf=lambda value: value is not state)[0]
    if not children or children[0][1] is state:
        return [(way, state)] if children else []
    return [part for key, child in children for part in _parts(child, (*way, *map(_word, key)), tensors)]


def _word(key: Any) -> str:
    return str(next(getattr(key, name) for name in ("name", "key", "idx") if hasattr(key, name)))
