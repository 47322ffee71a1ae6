"""State paths: where a subject holds a number or tensor, as text close to Python.

A path starts with a key of ``optimizer.state[p]`` where the subject has such a table, else with the name of an
attribute. In the former case ".name" is an attribute of the subject, and "group.name" an entry of the tensor's
parameter group. Then come "[#]" for the tensor's index, "[p]" for the tensor as a key, "[id]" for its id, "[name]" for
its name in a dictionary of parameters, "['m']" for a name, "[0]" for an index that is the same for every tensor, and
".name".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_SEGMENT = re.compile(r"\.?(\w+)|\[(#|p|id|name)\]|\[(\d+)\]|\['([^']*)'\]")
TOKENS = ("p", "id", "#", "name")
"""Keys in brackets that stand for the tensor itself."""


@dataclass(frozen=True, slots=True)
class Token:
    """A segment that is a different key for each tensor: "#", "p", "id" or "name"."""

    name: str


Part = str | int | Token


@lru_cache(maxsize=1024)
def parts(path: str) -> tuple[Part, ...]:
    """Return the segments of ``path``: names, indices that are the same for every tensor, and tokens."""
    segments: list[Part] = []
    for match in _SEGMENT.finditer(path):
        name, token, index, key = match.groups()
        if token is not None:
            segments.append(Token(token))
        elif index is not None:
            segments.append(int(index))
        else:
            segments.append(name if name is not None else key)
    return tuple(segments)


def last_name(path: str) -> str:
    """Return the name at the end of a path: "m" of "m[#]" and of "states['m']", "" of "states[0]"."""
    named = [part for part in parts(path) if not isinstance(part, Token)]
    return named[-1] if named and isinstance(named[-1], str) else ""


def source(path: str, optimizer: str, parameter: str, index: int, *, group: str = "", table: bool = False) -> str:
    """Return Python for the value at ``path``; ``table`` says that ``optimizer`` has ``state`` and ``param_groups``.

    ``parameter``, ``index`` and ``group`` are expressions or values for the tensor, its index and its parameter group.
    """
    if table and path.startswith("group."):
        return f'{group}["{path.removeprefix("group.")}"]'
    if table and not path.startswith("."):
        head, rest = parts(path)[:1], path[len(re.match(r"\w*", path)[0]) :]  # type: ignore[index]
        key = head[0] if head and isinstance(head[0], str) and rest[:1] in ("", ".", "[") else path
        return f'{optimizer}.state[{parameter}]["{key}"]{_brackets(rest, parameter, index)}'
    return f"{optimizer}.{_brackets(path.removeprefix('.'), parameter, index)}"


def _brackets(text: str, parameter: str, index: int) -> str:
    for token, key in (("#", str(index)), ("p", parameter), ("id", f"id({parameter})"), ("name", f"'p{index}'")):
        text = text.replace(f"[{token}]", f"[{key}]")
    return text
