"""What starting stepcheck imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

import stepcheck
from conformance.command import ROOT, environment

HEAVY = {"torch", "sympy", "numpy", "hypothesis"}


def imported(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after ``code``."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*(name.partition('.')[0] for name in sys.modules))"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
        check=True,
    )
    return set(done.stdout.split())


def test_importing_stepcheck_imports_nothing_heavy() -> None:
    assert not imported("import stepcheck; dir(stepcheck)") & HEAVY


def test_help_imports_nothing_heavy() -> None:
    code = """
import sys, stepcheck.cli.commands
sys.stdout = open("/dev/null", "w")
try:
    stepcheck.cli.commands.main(["certify", "--help"])
except SystemExit:
    sys.stdout = sys.__stdout__"""
    assert not imported(code) & (HEAVY | {"rich"})


def test_judging_imports_no_torch() -> None:
    assert "torch" not in imported(
        "import stepcheck.certification.cells.evaluator, stepcheck.certification.failures.replay, stepcheck.report.text"
    )


def test_every_exported_name_is_there() -> None:
    for name in stepcheck.__all__:
        assert getattr(stepcheck, name) is getattr(stepcheck, name)
    assert callable(stepcheck.certify)
    assert set(stepcheck.__all__) <= set(dir(stepcheck))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'certfy'"):
        stepcheck.certfy  # noqa: B018
