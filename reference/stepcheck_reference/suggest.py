"""The nearest name: usage errors say what was given, what is allowed and what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches


def nearest(given: str, allowed: Iterable[str]) -> str | None:
    """Return the entry of ``allowed`` that resembles ``given`` most, or None where none does.

    Of several that resemble it alike, the one with most letters in the same places: SC1O1 is SC101, not SC211.
    """
    names, asked = {name.lower(): name for name in allowed}, given.lower()
    found = get_close_matches(asked, names, n=10, cutoff=0.6)
    if not found:
        return None

    def similarity(name: str) -> tuple[float, int]:
        letters = sum(one == other for one, other in zip(name, asked, strict=False))
        return SequenceMatcher(None, name, asked).ratio(), letters

    return names[max(found, key=similarity)]


def unknown(what: str, given: str, allowed: Iterable[str]) -> str:
    """Return one sentence: what was given, what is allowed, and the nearest name if there is one."""
    allowed = list(allowed)
    meant = nearest(given, allowed)
    sentence = f"{what}={given}, but should be one of {', '.join(allowed)}"
    return f"{sentence} (did you mean {meant}?)" if meant else sentence
