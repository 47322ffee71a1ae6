"""Numbers that are none: which rules carry a nan into their parameters is read off their equations."""

from __future__ import annotations

import pytest

from stepcheck_properties.laws.contracts.nonfinite_gradients import carries
from stepcheck_reference.rules import find


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sgd", True),
        ("momentum+coupled_decay+maximize", True),  # its branch asks for t alone
        ("amsgrad", True),  # the maximum may lose it, the first moment does not
        ("radam", True),
        ("adamax", True),
        ("sign_sgd", False),
        ("lion", False),
        ("rprop", False),
        ("adagrad_optax", False),  # its branch asks for the accumulator
    ],
)
def test_nan_passes_sums_products_and_powers_and_stops_at_signs_and_branches(name: str, expected: bool) -> None:
    assert carries(find(name)) is expected
