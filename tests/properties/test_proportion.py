"""Proportion: which rules stand still at a learning rate of 0 is read off their equations."""

from __future__ import annotations

import pytest

from stepcheck_properties.laws.contracts.learning_rates import is_still_at_no_rate
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
def test_a_rule_stands_still_where_its_rate_has_been_0_from_the_start(name: str, expected: bool) -> None:
    assert is_still_at_no_rate(find(name)) is expected
