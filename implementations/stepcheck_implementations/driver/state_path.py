"""Paths: where a subject holds a number or tensor, as text that is nearly Python.

A path starts with a key of ``optimizer.state[p]`` where the subject has such a table, else with the name of an
attribute. There ".name" is an attribute of the subject all the same, and "group.name" an entry of the tensor's
parameter group. Then come "[#]" for the tensor's place, "[p]" for the tensor as a key, "[id]" for its id, "['m']" for a
name, "[0]" for a place that is the same for every tensor, and ".name".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_SEGMENT = re.compile(r"\.?(\w+)|\[(#|p|id)\]|\[(\d+)\]|\['([^']*)'\]")
TOKENS = ("p", "id", "#")
"""What may stand in brackets for the tensor itself."""


@dataclass(frozen=True, slots=True)
class Token:
    """A segment that means another key for each tensor: "#", "p" or "id"."""

    name: str


Part = str | int | Token


@lru_cache(maxsize=1024)
def parts(path: str) -> tuple[Part, ...]:
    """Return the segments of ``path``: names, places that are the same for every tensor, and tokens."""
    found: list[Part] = []
    for match in _SEGMENT.finditer(path):
        name, token, place, key = match.groups()
        if token is not None:
            found.append(Token(token))
        elif place is not None:
            found.append(int(place))
        else:
            found.append(name if name is not None else key)
    return tuple(found)


def tail(path: str) -> str:
    """Return the name at the end of a path: "m" of "m[#]" and of "states['m']", "" of "states[0]"."""
    named = [part for part in parts(path) if not isinstance(part, Token)]
    return named[-1] if named and isinstance(named[-1], str) else ""


def source(path: str, thing: str, parameter: str, place: int, *, group: str = "", table: bool = False) -> str:
    """Return Python for what ``thing`` holds at ``path``; ``table`` says that it has ``state`` and ``param_groups``.

    ``parameter``, ``place`` and ``group`` are what the tensor is called, its place, and its parameter group.
    """
    if table and path.startswith("group."):
        return f'{group}["{path.removeprefix("group.")}"]'
    if table and not path.startswith("."):
        head, rest = parts(path)[:1], path[len(re.match(r"\w*", path)[0]) :]  # type: ignore[index]
        key = head[0] if head and isinstance(head[0], str) and rest[:1] in ("", ".", "[") else path
        return f'{thing}.state[{parameter}]["{key}"]{_brackets(rest, parameter, place)}'
    return f"{thing}.{_brackets(path.removeprefix('.'), parameter, place)}"


def _brackets(text: str, parameter: str, place: int) -> str:
    for token, meant in (("#", str(place)), ("p", parameter), ("id", f"id({parameter})")):
        text = text.replace(f"[{token}]", f"[{meant}]")
    return text
