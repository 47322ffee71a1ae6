"""Suggestions: a usage error says what was given, what is allowed and which name was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches


def closest(given: str, allowed: Iterable[str], most: int = 1) -> tuple[str, ...]:
    """Return up to ``most`` names of ``allowed`` that resemble ``given``, ignoring case, the best first.

    Letters in another order count little: adma is adam, not adamax. Of equally similar names the one with most letters
    in the same places comes first: SC1O1 is SC101, not SC211.
    """
    names = {name.lower(): name for name in sorted(allowed, reverse=True)}
    lowered = given.lower()

    def similarity(name: str) -> tuple[float, int]:
        ordered, sorted_letters = ((name, lowered), (sorted(name), sorted(lowered)))
        same_places = sum(letter == expected_letter for letter, expected_letter in zip(name, lowered, strict=False))
        return SequenceMatcher(None, *ordered).ratio() + SequenceMatcher(None, *sorted_letters).ratio(), same_places

    similar = sorted(get_close_matches(lowered, names, n=10, cutoff=0.6), key=similarity, reverse=True)
    return tuple(names[name] for name in similar[:most])


def nearest(given: str, allowed: Iterable[str]) -> str | None:
    """Return the entry of ``allowed`` that resembles ``given`` most, or None where none does."""
    return next(iter(closest(given, allowed)), None)


def did_you_mean(given: str, allowed: Iterable[str], most: int = 1) -> str:
    """Return "; did you mean X?", or with commas the ``most`` similar names, to end a sentence with; else nothing."""
    similar = closest(given, allowed, most)
    return f"; did you mean {', '.join(similar)}?" if similar else ""


def unknown(what: str, given: str, allowed: Iterable[str]) -> str:
    """Return one sentence: what was given, what is allowed, and the nearest name if there is one."""
    allowed = list(allowed)
    meant = nearest(given, allowed)
    sentence = f"{what}={given}, but should be one of {', '.join(allowed)}"
    return f"{sentence} (did you mean {meant}?)" if meant else sentence
