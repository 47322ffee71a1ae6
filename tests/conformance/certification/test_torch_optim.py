"""What certify reports about torch.optim's own classes, most of all where a known issue is all that breaks."""

from __future__ import annotations

import pytest

import stepcheck
from conformance.command import stepcheck as run
from stepcheck_reference.verdict import Verdict

pytestmark = pytest.mark.usefixtures("shared_fork_server")


def certified(name: str, dtype: str, *select: str) -> stepcheck.Certificate:
    return stepcheck.certify(f"torch.optim.{name}", modes=["single"], dtypes=[dtype], devices=["cpu"], select=select)


def test_nadam_in_float64_fails_under_strict_and_names_mu_product() -> None:
    done = run("certify", "torch.optim.NAdam", "--dtype", "float64", "--mode", "single", "--strict")
    assert done.returncode == 1, done.stderr
    text = " ".join(done.stdout.split())
    assert "known issue nadam-float32-mu-product" in text
    assert "mu_product=" in text


@pytest.mark.parametrize(
    ("name", "dtype", "outputs"),
    [
        ("NAdam", "float64", {"mu_product", "theta"}),
        ("NAdam", "bfloat16", {"mu_product"}),
        ("ASGD", "complex128", {"eta"}),
        ("ASGD", "float16", {"eta"}),
        ("Adagrad", "float32", {"h"}),
        ("Rprop", "bfloat16", {"theta"}),
    ],
)
def test_known_issues_are_named_and_everything_else_holds(name: str, dtype: str, outputs: set[str]) -> None:
    certificate = certified(name, dtype)
    assert certificate.verdict is Verdict.EXPECTED_BROKEN
    assert (certificate.exit_code(), certificate.exit_code(strict=True)) == (0, 1)
    assert {failure.worst.output for failure in certificate.failures if failure.worst} == outputs
    assert all(failure.known_issue for failure in certificate.failures)
    for cell in certificate.cells:
        assert cell.compared > 1_000
        assert 0.1 < cell.ratio <= 1.0


@pytest.mark.parametrize("name", ["Adadelta", "Adamax", "NAdam", "RAdam"])
def test_a_class_holds_in_float32_with_all_its_state_seen(name: str) -> None:
    certificate = certified(name, "float32", "SC1")
    assert certificate.verdict is Verdict.HOLDS
    assert {cell.observability for cell in certificate.cells} == {"stepwise"}
    for cell in certificate.cells:
        assert 0.1 < cell.ratio <= 1.0
        assert {law.code for law in cell.laws if law.verdict is Verdict.HOLDS} >= {"SC101", "SC102", "SC103"}
