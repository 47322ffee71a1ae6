"""Python source: values, keyword arguments and long lines as text."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping

import numpy as np

_WIDTH = 110


class Source(str):
    """Python that stands for itself."""

    __slots__ = ()


def literal(value: object) -> str:
    """Return ``value`` as Python source; a non-finite float as ``float("nan")`` and the like."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value!r}")'
    if isinstance(value, complex):
        return f"complex({literal(value.real)}, {literal(value.imag)})"
    return repr(value)


def written(value: object) -> str:
    """Return ``value`` as Python source, lists and tuples of values too."""
    if isinstance(value, Source):
        return str(value)
    if isinstance(value, (list, tuple)):
        inside = ", ".join(written(entry) for entry in value)
        if isinstance(value, list):
            return f"[{inside}]"
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, np.generic):
        return literal(value.item())
    return literal(value)


def shape_of(shape: tuple[int, ...]) -> str:
    """Return a shape as Python source."""
    return written(tuple(shape))


def keywords(values: Mapping[str, object]) -> str:
    """Return ``values`` as keyword arguments in a call."""
    return ", ".join(f"{name}={written(value)}" for name, value in values.items())


def wrapped(line: str) -> list[str]:
    """Return ``line`` in lines that are not too long, if it has blanks to break it at."""
    indent = line[: len(line) - len(line.lstrip())]
    if len(line) <= _WIDTH:
        return [line]
    return textwrap.wrap(
        line.lstrip(),
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
