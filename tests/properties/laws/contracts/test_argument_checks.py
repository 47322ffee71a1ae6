"""Argument checks: which values a constructor should reject follows from the rule's equations alone."""

from __future__ import annotations

import pytest

from stepcheck_properties.laws.contracts.argument_checks import undefined
from stepcheck_reference.rules import find


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("sgd", {}),
        ("momentum", {}),  # grows without bound from momentum = 1 on, and is defined
        ("rprop", {}),
        ("adam", {"beta1": 1.0, "beta2": 1.0, "eps": -1.0}),
        ("adamw+maximize", {"beta1": 1.0, "beta2": 1.0, "eps": -1.0}),
        ("rmsprop", {"beta2": 2.0}),  # at 1 the average stays 0, and eps divides
        ("adadelta", {"rho": 2.0}),
        ("asgd", {"lambd": -1.0}),
        ("adagrad+lr_decay", {"eps": -1.0, "lr_decay": -1.0}),
        ("nesterov_lookahead", {}),  # takes gradients at points of its own
    ],
)
def test_a_value_is_invalid_where_the_rule_is_undefined(name: str, values: dict[str, float]) -> None:
    assert dict(undefined(find(name))) == values
