"""Axes: the rectangle a trace is drawn in, its ticks, and coordinates as text."""

from __future__ import annotations

import math
from collections.abc import Iterable

from markupsafe import escape

WIDTH, HEIGHT = 340, 200
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 16, 38
"""Margins around the rectangle."""


def coordinate(value: float) -> str:
    """Return a coordinate with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")


class Axes:
    """Steps 0 to ``last`` from left to right, values ``low`` to ``high`` from bottom to top."""

    def __init__(self, last: int, low: float, high: float) -> None:
        self.last, self.low, self.high = max(last, 1), low, high

    def x(self, step: float) -> float:
        """Return the horizontal coordinate of ``step``."""
        return LEFT + (WIDTH - LEFT - RIGHT) * (0.04 + 0.92 * step / self.last)

    def y(self, value: float) -> float:
        """Return the vertical coordinate of ``value``; one far outside stays within a few heights."""
        fraction = (value - self.low) / (self.high - self.low)
        return TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - min(max(fraction, -2.0), 3.0))

    def point(self, step: float, value: float) -> str:
        """Return both coordinates, as a path has them."""
        return f"{coordinate(self.x(step))} {coordinate(self.y(value))}"

    def svg(self, ticks: Iterable[tuple[float, str]]) -> str:
        """Return a gridline and a label for each of ``ticks``, and the numbers of steps."""
        parts = []
        for value, label in ticks:
            y = coordinate(self.y(value))
            parts.append(f'<path class="gridline" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>')
            parts.append(f'<text class="tick end" x="{LEFT - 6}" y="{y}" dy=".32em">{escape(label)}</text>')
        for step in _step_ticks(self.last):
            x = coordinate(self.x(step))
            parts.append(f'<text class="tick middle" x="{x}" y="{HEIGHT - 10}">{step}</text>')
        return "".join(parts)

    def failing_step(self, step: int, value: float, label: str, offset: float = 0.0) -> str:
        """Return the mark of the failing step, its label ``offset`` from the line that leads to it."""
        x, y = self.x(step), self.y(value)
        side, shift = ("end", -12.0) if x > (WIDTH + LEFT) / 2 else ("start", 12.0)
        left, top = coordinate(x), coordinate(y)
        return (
            f'<circle class="ring" cx="{left}" cy="{top}" r="7"/>'
            f'<circle class="failing" cx="{left}" cy="{top}" r="3.6"/>'
            f'<text class="label {side}" x="{coordinate(x + shift)}" y="{coordinate(y + offset)}" dy=".32em">'
            f"{escape(label)}</text>"
        )


def clipped(lines: str) -> str:
    """Return ``lines`` clipped at the edges of the axes."""
    box = f"{LEFT} 4 {WIDTH - LEFT} {HEIGHT - BOTTOM + 6}"
    x, y, width, height = box.split()
    return f'<svg x="{x}" y="{y}" width="{width}" height="{height}" viewBox="{box}">{lines}</svg>'


def value_range(values: Iterable[float], margin: float = 0.08) -> tuple[float, float]:
    """Return a range around ``values`` with ``margin`` on both sides, in units of its width."""
    finite = list(values) or [0.0]
    low, high = min(finite), max(finite)
    if not math.isfinite(high - low):
        return max(low, -8e307), min(high, 8e307)
    extra = (high - low) * margin or max(abs(high), 1e-300) * 0.1
    return low - extra, high + extra


def value_ticks(low: float, high: float, base: float) -> list[tuple[float, str]]:
    """Return round numbers between ``low`` and ``high`` with their labels.

    Where they would differ in the seventh figure only, ``base`` has its value and the others their distance from it.
    """
    width = high - low
    if not (math.isfinite(width) and width > 1e-290):
        return [(low, f"{low:.3g}"), (high, f"{high:.3g}")]
    size = 10.0 ** math.floor(math.log10(width / 4))
    size = next(step for factor in (1, 2, 5, 10) if width / (step := size * factor) <= 5.5)
    if max(abs(low), abs(high)) > 1e5 * size:
        start = base if low <= base <= high else low
        steps = range(math.ceil((low - start) / size), math.floor((high - start) / size) + 1)
        return [(start + step * size, f"{step * size:+.2g}" if step else f"{start:.6g}") for step in steps]
    return [(step * size, f"{step * size:.6g}") for step in range(math.ceil(low / size), math.floor(high / size) + 1)]


def _step_ticks(last: int) -> list[int]:
    size = next(step for power in range(9) for factor in (1, 2, 5) if last / (step := factor * 10**power) <= 6)
    return list(range(0, last + 1, size))
