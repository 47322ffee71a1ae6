"""Errors of a subject: raised in its code or detected in its state, and their text made safe to print."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

LONGEST = 2000
"""Characters of an error's message that are kept."""


class Malformed(Exception):
    """The subject left something that cannot be read as a step."""


class SubjectRaised(Exception):
    """The subject raised; ``message`` is its error in one line."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.message = one_line(error)


def call_subject(call: Callable[[], Any]) -> Any:
    """Return what the subject's ``call`` returns; whatever it raises becomes ``SubjectRaised``."""
    try:
        return call()
    except (Exception, SystemExit) as error:
        raise SubjectRaised(error) from error


def one_line(error: BaseException) -> str:
    """Return the kind and message of ``error`` in one line; its ``__str__`` is a subject's, and may itself raise."""
    try:
        text = str(error)
    except Exception:
        text = "(its message cannot be printed)"
    return printable(f"{type(error).__name__}: {text}" if text else type(error).__name__)[:LONGEST]


def printable(text: str) -> str:
    """Return ``text`` on one line, without characters that a terminal would obey, as of escape sequences."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
