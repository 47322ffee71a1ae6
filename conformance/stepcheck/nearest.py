"""The nearest name: usage errors say what was given, what is allowed and what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(given: str, allowed: Iterable[str]) -> str | None:
    """Return the entry of ``allowed`` that resembles ``given`` most, or None where none does."""
    names = {name.lower(): name for name in allowed}
    found = get_close_matches(given.lower(), names, n=1, cutoff=0.6)
    return names[found[0]] if found else None


def unknown(what: str, given: str, allowed: Iterable[str]) -> str:
    """Return one sentence: what was given, what is allowed, and the nearest name if there is one."""
    allowed = list(allowed)
    meant = nearest(given, allowed)
    sentence = f"{what}={given}, but should be one of {', '.join(allowed)}"
    return f"{sentence} (did you mean {meant}?)" if meant else sentence
