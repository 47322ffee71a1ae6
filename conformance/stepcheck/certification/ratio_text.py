"""A ratio as text: reports and the verdict's answers write it alike."""

from __future__ import annotations

from stepcheck.certification.certificate import Number


def format_ratio(value: Number) -> str:
    """Return a ratio in three figures, as in 0.983 or 1.2e4."""
    exact = float(value)
    if 0.01 <= exact < 1:
        return f"{exact:.3f}"
    if exact == 0 or 1 <= exact < 1000:
        return f"{exact:.3g}"
    return f"{exact:.1e}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
