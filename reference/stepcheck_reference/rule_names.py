"""Names of rules: one that is listed, or the place of one that a request brings; each with rewrites joined by +."""

from __future__ import annotations

import re

_PLACE = re.compile(r"(?:.*[^:]:)?[^\W\d]\w*(?:\.[^\W\d]\w*)*(?:\([^()]*\))?", re.DOTALL)
"""A target, as in path/file.py:Name or package.module.Name, and the options in parentheses that it was read with."""


def parts_of(name: str) -> tuple[str, tuple[str, ...]]:
    """Return the base of a rule's name and its rewrites: "a+b.py:LION+maximize" is "a+b.py:LION" with "maximize"."""
    where, colon, own = name.rpartition(":")
    base, *rewrites = own.split("+")
    return f"{where}{colon}{base}", tuple(rewrites)


def is_place(name: str) -> bool:
    """Whether ``name`` is that of a rule which a request brings, and no name of a rule that is listed."""
    base, _ = parts_of(name)
    return not base.isidentifier()


def is_name(name: str) -> bool:
    """Whether a rule may be called so."""
    base, rewrites = parts_of(name)
    return bool(_PLACE.fullmatch(base)) and all(part.isidentifier() for part in rewrites)
