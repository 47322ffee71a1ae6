"""Rest: which rules leave a parameter at zero gradients is proved from their equations."""

from __future__ import annotations

import pytest

from stepcheck_properties.laws.contracts.zero_gradients import is_at_rest
from stepcheck_reference.rules import ALL, find
from stepcheck_reference.scripts.objective import needs_objective


@pytest.mark.parametrize("name", ["adam_l2", "adamw", "asgd+coupled_decay", "lion", "nadam+decoupled_decay+maximize"])
def test_a_rule_rests_where_nothing_decays(name: str) -> None:
    assert is_at_rest(find(name))


def test_every_rule_that_is_given_gradients_rests() -> None:
    assert [rule.name for rule in ALL if not needs_objective(rule) and not is_at_rest(rule)] == []
