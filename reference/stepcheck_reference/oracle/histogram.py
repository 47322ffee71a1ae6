"""Histogram: ratios of error to radius, counted in fixed bins."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

INSIDE = 16
"""Bins of equal width from 0 to 1; the last of them holds 1, the edge of the envelope."""

BEYOND = (10.0, 1e3, 1e6)
"""Upper ends of the bins beyond the edge; one more bin, without an end, has the rest."""

BINS = INSIDE + len(BEYOND) + 1

SAMPLE = 2048
"""The number of ratios that are counted individually; of more, every third, fifth, … is counted that many times."""


def histogram(ratios: NDArray[Any], largest: float) -> NDArray[np.int64]:
    """Return how many of ``ratios``, shape (n,), are in each bin, shape (BINS,); negative ones are in none.

    ``largest`` is their maximum, which the caller already has. Ratios beyond the edge are always counted
    individually.
    """
    counts = np.zeros(BINS, dtype=np.int64)
    every = ratios.size // SAMPLE | 1  # odd, so that real and imaginary parts alternate
    sample = ratios[::every]
    if sample.min(initial=0.0) < 0.0:
        sample = sample[sample >= 0.0]
    if not largest < 1.0:
        counts[INSIDE:] = np.bincount(np.searchsorted(BEYOND, ratios[ratios > 1.0]), minlength=BINS - INSIDE)
        sample = np.minimum(sample[sample <= 1.0], 1.0 - 0.5 / INSIDE)
    counts[:INSIDE] = np.bincount((sample * INSIDE).astype(np.intp), minlength=INSIDE) * every
    return counts
