"""Non-finite gradients: whether a rule propagates nan to its parameters follows from its equations."""

from __future__ import annotations

import pytest

from stepcheck_properties.laws.contracts.nonfinite_gradients import propagates_nan
from stepcheck_reference.rules import find


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sgd", True),
        ("momentum+coupled_decay+maximize", True),  # its branch depends on t alone
        ("amsgrad", True),  # the maximum may lose it, the first moment does not
        ("radam", True),
        ("adamax", True),
        ("sign_sgd", False),
        ("lion", False),
        ("rprop", False),
        ("adagrad_optax", False),  # its branch depends on the accumulator
    ],
)
def test_nan_passes_sums_products_and_powers_and_stops_at_signs_and_branches(name: str, expected: bool) -> None:
    assert propagates_nan(find(name)) is expected
