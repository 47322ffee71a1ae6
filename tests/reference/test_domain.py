"""Domains hold what they print."""

from __future__ import annotations

import math

import pytest

from stepcheck_reference.domain import CORRECTED, NONNEGATIVE, POSITIVE, Domain


@pytest.mark.parametrize(
    ("domain", "text"),
    [
        (CORRECTED.of("beta1"), "0 <= beta1 < 1"),
        (NONNEGATIVE.of("lr"), "lr >= 0"),
        (POSITIVE.of("momentum"), "momentum > 0"),
        (Domain(high=1.0), "x <= 1"),
        (Domain(high=1.0, high_open=True), "x < 1"),
        (Domain(0.5, 2.0, low_open=True), "0.5 < x <= 2"),
        (Domain(), "x is finite"),
    ],
)
def test_a_domain_prints_as_an_inequality(domain: Domain, text: str) -> None:
    assert str(domain) == text


def test_an_open_end_is_outside_and_a_closed_end_is_inside() -> None:
    for low_open in (False, True):
        for high_open in (False, True):
            domain = Domain(0.0, 1.0, low_open, high_open)
            assert domain.contains(0.5)
            assert domain.contains(0.0) is not low_open
            assert domain.contains(1.0) is not high_open
            assert domain.contains(math.nextafter(0.0, 1.0))
            assert domain.contains(math.nextafter(1.0, 0.0))
            assert not domain.contains(math.nextafter(0.0, -1.0))
            assert not domain.contains(math.nextafter(1.0, 2.0))


def test_no_domain_contains_a_number_that_is_not_finite() -> None:
    assert not any(Domain().contains(value) for value in (math.nan, math.inf, -math.inf))


def test_an_empty_domain_is_refused() -> None:
    for wrong in ({"low": 1.0, "high": 0.0}, {"low": 1.0, "high": 1.0, "low_open": True}, {"low": math.nan}):
        with pytest.raises(ValueError, match="is empty"):
            Domain(**wrong)  # type: ignore[arg-type]


def test_a_reason_names_the_hyper_parameter() -> None:
    assert CORRECTED.of("beta1").reason == "bias correction divides by 1 - beta1**t"
