"""Simple numbers: an order of numbers by how easily a person reads them, and simpler ones for each."""

from __future__ import annotations

import math
from collections.abc import Iterator

from stepcheck_reference.scripts.script import Data, Drawn, Literal

ZERO, ONE = Literal((0.0,)), Literal((1.0,))


def simpler_data(data: Data) -> Iterator[Literal]:
    """Yield data simpler than ``data``, the simplest first."""
    values = data.values if isinstance(data, Literal) else ()
    if isinstance(data, Drawn) or len(values) > 1:
        yield ZERO
        yield ONE
        if values and len(set(values)) == 1:
            yield Literal(values[:1])
        if 1 < len(values) <= 4:
            for index, value in enumerate(values):
                for simple in simpler(value)[:4]:
                    yield Literal((*values[:index], simple, *values[index + 1 :]))
        return
    for simple in simpler(values[0]) if values else ():  # an empty tensor has no number
        yield Literal((simple,))


def simpler(value: float) -> list[float]:
    """Return numbers simpler than ``value``, the simplest first."""
    choices = {0.0, 1.0, -1.0, 2.0, 0.5, *rounded(value)}
    return sorted((choice for choice in choices if complexity(choice) < complexity(value)), key=complexity)


def rounded(value: float) -> tuple[float, ...]:
    """Return ``value`` to the nearest power of two, and to one, two and three decimal digits."""
    if not math.isfinite(value) or value == 0.0:
        return ()
    power = math.copysign(2.0 ** max(-1074, min(1023, round(math.log2(abs(value))))), value)
    return (power, *(float(f"{value:.{digits}g}") for digits in (1, 2, 3)))


def complexity(value: float) -> tuple[int, float]:
    """Return a key that orders numbers by simplicity: 0 and 1 first, then short decimals and powers of two near 1."""
    if not math.isfinite(value):
        return (200, 0.0)
    if value == 0.0:
        return (1 if math.copysign(1.0, value) < 0 else 0, 0.0)
    digits = f"{abs(value):.17g}" if float(f"{abs(value):.6g}") != abs(value) else f"{abs(value):.6g}"
    mantissa = len(digits.split("e")[0].replace(".", "").strip("0"))
    magnitude = abs(math.log2(abs(value)))
    if math.frexp(abs(value))[0] == 0.5:
        mantissa = min(mantissa, 3)
    return (2 + mantissa + int(value < 0) + int(magnitude) // 12, magnitude)
