"""The histogram of a cell's ratios of error to radius."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from stepcheck.certification.certificate import CellResult
from stepcheck.report.figures.axes import coordinate
from stepcheck.report.wording import thousands
from stepcheck_reference.oracle.histogram import BEYOND, BINS, INSIDE

_BAR, _HEIGHT = 4, 24
"""Width of a bar with its gap, and height of the figure, in units of its view box."""


def total(ratios: Iterable[Sequence[int]]) -> list[int]:
    """Return the sum of several counts, one number a bin."""
    counts = [0] * BINS
    for part in ratios:
        for index, number in enumerate(part):
            counts[index] += number
    return counts


def outputs_of(cells: Iterable[CellResult]) -> list[str]:
    """Return the outputs that have ratios in ``cells``, parameters first."""
    return sorted({name for cell in cells for name in cell.ratios}, key=lambda name: (name != "theta", name))


def ratio_histogram(counts: Sequence[int], name: str) -> Markup:
    """Return 16 bars up to the envelope's edge, a line there, and bars beyond it; "" where nothing was counted.

    The height of a bar is the logarithm of its count, so that one element in a million is visible.
    """
    tallest = math.log1p(max(counts, default=0))
    if not tallest:
        return Markup("")
    inside = _bars(counts[:INSIDE], 0, tallest)
    edge = INSIDE * _BAR + 1
    beyond = _bars(counts[INSIDE:], edge + 2, tallest)
    width = edge + 2 + (BINS - INSIDE) * _BAR
    description = escape(f"{name}: {_description(counts)}")
    return Markup(
        f'<svg class="histogram" viewBox="0 0 {width} {_HEIGHT}" role="img" aria-label="{description}">'
        f"<title>{description}</title>"
        f'<path class="inside" d="{inside}"/><path class="beyond" d="{beyond}"/>'
        f'<path class="edge" d="M{edge} 0V{_HEIGHT}"/><path class="base" d="M0 {_HEIGHT - 0.5}H{width}"/></svg>'
    )


def _bars(counts: Sequence[int], left: float, tallest: float) -> str:
    parts = []
    for index, number in enumerate(counts):
        if number:
            height = coordinate(max(1.5, (_HEIGHT - 1) * math.log1p(number) / tallest))
            parts.append(f"M{coordinate(left + index * _BAR)} {_HEIGHT - 1}v-{height}h{_BAR - 1}v{height}z")
    return "".join(parts)


def _description(counts: Sequence[int]) -> str:
    """Return the histogram in a sentence."""
    every, beyond = sum(counts), sum(counts[INSIDE:])
    half = sum(counts[: INSIDE // 2])
    sentence = f"{half / every:.0%} of {thousands(every)} errors below half the radius"
    if not beyond:
        return f"{sentence}, none beyond it"
    edges = ["1", *(f"{edge:g}" for edge in BEYOND)]
    last = max(index for index in range(INSIDE, len(counts)) if counts[index])
    return f"{sentence}, {thousands(beyond)} beyond it, the furthest more than {edges[last - INSIDE]} radii off"
