"""Python source as text: values, keyword arguments, long lines, and the comparison that ends a program."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping

import numpy as np

from stepcheck.report.characters import escape_invisible

_WIDTH = 110


class Source(str):
    """A Python expression, written as it is."""

    __slots__ = ()


def literal(value: object) -> str:
    """Return ``value`` as Python source; a non-finite float as ``float("nan")`` and the like."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value!r}")'
    if isinstance(value, complex):
        return f"complex({literal(value.real)}, {literal(value.imag)})"
    return repr(value)


def source_of(value: object) -> str:
    """Return ``value``, or a list or tuple of values, as Python source."""
    if isinstance(value, Source):
        return str(value)
    if isinstance(value, (list, tuple)):
        inside = ", ".join(source_of(entry) for entry in value)
        if isinstance(value, list):
            return f"[{inside}]"
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, np.generic):
        return literal(value.item())
    return literal(value)


def docstring(text: str) -> str:
    """Return ``text``, which may hold anything that a subject says, as the docstring of a program."""
    inside = escape_invisible(" ".join(text.replace("\\", "\\\\").split())).replace('"""', "'''")
    return f'"""{inside}{" " if inside.endswith(chr(34)) else ""}"""'


def keywords(values: Mapping[str, object]) -> str:
    """Return ``values`` as keyword arguments in a call."""
    return ", ".join(f"{name}={source_of(value)}" for name, value in values.items())


def wrapped(line: str) -> list[str]:
    """Return ``line`` broken at spaces into lines of at most ``_WIDTH`` characters, where it has any."""
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


def comparison(
    reading: str, *, output: str, tensor: int, index: int, step: int, expected: float, radius: float
) -> list[str]:
    """Return lines that exit with 1 unless ``reading``, a Python expression, is within expected ± radius.

    Where nan is expected, they exit with 1 unless it is nan.
    """
    name = f"{output} of p{tensor}[{index}] " + (f"after step {step}" if step else "before the first step")
    broken = "observed == observed:  # not nan" if math.isnan(expected) else "not abs(observed - expected) <= radius:"
    return [
        "",
        f"observed = {reading}",
        f"expected, radius = {literal(expected)}, {literal(radius)}",
        f'print(f"{name}: observed {{observed!r}}, expected {{expected!r}} ± {{radius!r}}")',
        f"if {broken}",
        "    raise SystemExit(1)",
    ]
