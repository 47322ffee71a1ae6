"""How a standalone script ends: it reads one real number and exits 1 where that lies outside its envelope."""

from __future__ import annotations

import math

from stepcheck.standalone.source import literal


def ending(
    reading: str, *, output: str, tensor: int, index: int, step: int, expected: float, radius: float
) -> list[str]:
    """Return the lines that hold ``reading``, a Python expression, to expected ± radius; nan is held to nan."""
    what = f"{output} of p{tensor} at {index} " + (f"after step {step}" if step else "before the first step")
    far = "observed == observed:  # a number" if math.isnan(expected) else "not abs(observed - expected) <= radius:"
    return [
        "",
        f"observed = {reading}",
        f"expected, radius = {literal(expected)}, {literal(radius)}",
        f'print(f"{what}: observed {{observed!r}}, expected {{expected!r}} ± {{radius!r}}")',
        f"if {far}",
        "    raise SystemExit(1)",
    ]
