"""Columns: text set in columns of a page, where an accent takes no column of its own."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence

WIDTH = 100
"""How many columns the text may take; a line that cannot be broken may be longer."""


def columns(words: str) -> int:
    """Return how many columns ``words`` take; an accent takes none."""
    return sum(not unicodedata.combining(character) for character in words)


def padded(words: str, width: int) -> str:
    """Return ``words`` with blanks up to ``width`` columns."""
    return words + " " * (width - columns(words))


def wrapped(words: str, width: int) -> list[str]:
    """Return ``words`` as lines of at most ``width`` columns."""
    return textwrap.wrap(words, width, break_long_words=False, break_on_hyphens=False)


def hanging(start: str, words: str) -> Iterator[str]:
    """Yield ``words`` as lines to the right of ``start``, which stands on the first alone."""
    indent = columns(start)
    for number, line in enumerate(wrapped(words, WIDTH - indent)):
        yield (start if number == 0 else " " * indent) + line


def bracketed(start: str, rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the rows of a matrix in tall brackets to the right of ``start``, which stands on the first alone."""
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    for index, row in enumerate(rows):
        left, right = "[]" if len(rows) == 1 else "⎡⎤" if index == 0 else "⎣⎦" if index == len(rows) - 1 else "⎢⎥"
        cells = "   ".join(padded(cell, width) for cell, width in zip(row, widths, strict=True))
        yield f"{start if index == 0 else ' ' * columns(start)}{left} {cells} {right}"


def brace(index: int, rows: int) -> str:
    """Return the piece of a left brace over ``rows`` lines at line ``index``."""
    if index in (0, rows - 1):
        return "⎩" if index else "⎧"
    return "⎨" if index == rows // 2 else "⎪"
