"""Compensation: what a narrow parameter lacks is found by its values, and only where it brings the rule closer."""

from __future__ import annotations

import numpy as np

from stepcheck_implementations.driver.observing.compensated import unit_in_last_place, whole
from stepcheck_implementations.matching.classes.compensation import compensation
from stepcheck_implementations.matching.state_matching import StateLeaf

EXACT = [[0.7012, -1.2034, 0.5203], [0.6503, -1.1511, 0.5717]]
UNIT = 2.0**-8


def _narrow() -> list[list[float]]:
    return [[round(value / UNIT) * UNIT for value in row] for row in EXACT]


def test_the_rounding_error_and_the_wider_copy_are_found() -> None:
    narrow = _narrow()
    lost = (np.array(EXACT) - np.array(narrow)).tolist()
    assert compensation(EXACT, narrow, {"lost": StateLeaf(lost, False)}) == {"compensation": "lost"}
    assert compensation(EXACT, narrow, {"wide": StateLeaf(EXACT, False)}) == {"master": "wide"}


def test_a_state_that_brings_the_rule_no_closer_is_no_compensation() -> None:
    narrow = _narrow()
    away = (np.array(narrow) - np.array(EXACT)).tolist()
    for leaf in (away, [[0.0] * 3] * 2, EXACT[::-1], [[0.3] * 3] * 2):
        assert compensation(EXACT, narrow, {"state": StateLeaf(leaf, False)}) == {}


def test_what_is_further_than_a_rounding_from_the_parameter_does_not_count() -> None:
    theta = np.array([[1.0], [1.0], [1.0]], np.float32)
    beyond = np.array([[0.0], [2.0**-8], [0.25]])
    moved = np.array([False, True, True])
    assert whole(theta, beyond, "bfloat16", moved).ravel().tolist() == [1.0, 1.0 + 2.0**-8, 1.0]
    assert unit_in_last_place(np.array([1.0, 0.0]), "bfloat16").tolist() == [2.0**-7, 2.0**-133]
