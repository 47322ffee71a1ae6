"""Infinite gradients: which outputs cannot be finite after one follows from a rule's equations."""

from __future__ import annotations

import pytest

from stepcheck_properties.laws.contracts.infinite_gradients import never_finite
from stepcheck_reference.rules import find


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sgd+coupled_decay", {"theta"}),
        ("momentum+maximize", {"theta", "b"}),  # its branch depends on t alone
        ("adam", {"theta", "m", "v"}),  # inf/inf is nan
        ("amsgrad", {"theta", "m", "v"}),  # a maximum with nan may be the other number
        ("adamax", {"theta", "m"}),
        ("lion", {"m"}),  # a sign is finite
        ("sign_sgd", set()),
        ("rprop", set()),
        ("adagrad_optax", {"h"}),  # its branch depends on the accumulator
        ("radam_resting", {"m", "v"}),  # it rests in its first steps
    ],
)
def test_what_an_infinite_gradient_cannot_leave_finite(name: str, expected: set[str]) -> None:
    assert never_finite(find(name)) == expected
