"""Units in the last place: how many numbers of a format lie between two of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.formats import BINARY32, BINARY64, Format


def ulps_between(old: NDArray[Any], new: NDArray[Any], form: Format) -> NDArray[np.float64]:
    """Return for each pair how many steps of ``form`` lead from one to the other; inf where one is not finite.

    Equal numbers, zeros of both signs and two nans are 0 apart.
    """
    one, other = (np.asarray(values, dtype=np.float64) for values in (old, new))
    with np.errstate(all="ignore"):
        apart = np.abs(_ordinal(one, form) - _ordinal(other, form))
        same = (one == other) | (np.isnan(one) & np.isnan(other))
        return np.where(same, 0.0, np.where(np.isfinite(one) & np.isfinite(other), apart, np.inf))


def largest_ulps(old: NDArray[Any], new: NDArray[Any]) -> float:
    """Return the largest distance between an element of one array and its counterpart, in ulps of their own dtype."""
    if not old.size:
        return 0.0
    return float(ulps_between(old, new, BINARY32 if old.dtype == np.float32 else BINARY64).max())


def _ordinal(values: NDArray[np.float64], form: Format) -> NDArray[Any]:
    """Return the index of each number among those of ``form``, 0 for zero; differences of indices are exact.

    Numbers of binary64 are ordered as their bits are, read as signed integers with negative ones mirrored; two indices
    may be 2**64 apart, which needs the 64-bit significand of long double. Narrower formats need fewer than 2**53
    indices, which float64 holds: the binades below the number's, each of 2**(precision - 1) numbers, and the offset in
    it.
    """
    if form is BINARY64:
        bits = np.ascontiguousarray(values).view(np.int64)
        return np.asarray(np.where(bits < 0, -(bits & np.int64(2**63 - 1)), bits).astype(np.longdouble))
    magnitude = np.abs(values)
    _, exponent = np.frexp(magnitude)
    lowest = 2 - form.max_exponent
    binade = np.where(magnitude == 0.0, lowest, np.maximum(exponent, lowest))
    inside = np.ldexp(magnitude, form.precision - binade)
    before = (binade - lowest).astype(np.float64) * 2.0 ** (form.precision - 1)
    return np.asarray(np.copysign(before + inside, values))
