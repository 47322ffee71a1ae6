"""Characters that documents cannot contain, written as escapes: a subject's messages may contain any."""

from __future__ import annotations

import re

_HIDDEN = re.compile("[^\t\n\r\u0020-\u007e\u00a0-\u2029\u202f-\u2065\u206a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Control characters, lone surrogates, and characters that change the direction of text."""


def escape_invisible(text: str) -> str:
    """Return ``text`` with every character that XML cannot contain or that is invisible written as an escape."""
    return _HIDDEN.sub(lambda match: _escape(ord(match[0])), text)


def _escape(number: int) -> str:
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"
