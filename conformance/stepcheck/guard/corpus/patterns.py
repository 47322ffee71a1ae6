"""Patterns of cells: "*" and "?" as in a shell, brackets as they stand, since cells have some."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from stepcheck.certification.request import WrongRequest
from stepcheck_reference.suggest import nearest


def chosen(patterns: Iterable[str], cells: Iterable[str]) -> list[str]:
    """Return the ``cells`` that one of ``patterns`` matches, in their order; a string is one pattern.

    Raises WrongRequest for a pattern that matches none, with the cell that is nearest to it.
    """
    known = list(cells)
    patterns = (patterns,) if isinstance(patterns, str) else patterns
    found: set[str] = set()
    for pattern in patterns:
        matching = matches(pattern, known)
        if not matching:
            meant = nearest(pattern.replace("*", ""), known)
            raise WrongRequest(
                f"cell={pattern}, but the baseline has no such cell"
                + (f" (did you mean {meant}?)" if meant else "")
                + (
                    f"; `{known[0]}` is one, and `{known[0].partition('[')[0]}*` matches all that begin so"
                    if known
                    else ""
                )
            )
        found.update(matching)
    return [name for name in known if name in found]


def matches(pattern: str, cells: Sequence[str]) -> list[str]:
    """Return the ``cells`` that ``pattern`` matches as a whole, capitals or not."""
    parts = {"*": ".*", "?": "."}
    wanted = re.compile("".join(parts.get(letter, re.escape(letter)) for letter in pattern), re.IGNORECASE)
    return [name for name in cells if wanted.fullmatch(name)]
