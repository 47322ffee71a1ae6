"""Texts of exceptions, compared: the same cause says other numbers in another script."""

from __future__ import annotations

import re


def normalized(text: str) -> str:
    """Return an exception's text without its numbers: sizes and addresses differ from script to script."""
    return re.sub(r"0x[0-9a-f]+|\d+", "#", " ".join(text.split()))
