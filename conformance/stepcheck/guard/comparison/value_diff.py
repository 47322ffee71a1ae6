"""Two JSON values compared: every way in which the facts of two recordings differ, each reported once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from stepcheck.guard.comparison.difference import Change, Point
from stepcheck.report.wording import plural

REWORDED = "the same error with another message"

_FEW = 8
"""Entries of a list up to which they are compared one by one."""
_LONGEST = 160
"""Characters of a value that are shown."""
_PLACES = 3
"""Places that are named where one thing is new or gone in several."""
_ITSELF = "(itself)"
"""The key that stands for the value of a name as a whole, as of a state that is an empty dict."""
_ERROR = re.compile(r"(at [a-z ]+: )?\w+: ")
"""When an error is raised and its type, before its message."""


def value_diff(old: Any, new: Any) -> list[Point]:
    """Return every way in which two JSON values differ."""
    return _points(_leaves(old, new))


def shown(value: Any) -> str:
    """Return a value in a line, cut where it is long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A value that differs: its path, whether it "is gone", "is new" or "is" another, and the rest of the sentence."""

    path: tuple[str, ...]
    verb: str
    rest: str
    summary: str = ""

    @property
    def parent(self) -> str:
        return _path(self.path[:-1])

    @property
    def sentence(self) -> str:
        return f"{_path(self.path)} {self.verb}{self.rest}"


def _path(keys: Iterable[str]) -> str:
    return "".join(key if key[:1] == "[" else f".{key}" for key in keys).removeprefix(".")


def _leaves(old: Any, new: Any, path: tuple[str, ...] = ()) -> Iterator[_Leaf]:
    """Yield every leaf in which two JSON values differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            here = (*path, *_keys(str(key) or _ITSELF))
            if key not in new:
                yield _Leaf(here, "is gone", f", was {shown(old[key])}")
            elif key not in old:
                yield _Leaf(here, "is new", f": {shown(new[key])}")
            else:
                yield from _leaves(old[key], new[key], here)
    elif _are_named(old) and _are_named(new):
        before, after = ({entry["name"]: entry for entry in values} for values in (old, new))
        yield from _leaves(before, after, path)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new) <= _FEW:
        for index, pair in enumerate(zip(old, new, strict=True)):
            yield from _leaves(*pair, (*path, f"[{index}]"))
    elif old != new:
        summary = REWORDED if _is_reworded(old, new) else ""
        yield _Leaf(path, "is", f" {shown(new)}, was {shown(old)}", summary)


def _keys(key: str) -> tuple[str, ...]:
    """Return a key as a path: the name in an entry of a list is a key of its own, as in "[0].step"."""
    match = re.fullmatch(r"(.*\[\d+\])\.(\w+)", key)
    return (key,) if match is None else (match[1], match[2])


def _are_named(value: Any) -> bool:
    """Whether ``value`` is a list of named entries, as a signature is."""
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) and "name" in each for each in value)


def _is_reworded(old: Any, new: Any) -> bool:
    """Whether both describe an error of the same type, raised at the same point."""
    if not (isinstance(old, str) and isinstance(new, str)):
        return False
    kinds = [_ERROR.match(text) for text in (old, new)]
    return kinds[0] is not None and kinds[1] is not None and kinds[0][0] == kinds[1][0]


def _points(leaves: Iterable[_Leaf]) -> list[Point]:
    """Return the points of ``leaves``; a name with the same difference in several places is one point."""
    groups: dict[tuple[Any, ...], list[_Leaf]] = {}
    reworded: list[Point] = []
    for leaf in leaves:
        if leaf.summary:
            reworded.append(Point(Change.CHANGED, leaf.sentence, leaf.summary, api=True))
            continue
        name = leaf.path if leaf.path[-1].startswith("[") else leaf.path[-1]
        groups.setdefault((name, leaf.verb, leaf.rest if leaf.verb == "is" else ""), []).append(leaf)
    messages = [
        group[0].sentence if len(group) == 1 else _joined(group[0], [leaf.parent for leaf in group])
        for group in groups.values()
    ]
    return [*(Point(Change.CHANGED, message, api=True) for message in messages), *reworded]


def _joined(leaf: _Leaf, parents: list[str]) -> str:
    """Return the sentence of ``leaf``, which is the same below each of ``parents``."""
    named = [parent for parent in parents if parent][:_PLACES]
    more = len(parents) - len(named)
    where = ", ".join(named) + (f" and {plural(more, 'more place')}" if more else "")
    if leaf.verb == "is":
        return f"{leaf.path[-1]} is{leaf.rest}, in {where}"
    return f"{leaf.path[-1]} {leaf.verb}, in {where}{leaf.rest}"
