"""Zero gradients: whether a rule leaves parameters unchanged follows from its equations."""

from __future__ import annotations

import pytest

from stepcheck_properties.laws.contracts.zero_gradients import rests_without_decay
from stepcheck_reference.rules import ALL, find
from stepcheck_reference.scripts.objective import needs_objective


@pytest.mark.parametrize("name", ["adam_l2", "adamw", "asgd+coupled_decay", "lion", "nadam+decoupled_decay+maximize"])
def test_a_rule_rests_without_decay(name: str) -> None:
    assert rests_without_decay(find(name))


def test_every_rule_that_is_given_gradients_rests_but_for_these() -> None:
    moves = {"ftrl", "yogi_optax"}  # it forgets where parameters start; its first moment does not start at 0
    unseen = {"schedulefree_adamw", "schedulefree_sgd"}  # they rest where z is at theta, which no equation says
    moving = {rule.name for rule in ALL if not needs_objective(rule) and not rests_without_decay(rule)}
    assert moving == moves | unseen
