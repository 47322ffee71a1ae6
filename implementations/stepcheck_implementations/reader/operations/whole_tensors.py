"""Whole tensors: functions of all elements at once, which are not read, and where the subject's code calls them."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Collection

_WORDS = {
    "norm": "a norm",
    "sum": "a sum",
    "nansum": "a sum",
    "mean": "a mean",
    "dot": "a dot product",
    "vdot": "a dot product",
    "inner": "a dot product",
    "max": "a maximum",
    "amax": "a maximum",
    "min": "a minimum",
    "amin": "a minimum",
    "std": "a standard deviation",
    "var": "a variance",
    "prod": "a product",
    "median": "a median",
}
"""Functions by the end of their name, in words."""


def in_words(name: str, files: Collection[str]) -> str:
    """Return what ``name`` computes of a whole tensor, and the line of ``files`` that calls it; "" for others.

    To be called while the function's own call is on the stack.
    """
    parts = [part.strip("_") for part in name.split(".")]
    last = parts[-2] if parts[-1] == "reduce" else parts[-1]
    word = _WORDS.get({"add": "sum", "maximum": "max", "minimum": "min"}.get(last, last))
    if word is None and last.endswith("norm"):
        word = _WORDS["norm"]
    return f"{word} over the whole tensor{_place(files)}" if word is not None else ""


def _place(files: Collection[str]) -> str:
    """Return the innermost line of ``files`` that is running, and its code."""
    frame = sys._getframe()
    while frame is not None and frame.f_code.co_filename not in files:
        frame = frame.f_back  # type: ignore[assignment]
    if frame is None:
        return ""
    line, end, first, last = list(frame.f_code.co_positions())[frame.f_lasti // 2]
    text = linecache.getline(frame.f_code.co_filename, line or frame.f_lineno)
    if line == end and first is not None and last is not None:
        text = text.encode()[first:last].decode(errors="replace")
    return f": line {frame.f_lineno}, `{text.strip()}`"
