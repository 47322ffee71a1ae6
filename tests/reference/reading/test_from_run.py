"""A reading is made of plain data: initial values, choices between steps, exact numbers, and the rule that it is."""

from __future__ import annotations

from typing import Any

import pytest
from sympy import Eq, Integer, Piecewise, Rational, Symbol, sign, sqrt

from stepcheck_reference.alphabet import b, g, lr, m, t, theta, z
from stepcheck_reference.reading.as_rule import NotARule, as_rule
from stepcheck_reference.reading.choices import choice, compared, normal
from stepcheck_reference.reading.expressions import number_of
from stepcheck_reference.reading.from_run import reading_of
from stepcheck_reference.reading.merging import UNEXPLAINED, same

SYMBOLS = [["symbol", "theta", "theta"], ["symbol", "g", "g"], ["symbol", "t", "t"], ["symbol", "hyper", "lr"]]
THETA, G, T, LR = range(4)


def data(entries: list[list[Any]], paths: list[dict[str, Any]], **states: dict[str, Any]) -> dict[str, Any]:
    """Return what a reader answers of one class with a learning rate."""
    filled = [{"held": {}, "conditions": [], "opaque": [], **path} for path in paths]
    return {
        "target": "module:Class",
        "entries": [*SYMBOLS, *entries],
        "paths": [{"t": number, **path} for number, path in zip((1, 2, 3, 1000), filled, strict=True)],
        "init": {},
        "first": {},
        "hyper": {"lr": {"slot": "lr", "value": 0.5}},
        "states": {
            path: {"name": path, "scalar": False, "letters": [], "at": path, **entry} for path, entry in states.items()
        },
        "takes": "groups",
        "wrapper": "",
        "source": "",
        "fixed": {},
        "held_at": {},
        "meant": ["lr"],
        "formats": [],
    }


def test_a_state_begins_as_what_stands_in_its_place_in_step_1() -> None:
    entries = [
        ["symbol", "state", "b"],
        ["number", "3"],
        ["add", 4, G],
        ["add", 5, G],
        ["sub", THETA, 6],
        ["sub", THETA, 7],
    ]
    first, later = {"theta": 9, "held": {"b": 7}}, {"theta": 8, "held": {"b": 6}}
    found = reading_of(data(entries, [first, later, later, later], b={}))
    assert (found.step[b], found.init[b]) == (b + g, Integer(3))
    assert found.complete


def test_a_first_step_that_no_initial_value_explains_is_a_choice() -> None:
    entries = [
        ["symbol", "state", "b"],
        ["number", "2"],
        ["mul", 5, 4],
        ["add", 6, G],
        ["sub", THETA, 7],
        ["sub", THETA, G],
    ]
    first, later = {"theta": 9, "held": {"b": G}}, {"theta": 8, "held": {"b": 7}}
    found = reading_of(data([*entries, ["mul", 5, G]], [{**first, "held": {"b": 10}}, later, later, later], b={}))
    assert found.step[b] == Piecewise((2 * g, Eq(t, 1)), (2 * b + g, True))
    assert found.complete


def test_steps_that_differ_without_a_condition_are_said_to() -> None:
    entries = [["sub", THETA, G], ["add", THETA, G]]
    found = reading_of(data(entries, [{"theta": 4}, {"theta": 4}, {"theta": 5}, {"theta": 5}]))
    assert found.opaque == (UNEXPLAINED,)
    with pytest.raises(NotARule, match="was not read"):
        as_rule(found)


def test_steps_that_differ_by_a_condition_are_a_choice_by_it() -> None:
    entries = [["number", "2"], ["gt", T, 4], ["sub", THETA, G], ["add", THETA, G]]
    low, high = {"theta": 6, "conditions": [[5, False]]}, {"theta": 7, "conditions": [[5, True]]}
    found = reading_of(data(entries, [low, low, high, high]))
    assert found.step[theta] == Piecewise((theta - g, t <= 2), (theta + g, True))
    assert found.complete


def test_a_state_that_begins_as_theta_is_theta_in_step_1() -> None:
    entries = [["symbol", "state", "z"], ["sub", 4, G], ["sub", THETA, G]]
    later = {"theta": 5, "held": {"z": 5}}
    found = reading_of(data(entries, [{"theta": 6, "held": {"z": 6}}, later, later, later], z={}))
    assert found.init[z] == theta
    rule = as_rule(found)
    assert same(rule.step[z], z - g, {t: Integer(2)})
    assert same(rule.step[z], theta - g, {t: Integer(1)})


@pytest.mark.parametrize(
    ("literal", "number"),
    [
        ("0.9", Rational(9, 10)),
        ("1e-08", Rational(1, 10**8)),
        ("0.3333333333333333", Rational(1, 3)),
        ("0.09999999999999998", Rational(1, 10)),
        ("7", Integer(7)),
    ],
)
def test_a_literal_is_what_was_meant(literal: str, number: object) -> None:
    assert number_of(literal) == number


def test_an_unusual_literal_is_the_binary64_that_it_is() -> None:
    assert float(number_of("0.1234567890123")) == 0.1234567890123
    assert number_of("0.8414709848078965") == Rational(*(0.8414709848078965).as_integer_ratio())


def test_conditions_on_one_sign_are_one_comparison() -> None:
    product = Symbol("p", real=True)
    inside = choice(product > 0, lr, choice(product < 0, lr / 2, Integer(1)))
    assert inside == Piecewise((lr, product > 0), (lr / 2, product < 0), (1, True))
    assert compared("gt", sign(product), Integer(0), lambda condition: condition) == (product > 0)
    assert normal((product > 0) | (product < 0) | Eq(product, 0)) == True  # noqa: E712


def test_expressions_that_are_no_numbers_agree_nowhere() -> None:
    assert not same(sqrt(-1 - m**2), sqrt(-2 - m**2), {})
    assert not same(1 / (t - 1), m, {t: Integer(1)})
    assert same(1 / (t - 1), m / (t - 1), {t: Integer(1)}), "both divide by 0"
