"""Patterns of cell names: "*" and "?" as in a shell, but brackets literally, since cell names contain them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from stepcheck.certification.request import WrongRequest
from stepcheck_reference.suggest import nearest


def select_cells(patterns: Iterable[str], cells: Iterable[str]) -> list[str]:
    """Return the ``cells`` that one of ``patterns`` matches, in their order; a string is one pattern.

    Raises WrongRequest for a pattern that matches none, and names the nearest cell.
    """
    names = list(cells)
    patterns = (patterns,) if isinstance(patterns, str) else patterns
    selected: set[str] = set()
    for pattern in patterns:
        matching = matches(pattern, names)
        if not matching:
            raise WrongRequest(f"cell={pattern}, but the baseline has no such cell{_hint(pattern, names)}")
        selected.update(matching)
    return [name for name in names if name in selected]


def matches(pattern: str, cells: Sequence[str]) -> list[str]:
    """Return the ``cells`` whose whole name ``pattern`` matches, in any case."""
    wildcards = {"*": ".*", "?": "."}
    regex = re.compile("".join(wildcards.get(letter, re.escape(letter)) for letter in pattern), re.IGNORECASE)
    return [name for name in cells if regex.fullmatch(name)]


def _hint(pattern: str, names: Sequence[str]) -> str:
    suggestion = nearest(pattern.replace("*", ""), names)
    hint = f" (did you mean {suggestion}?)" if suggestion else ""
    if names:
        hint += f"; `{names[0]}` is one, and `{names[0].partition('[')[0]}*` matches all that start this way"
    return hint
