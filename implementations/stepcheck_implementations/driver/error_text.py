"""Errors of a subject: raised in its code or detected in its state, and their text made safe to print."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stepcheck_implementations.driver import memory_limit

LONGEST = 2000
"""Characters of an error's message that are kept."""
_WALKED = 4 * LONGEST
"""Characters of it that are looked at."""


class Misfit(ValueError):
    """Script and adapter do not fit: a defect of stepcheck or of the adapter, not of the subject."""


class Malformed(Exception):
    """The subject left something that cannot be read as a step."""


class SubjectRaised(Exception):
    """The subject raised; ``message`` is its error in one line."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.message = one_line(error)


let_through: tuple[type[BaseException], ...] = (KeyboardInterrupt,)
"""What is not the subject's where it runs in the user's own process: Ctrl-C. A worker lets nothing through."""


def let_nothing_through() -> None:
    """Take every exception for the subject's from now on, in a worker, which Ctrl-C does not reach."""
    global let_through
    let_through = ()


def call_subject(call: Callable[[], Any]) -> Any:
    """Return what the subject's ``call`` returns; whatever it raises becomes ``SubjectRaised``."""
    try:
        return call()
    except (SubjectRaised, *let_through):  # type: ignore[misc]
        raise
    except BaseException as error:
        raise SubjectRaised(error) from error


def fault_of(work: Callable[[], object]) -> tuple[str, str] | None:
    """Do ``work`` on what a subject owns; return the kind and the message of the fault that ended it, if any.

    All code that calls a subject, or reads or writes what it owns, runs in here: its parameters, state and class, and
    torch itself once it has been imported beside them, are the subject's, so that what they raise in code of ours is
    its fault as well.
    """
    try:
        work()
    except (Misfit, *let_through):  # type: ignore[misc]
        raise
    except SubjectRaised as error:
        return "raised", error.message
    except Malformed as error:
        return "malformed", printable(str(error))
    except BaseException as error:
        return "malformed", f"what it left cannot be worked with: {one_line(error)}"
    return None


def one_line(error: BaseException) -> str:
    """Return the kind and message of ``error`` in one line; both are a subject's, and asking for them may raise."""
    try:
        kind = _exactly(_name_of(type(error)))
    except BaseException:
        kind = "an exception"
    try:
        text = _exactly(str(error))
    except BaseException:
        text = "(its message cannot be printed)"
    return printable(f"{kind}: {text}" if text else kind) + memory_limit.note_on(error, text)


_name_of = type.__dict__["__name__"].__get__
"""The name of a class, whatever its metaclass makes of ``__name__``."""


def _exactly(text: str) -> str:
    """Return the beginning of ``text``, which may be of a subclass, as a plain string."""
    return str.__getitem__(text, slice(_WALKED))


def printable(text: str) -> str:
    """Return at most ``LONGEST`` characters of ``text`` on one line, without those that a terminal would obey.

    Escape sequences are such. What is too long is cut before it is looked at.
    """
    letters = (letter if letter.isprintable() else " " for letter in text[:_WALKED])
    return " ".join("".join(letters).split())[:LONGEST]
