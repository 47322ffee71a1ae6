"""Usage errors: the exceptions of a wrong request, recognized without importing the modules that raise them."""

from __future__ import annotations

import re
import sys

_HIDDEN = re.compile("[^\u0020-\u007e\u00a1-\u2027\u2030-\u2064\u206a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that end a line, that a terminal would obey, or that change the direction of text."""
_LONGEST = 3_000
"""Characters of a message; what was given in it may be longer."""

HOMES = {
    "stepcheck.certification.request": "WrongRequest",
    "stepcheck.guard.environments.environment": "Unavailable",
    "stepcheck_reference.reading.as_rule": "NotARule",
    "stepcheck_reference.rule": "OutOfDomain",
    "stepcheck_reference.rules": "UnknownRule",
    "stepcheck_reference.rewrites": "RewriteError",
    "stepcheck_implementations.driver.target": "TargetError",
}
"""The module of each class of them, and its name there."""


def is_refusal(error: Exception) -> bool:
    """Whether ``error`` says that the request is wrong; looks only at classes that are imported already."""
    kinds = tuple(
        getattr(sys.modules[home], name)
        for home, name in HOMES.items()
        if home in sys.modules and hasattr(sys.modules[home], name)
    )
    return isinstance(error, kinds)


def sentence(text: str) -> str:
    """Return the message ``text`` on one line, what is hidden written as escapes, and the middle of a long one cut."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST * 2 // 3]} [...] {text[-_LONGEST // 3 :]}"
    return _HIDDEN.sub(lambda match: repr(match[0])[1:-1], text)
