"""Characters that a document can hold: a subject's own messages may hold others."""

from __future__ import annotations

import re

_OTHERS = re.compile("[^\t\n\r\u0020-\u007e\u00a0-\u2029\u202f-\u2065\u206a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Controls, lone surrogates, and what turns the direction of writing around."""


def escape_invisible(text: str) -> str:
    """Return ``text`` with every character that XML cannot hold or nobody can see written as an escape."""
    return _OTHERS.sub(lambda found: _escape(ord(found[0])), text)


def _escape(number: int) -> str:
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"
