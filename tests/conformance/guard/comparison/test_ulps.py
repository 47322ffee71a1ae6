"""Units in the last place: the number of steps of a format between two of its numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepcheck.guard.comparison.ulps import largest_ulps, ulps_between
from stepcheck_reference.formats import BFLOAT16, BINARY16, BINARY32, BINARY64, Format


def ulps(one: float, other: float, form: Format) -> float:
    return float(ulps_between(np.array([one]), np.array([other]), form)[0])


@settings(database=None, deadline=None)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False), st.integers(0, 40), st.booleans())
def test_so_many_steps_up_or_down_are_so_many_ulps(value: float, steps: int, up: bool) -> None:
    for kind, form in ((np.float32, BINARY32), (np.float64, BINARY64)):
        start = end = kind(value)
        with np.errstate(over="ignore"):
            for _ in range(steps):
                end = np.nextafter(end, kind(np.inf if up else -np.inf))
        if np.isfinite(end):
            expected = float(steps)
            assert ulps(float(start), float(end), form) == expected
            assert ulps(float(end), float(start), form) == expected


@settings(database=None, deadline=None)
@given(st.integers(0, 0x7F7F), st.integers(0, 0x7F7F), st.booleans())
def test_ulps_of_bfloat16_are_differences_of_its_words(one: int, other: int, negative: bool) -> None:
    def value(word: int) -> float:
        return float(np.uint32(word << 16).view(np.float32))

    expected = float(one + other if negative else abs(one - other))
    assert ulps(value(one), -value(other) if negative else value(other), BFLOAT16) == expected


@settings(database=None, deadline=None)
@given(st.integers(0, 0x7BFF), st.integers(0, 0x7BFF))
def test_ulps_of_float16_are_differences_of_its_words(one: int, other: int) -> None:
    values = [float(np.uint16(word).view(np.float16)) for word in (one, other)]
    assert ulps(*values, BINARY16) == float(abs(one - other))


@pytest.mark.parametrize("form", [BFLOAT16, BINARY16, BINARY32, BINARY64])
def test_equal_numbers_are_zero_ulps_apart_and_non_finite_ones_infinitely_many(form: Format) -> None:
    for one, other in ((0.0, -0.0), (np.nan, np.nan), (np.inf, np.inf), (1.0, 1.0)):
        assert ulps(one, other, form) == 0.0
    for one, other in ((1.0, np.nan), (np.inf, 1.0), (np.inf, -np.inf), (np.nan, np.inf)):
        assert ulps(one, other, form) == np.inf
    assert ulps(0.0, form.smallest_subnormal, form) == 1.0
    assert ulps(-form.smallest_subnormal, form.smallest_subnormal, form) == 2.0


def test_the_ends_of_binary64_are_counted_exactly() -> None:
    largest = np.finfo(np.float64).max
    assert ulps(-largest, largest, BINARY64) == 2.0 * 0x7FEFFFFFFFFFFFFF


def test_the_farthest_counts_in_the_arrays_own_format() -> None:
    one = np.array([1.0, 2.0], np.float32)
    assert largest_ulps(one, np.nextafter(one, np.float32(3))) == 1.0
    assert largest_ulps(one.astype(np.float64), np.nextafter(one, np.float32(3)).astype(np.float64)) == 2.0**29
    assert largest_ulps(one[:0], one[:0]) == 0.0
