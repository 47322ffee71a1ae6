"""Options: what a boolean argument makes of a rule, and what a rule becomes with a hyper-parameter that it lacks."""

from __future__ import annotations

import pytest

from stepcheck.certification.undeclared.options import ADDED, REWRITES, VARIANTS, extended, is_applied, switched
from stepcheck_implementations.matching.aliases import OPTION_ALIASES
from stepcheck_reference.rules import find


@pytest.mark.parametrize(
    ("option", "rule", "value", "others"),
    [
        ("maximize", "adam", False, ("adam+maximize",)),
        ("maximize", "adam+coupled_decay+maximize", True, ("adam+coupled_decay",)),
        ("amsgrad", "adam", False, ("amsgrad", "amsgrad_corrected_max", "amsgrad_paper")),
        ("amsgrad", "amsgrad+coupled_decay", True, ("adam+coupled_decay",)),
        ("amsgrad", "sgd", None, ()),
        ("nesterov", "momentum+maximize", False, ("nesterov+maximize",)),
        ("centered", "rmsprop_centered_momentum", True, ("rmsprop_momentum",)),
        ("decoupled", "adamw", True, ("adam+coupled_decay",)),
        ("decoupled", "nadam+coupled_decay+maximize", False, ("nadam+decoupled_decay+maximize",)),
        ("decoupled", "adam", None, ()),
        ("bias_correction", "adam", True, ("adam+no_bias_correction",)),
    ],
)
def test_an_option_has_a_value_in_a_rule_and_makes_another_of_it(
    option: str, rule: str, value: bool | None, others: tuple[str, ...]
) -> None:
    assert is_applied(option, rule) is value
    if value is not None:
        assert switched(option, rule) == others
        assert all(is_applied(option, other) is not value for other in others)


def test_a_decay_that_a_rule_lacks_has_several_readings_and_an_option_says_which() -> None:
    assert extended("weight_decay", "adam+maximize") == (
        "adam+coupled_decay+maximize",
        "adam+decoupled_decay+maximize",
        "adam+decoupled_decay_paper+maximize",
    )
    assert extended("weight_decay", "adam", decoupled=False) == ("adam+coupled_decay",)
    assert "adam+coupled_decay" not in extended("weight_decay", "adam", decoupled=True)
    assert extended("weight_decay", "adamw") == ()
    assert extended("momentum", "sgd+coupled_decay")[0] == "momentum+coupled_decay"
    assert extended("momentum", "adam") == ()


def test_every_option_has_a_meaning_and_every_rule_that_it_makes_exists() -> None:
    assert {*VARIANTS, *REWRITES, "decoupled"} == set(OPTION_ALIASES)
    for variants in VARIANTS.values():
        for without, with_it in variants:
            assert all(find(name) is not find(without) for name in with_it)
    assert all(extended(name, "adagrad") for name in ADDED if name != "eps_root")
