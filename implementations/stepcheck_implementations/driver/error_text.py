"""A stranger's error in one line, and a stranger's output made safe to print."""

from __future__ import annotations

LONGEST = 2000
"""Characters of an error's message that are kept."""


def one_line(error: BaseException) -> str:
    """Return the kind and message of ``error`` in one line; its text is a stranger's, and may itself raise."""
    try:
        text = str(error)
    except Exception:
        text = "(its message cannot be printed)"
    return printable(f"{type(error).__name__}: {text}" if text else type(error).__name__)[:LONGEST]


def printable(text: str) -> str:
    """Return ``text`` on one line and without what a terminal would obey, as escape sequences."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
