"""What is offered and said: two JSON values compared, and each way in which they differ told once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from stepcheck.guard.comparison.difference import Change, Point
from stepcheck.report.wording import plural

_FEW = 8
"""Entries of a list that are compared one by one."""
_LONGEST = 160
"""Characters of a value that are shown."""


def told(old: Any, new: Any) -> list[Point]:
    """Return every way in which two JSON values differ."""
    return _once(_leaves(old, new))


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A value that differs: where it is in a JSON value, whether it "is gone", "is new" or "is" another, and more."""

    path: tuple[str, ...]
    verb: str
    rest: str
    way: str = ""

    @property
    def place(self) -> str:
        return _path(self.path[:-1])


def _path(keys: Iterable[str]) -> str:
    return "".join(key if key[:1] == "[" else f".{key}" for key in keys).removeprefix(".")


def _leaves(old: Any, new: Any, path: tuple[str, ...] = ()) -> Iterator[_Leaf]:
    """Yield every leaf in which two JSON values differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            here = (*path, *_keys(str(key) or _ITSELF))
            if key not in new:
                yield _Leaf(here, "is gone", f", it was {shown(old[key])}")
            elif key not in old:
                yield _Leaf(here, "is new", f": {shown(new[key])}")
            else:
                yield from _leaves(old[key], new[key], here)
    elif _are_named(old) and _are_named(new):
        before, after = ({entry["name"]: entry for entry in values} for values in (old, new))
        yield from _leaves(before, after, path)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new) <= _FEW:
        for place, pair in enumerate(zip(old, new, strict=True)):
            yield from _leaves(*pair, (*path, f"[{place}]"))
    elif old != new:
        way = REWORDED if _is_reworded(old, new) else ""
        yield _Leaf(path, "is", f" {shown(new)}, and was {shown(old)}", way)


REWORDED = "the same error in other words"
_ERROR = re.compile(r"(at [a-z ]+: )?\w+: ")
"""Where and of which kind an error is, before its message."""


def _is_reworded(old: Any, new: Any) -> bool:
    """Whether both tell an error of the same kind, at the same place."""
    if not (isinstance(old, str) and isinstance(new, str)):
        return False
    kinds = [_ERROR.match(text) for text in (old, new)]
    return kinds[0] is not None and kinds[1] is not None and kinds[0][0] == kinds[1][0]


def _keys(key: str) -> tuple[str, ...]:
    """Return a key as a path: the name in an entry of a list by itself, as in "[0].step"."""
    found = re.fullmatch(r"(.*\[\d+\])\.(\w+)", key)
    return (key,) if found is None else (found[1], found[2])


_ITSELF = "(itself)"
"""The key of what a name stands for as a whole, as of a state that is an empty dict."""


def _once(leaves: Iterable[_Leaf]) -> list[Point]:
    """Return what ``leaves`` say, once what they say of a name in several places, as of a new argument."""
    found: dict[tuple[Any, ...], list[_Leaf]] = {}
    reworded: list[Point] = []
    for leaf in leaves:
        if leaf.way:
            what = f"{_path(leaf.path)} {leaf.verb}{leaf.rest}"
            reworded.append(Point(Change.CHANGED, what, leaf.way, api=True))
            continue
        name = leaf.path if leaf.path[-1].startswith("[") else leaf.path[-1]
        key = (name, leaf.verb, leaf.rest if leaf.verb == "is" else "")
        found.setdefault(key, []).append(leaf)
    joined = []
    for alike in found.values():
        first, places = alike[0], [leaf.place for leaf in alike]
        if len(alike) == 1:
            joined.append(f"{_path(first.path)} {first.verb}{first.rest}")
            continue
        shown = [place for place in places if place][:_PLACES]
        more = len(places) - len(shown)
        where = ", ".join(shown) + (f" and {plural(more, 'more place')}" if more else "")
        name = first.path[-1]
        joined.append(
            f"{name} is{first.rest}, in {where}"
            if first.verb == "is"
            else f"{name} {first.verb}, in {where}{first.rest}"
        )
    return [*(Point(Change.CHANGED, what, api=True) for what in joined), *reworded]


_PLACES = 3
"""Places that are named where one thing is new or gone in several."""


def _are_named(value: Any) -> bool:
    """Whether ``value`` lists things by name, as a signature does."""
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) and "name" in each for each in value)


def shown(value: Any) -> str:
    """Return a value in a line, cut where it is long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
