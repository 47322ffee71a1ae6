"""Code that computes a rule in another order is right, and says what it loses; other numbers and fewer bits are not."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from stepcheck.certification.cells.evaluator import CellEvaluator
from stepcheck.certification.certificate import CellResult
from stepcheck.certification.formula.accuracy import RIGHT
from stepcheck.certification.request import requested
from stepcheck.certification.survey import survey
from stepcheck_implementations.workers.pool import Workers
from stepcheck_properties import profile
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.verdict import Verdict

ORDERS = "tests/conformance/certification/formula/orders.py"
LEAST = replace(
    profile.QUICK,
    examples=1,
    bulk_elements=200,
    reductions=0,
    long_steps=MappingProxyType(dict.fromkeys(FORMATS, 12)),
    largest_tensor=16,
    most_tensors=4,
    longest_run=2,
)


@pytest.fixture(autouse=True)
def least(monkeypatch: pytest.MonkeyPatch, shared_fork_server: None) -> None:
    """Tries the edge cases and little else."""
    monkeypatch.setattr(profile, "ALL", (LEAST,))


def judged(fork_server: str, name: str, rule: str = "adam", dtype: str = "float64") -> CellResult:
    """Return the result of the cell of ``name`` in ``dtype``, held to the envelopes alone."""
    with Workers(address=fork_server) as workers:
        surveyed = survey(requested(f"{ORDERS}:{name}", rule=rule, dtypes=[dtype], select=["SC1"]), workers)
        (cell,) = [(subject, planned) for subject, planned in surveyed.cells if planned.verdict is None]
        return CellEvaluator(*cell, workers).evaluate()


@pytest.mark.parametrize(
    ("name", "rule", "dtype", "loses"),
    [
        ("NesterovInTwoSteps", "nesterov", "float64", "θ − η·g"),
        ("DecayThenStep", "sgd+decoupled_decay", "float64", ""),
        ("AdamByIncrements", "adam", "float32", "v + (g² − v)·(1 − β₂) cancels"),
        ("AdamWithScaledEps", "adam", "float64", ""),
        ("AdamDividesFirst", "adam", "float64", ""),
        ("AdamCountsInFloat32", "adam", "float64", "is held in float32"),
    ],
)
def test_another_order_of_the_same_operations_is_right_and_what_it_loses_is_named(
    fork_server: str, name: str, rule: str, dtype: str, loses: str
) -> None:
    cell = judged(fork_server, name, rule, dtype)
    assert cell.verdict is Verdict.HOLDS
    assert not cell.inferred
    assert cell.operations == (RIGHT if loses else cell.operations)
    assert loses in ("" if cell.accuracy is None else cell.accuracy.loses)


@pytest.mark.parametrize(
    ("name", "operations"),
    [
        ("AdamBeta2InFloat32", "beta2 is rounded to float32"),
        ("AdamEpsInFloat32", "eps is rounded to float32"),
        ("AdamRateOff", ""),
        ("AdamRootInHalf", "tensors go through bfloat16"),
        ("AdamWithRoughRoot", "not read: "),
    ],
)
def test_another_number_or_fewer_bits_is_wrong_and_nothing_is_inferred(
    fork_server: str, name: str, operations: str
) -> None:
    cell = judged(fork_server, name)
    assert cell.verdict is Verdict.BROKEN
    assert not cell.inferred
    assert cell.operations.startswith(operations)
    assert bool(operations) == bool(cell.operations)
