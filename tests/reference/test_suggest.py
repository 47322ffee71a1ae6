"""Suggestions: the one "did you mean" of every usage error."""

from __future__ import annotations

import pytest

from stepcheck_reference.suggest import closest, did_you_mean, nearest, unknown


@pytest.mark.parametrize(
    ("given", "allowed", "expected"),
    [
        ("adma", ("adamax", "adam"), "adam"),
        ("adagrd", ("adam", "adagrad"), "adagrad"),
        ("Adma", ("Adamax", "Adam", "AdamW"), "Adam"),
        ("SC1O1", ("SC211", "SC110", "SC101"), "SC101"),
        ("zzz", ("adam", "sgd"), None),
    ],
)
def test_the_nearest_name_has_the_same_letters_mostly_in_the_same_positions(
    given: str, allowed: tuple[str, ...], expected: str | None
) -> None:
    assert nearest(given, allowed) == expected


def test_a_hint_has_at_most_the_requested_names_and_is_empty_if_none_is_similar() -> None:
    assert did_you_mean("adma", ("adamax", "adam")) == "; did you mean adam?"
    assert did_you_mean("adma", ("adamax", "adam", "sgd"), most=2) == "; did you mean adam, adamax?"
    assert did_you_mean("zzz", ("adam", "sgd")) == ""
    assert closest("adma", ()) == ()


def test_an_unknown_name_is_answered_with_the_allowed_ones() -> None:
    assert unknown("mode", "foreech", ("single", "foreach")) == (
        "mode=foreech, but should be one of single, foreach (did you mean foreach?)"
    )
    assert unknown("mode", "zzz", ("single", "foreach")) == "mode=zzz, but should be one of single, foreach"
