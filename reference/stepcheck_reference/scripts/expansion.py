"""Expansion: the values that a seed, a regime and a scale mean, the same bits in every version of numpy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.formats import FORMATS, Format
from stepcheck_reference.scripts.script import Data, Drawn

MOST_CACHED = 16384
"""Number of values up to which an expansion is cached for the next mode of the same subject, which needs it again."""


def expand(data: Data, size: int, dtype: str) -> NDArray[np.float64]:
    """Return the ``size`` values of ``data``, each exactly representable in ``dtype``."""
    return np.asarray(expand_all((data,), size, dtype)[0])


def expand_all(data: Sequence[Data], size: int, dtype: str) -> NDArray[np.float64]:
    """Return one row of ``size`` values for each of ``data``; shape (len(data), size). Not to be written to.

    Raises ValueError for a literal of another length.
    """
    if len(data) * size <= MOST_CACHED and all(_is_plain(item) for item in data):
        return _cached(tuple(data), size, dtype)
    return _expanded(data, size, dtype)


def _is_plain(item: Data) -> bool:
    """Whether equal items mean equal values; literals and scales may differ in the sign of a zero alone."""
    return isinstance(item, Drawn) and not item.specials and item.scale > 0


@lru_cache(maxsize=128)
def _cached(data: tuple[Data, ...], size: int, dtype: str) -> NDArray[np.float64]:
    return _expanded(data, size, dtype)


def _expanded(data: Sequence[Data], size: int, dtype: str) -> NDArray[np.float64]:
    form = FORMATS[dtype]
    values = np.empty((len(data), size))
    drawn: dict[str, list[int]] = {}
    for row, item in enumerate(data):
        if isinstance(item, Drawn):
            drawn.setdefault(item.regime, []).append(row)
        elif len(item.values) not in (1, size):
            raise ValueError(f"{len(item.values)} literal values, but should be 1 or {size}")
        else:
            values[row] = form.round(np.asarray(item.values))
    for regime, rows in drawn.items():
        items = [item for row in rows if isinstance(item := data[row], Drawn)]
        words = _words([item.seed for item in items], 2 * size).reshape(len(items), 2, size)
        with np.errstate(all="ignore"):
            spread = _regime(regime, words, form) * np.array([[item.scale] for item in items])
        values[rows] = form.round(spread)
        for row, item in zip(rows, items, strict=True):
            for index, special in item.specials:
                if size:
                    values[row, index % size] = form.round(np.asarray(special))
    return values


def _regime(regime: str, words: NDArray[np.uint64], form: Format) -> NDArray[np.float64]:
    """Return values spread as ``regime`` says; words (rows, 2, size) to values (rows, size).

    Only operations that IEEE 754 rounds correctly are used, so that a seed means the same bits with every numpy.
    """
    top = float(form.max_exponent)
    first = (words[:, 0] >> np.uint64(11)).astype(np.float64) * 2.0**-53
    if regime == "uniform":
        return 2.0 * first - 1.0
    if regime == "constant":
        return np.ones_like(first)
    if regime == "normal":
        # The sum of four uniform numbers (Irwin and Hall 1927), with mean 0 and variance 1.
        low = np.uint64(0xFFFFFFFF)
        summed = (words >> np.uint64(32)).sum(axis=1) + (words & low).sum(axis=1)
        return np.asarray((summed.astype(np.float64) * 2.0**-32 - 2.0) * math.sqrt(3.0))
    sign = np.where(words[:, 1] & np.uint64(1), -1.0, 1.0)
    if regime == "wide":
        return sign * _power((first - 0.5) * top)
    if regime == "tiny":
        return sign * _power(-top - form.precision * first) * 4.0
    if regime == "huge":
        return sign * _power(top * (0.35 + 0.15 * first))
    if regime == "sparse":
        second = (words[:, 1] >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return np.where(second < 0.7, 0.0 * sign, sign * first)
    return sign


def _power(exponent: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 2 to the power of integer exponents, linearly interpolated between them."""
    floor = np.floor(exponent)
    return np.asarray(np.ldexp(1.0 + (exponent - floor), floor.astype(np.int64)))


def _words(seeds: Sequence[int], count: int) -> NDArray[np.uint64]:
    """Return ``count`` 64-bit words for each seed, by SplitMix64 (Steele, Lea and Flood 2014, figure 15).

    Integer arithmetic alone, so a seed means the same words in every version and on every machine; all
    seeds at once, because a generator object for each would cost more than its words.
    """
    started = _mixed(np.array(seeds, dtype=np.uint64)[:, None])
    return _mixed(started + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
