"""Code that computes a rule in another order is right, and says what it loses; other numbers and fewer bits are not."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from conformance import certificates
from stepcheck.certification.cells.evaluator import CellEvaluator
from stepcheck.certification.certificate import CellResult
from stepcheck.certification.formula.accuracy import RIGHT
from stepcheck.certification.formula.accuracy_record import Accuracy
from stepcheck.certification.request import requested
from stepcheck.certification.survey import survey
from stepcheck.report.view.accuracy import accuracy_lines, operation_lines
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
        ("AdamNanWhereNothingMoved", "further from the formula"),
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


def test_a_state_that_is_rounded_to_less_than_the_format_it_is_kept_in_is_wrong(fork_server: str) -> None:
    cell = judged(fork_server, "AdamNarrowsItsAverages", dtype="bfloat16")
    assert cell.verdict is Verdict.BROKEN
    assert "is kept in float32 and rounded to bfloat16" in cell.operations


def test_arguments_of_names_that_say_nothing_are_those_that_the_code_shows_also_of_a_named_rule(
    fork_server: str,
) -> None:
    with Workers(address=fork_server) as workers:
        (subject,) = survey(requested(f"{ORDERS}:AdamInOtherWords", rule="adam"), workers).subjects
        assert subject.request.maps == {"lr": "pace", "beta1": "old", "beta2": "older"}
        assert subject.adapter.states == {"m": "exp_avg", "v": "exp_avg_sq"}


def test_a_loss_of_accuracy_is_a_line_of_the_report_and_a_failure_where_it_is_strict() -> None:
    accuracy = Accuracy(ratio=1.85, output="theta", loses="most by the rounding of θ − η·g", step=1, inputs={"g": 0.5})
    cell = certificates.cell(scripts=1, operations=RIGHT, accuracy=accuracy)
    lossy = certificates.certificate(cell)
    assert (lossy.exit_code(strict=False), lossy.exit_code(strict=True)) == (0, 1)
    assert operation_lines([cell]) == [RIGHT]
    (line,) = accuracy_lines([cell])
    assert line.startswith("1.85 radii of any order of")
    assert "most by the rounding of θ − η·g (θ of" in line
