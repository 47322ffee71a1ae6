"""Bisection: the first bad version, in the fewest tries, and without claims beyond the evidence."""

from __future__ import annotations

from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcheck.guard.environments.environment import Unavailable
from stepcheck.guard.release_search import SearchResult, first_bad


def versions(count: int) -> list[str]:
    return [f"2.{number}.0" for number in range(count)]


class History:
    """Versions that are bad from an index on, some unavailable; it notes which are compared."""

    def __init__(self, count: int, turn: int, gone: frozenset[int] = frozenset()) -> None:
        self.versions = versions(count)
        self.turn = turn
        self.gone = gone
        self.compared: list[str] = []

    def differs(self, version: str) -> bool:
        index = self.versions.index(version)
        assert version not in self.compared
        assert 0 < index < len(self.versions) - 1
        self.compared.append(version)
        if index in self.gone:
            raise Unavailable(version, "planted")
        return index >= self.turn


@pytest.mark.parametrize("count", range(2, 41))
def test_every_first_bad_version_is_found_within_the_logarithm_of_their_number(count: int) -> None:
    for turn in range(1, count):
        history = History(count, turn)
        result = first_bad(history.versions, history.differs)
        assert (result.good, result.bad) == (history.versions[turn - 1], history.versions[turn])
        assert result.exact
        assert result.tried == tuple(history.compared)
        assert len(history.compared) <= ceil(log2(count - 1))


@given(st.data())
def test_cheap_versions_cost_no_further_tries(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 40))
    history = History(count, data.draw(st.integers(1, count - 1)))
    cheap = data.draw(st.sets(st.sampled_from(history.versions)))
    result = first_bad(history.versions, history.differs, cheap.__contains__)
    assert (result.good, result.bad) == tuple(history.versions[history.turn - 1 : history.turn + 1])
    assert len(history.compared) <= ceil(log2(count - 1))


@given(st.data())
def test_with_unavailable_versions_it_claims_only_what_it_knows(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 40))
    gone = data.draw(st.frozensets(st.integers(0, count - 1)))
    history = History(count, data.draw(st.integers(1, count - 1)), gone)
    result = first_bad(history.versions, history.differs)
    good, bad = history.versions.index(result.good), history.versions.index(result.bad)
    assert good < history.turn <= bad
    assert result.good in (history.versions[0], *result.tried)
    assert result.bad in (history.versions[-1], *result.tried)
    assert result.between == tuple(history.versions[good + 1 : bad])
    assert set(result.between) <= result.skipped.keys()
    assert set(result.skipped) == {version for version in history.compared if history.versions.index(version) in gone}
    assert result.exact == (bad == good + 1)
    assert len(result.tried) <= ceil(log2(count - 1))


def test_a_cheap_version_is_preferred_only_where_that_costs_nothing() -> None:
    def first(count: int, *cheap: int) -> int:
        history = History(count, 1)
        first_bad(history.versions, history.differs, [history.versions[index] for index in cheap].__contains__)
        return history.versions.index(history.compared[0])

    assert first(8) == 3
    assert first(8, 4) == 4
    assert first(8, 6) == 3
    assert first(9, 1, 3) == 4  # eight places: only the middle leaves four either way
    assert first(7, 2, 3) == 3


def test_without_any_available_version_the_whole_range_is_the_result_with_the_reasons() -> None:
    history = History(4, 2, frozenset({1, 2}))
    result = first_bad(history.versions, history.differs)
    reasons = {"2.1.0": "planted", "2.2.0": "planted"}
    assert result == SearchResult("2.0.0", "2.3.0", (), reasons, ("2.1.0", "2.2.0"))
    assert not result.exact


def test_other_errors_of_a_comparison_propagate() -> None:
    with pytest.raises(ZeroDivisionError):
        first_bad(versions(3), lambda version: bool(1 // 0))


def test_a_good_and_a_bad_version_are_needed() -> None:
    with pytest.raises(ValueError, match="should be at least a good one and a bad one"):
        first_bad(["2.0.0"], lambda version: True)
