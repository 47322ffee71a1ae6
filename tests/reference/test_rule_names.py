"""Names of rules and their parts: listed ones, and places that a request names."""

from __future__ import annotations

import pytest

from stepcheck_reference import rules
from stepcheck_reference.rule_names import is_name, is_place, parts_of


@pytest.mark.parametrize(
    ("name", "base", "rewrites", "place"),
    [
        ("adam", "adam", (), False),
        ("amsgrad+decoupled_decay+maximize", "amsgrad", ("decoupled_decay", "maximize"), False),
        ("a+b/slow.py:Lion", "a+b/slow.py:Lion", (), True),
        ("slow.py:Lion(maximize=True)+coupled_decay", "slow.py:Lion(maximize=True)", ("coupled_decay",), True),
        ("torch.optim.AdamW", "torch.optim.AdamW", (), True),
        ("C:\\slow.py:Lion", "C:\\slow.py:Lion", (), True),
    ],
)
def test_rewrites_follow_the_base(name: str, base: str, rewrites: tuple[str, ...], place: bool) -> None:
    assert (parts_of(name), is_place(name), is_name(name)) == ((base, rewrites), place, True)


@pytest.mark.parametrize("name", ["", "two words", "slow.py:", "slow.py:Lion(", "adam+", "adam+two words"])
def test_what_is_no_name_is_said_to_be_none(name: str) -> None:
    assert not is_name(name)


def test_a_registered_rule_is_found_by_its_place_until_another_comes_from_there() -> None:
    first, second = (rules.find(name).named("here.py:RULE", title="a", source="b") for name in ("adam", "momentum"))
    rules.register(first)
    assert rules.find("here.py:RULE") is first
    assert rules.find("here.py:RULE+maximize").variant_of == "here.py:RULE"
    rules.register(second)
    assert rules.find("here.py:RULE") is second
    assert rules.find("here.py:RULE+maximize").hyper == second.hyper
    with pytest.raises(ValueError, match="is no place"):
        rules.register(rules.find("adam"))
