"""Learning rates: whether a rule leaves parameters unchanged at lr = 0 follows from its equations."""

from __future__ import annotations

import pytest

from stepcheck_properties.laws.contracts.learning_rates import is_unmoved_at_zero_lr
from stepcheck_reference.rules import find


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sgd", True),
        ("adamw", True),
        ("adam+coupled_decay", True),
        ("momentum_lr_inside", True),  # its buffer stays 0
        ("asgd+coupled_decay", True),  # its rate starts from 0 and stays there
        ("rprop", False),  # its step is clamped from below
        ("adam+decoupled_decay_paper", False),  # its decay has no lr
        ("nesterov_lookahead", False),
    ],
)
def test_a_rule_leaves_parameters_unchanged_while_its_rate_has_been_0(name: str, expected: bool) -> None:
    assert is_unmoved_at_zero_lr(find(name)) is expected
