"""One cause is one failure: what follows from a broken rule, what stands for itself, and programs run by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

import stepcheck
from stepcheck.report.text import render
from stepcheck.report.view.failure_groups import causes

pytestmark = pytest.mark.usefixtures("shared_fork_server")

HEAD = """\
import torch


class Descent(torch.optim.Optimizer):
    def __init__(self, params, lr=0.1):
        super().__init__(params, dict(lr=lr))
"""
WRONG_AND_WRITES = """
    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(p.grad, alpha=2 * group["lr"])
                    p.grad.mul_(0.5)
"""
AS_BEFORE_IN_THIS_PROCESS = """
    calls = []

    @torch.no_grad()
    def step(self, closure=None):
        self.calls.append(0)
        factor = 1 if len(self.calls) < 6 else 2
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(p.grad, alpha=factor * group["lr"])
"""


def certified(folder: Path, step: str, *select: str, name: str = "descent.py") -> stepcheck.Certificate:
    """Return the certificate of ``step`` as the step of a gradient descent."""
    (folder / name).write_text(HEAD + step)
    target = f"{folder / name}:Descent"
    return stepcheck.certify(
        target, rule="sgd", dtypes=["float32"], modes=["single"], devices=["cpu"], select=select, jobs=1
    )


def test_laws_about_the_rule_s_numbers_follow_from_it_and_a_written_gradient_does_not(tmp_path: Path) -> None:
    certificate = certified(tmp_path, WRONG_AND_WRITES, "SC101", "SC203", "SC214", "SC401", "SC501", "SC502")
    (cell,) = certificate.cells
    roots = {failure.code for failure in cell.failures if not failure.follows_from}
    assert roots == {"SC101", "SC203"}
    assert {failure.follows_from for failure in cell.failures} == {"", "SC101"}
    assert [cause.first.failure.code for cause in causes(certificate.cells)] == ["SC101", "SC203"]
    assert all(failure.standalone_run == "fails" for failure in cell.failures if not failure.follows_from)
    rule, contracts = certificate.findings.answers
    assert rule.text.startswith("breaks sgd (SC101 at ")
    assert contracts.text.startswith("breaks SC203 (")
    text = render(certificate)
    assert len(text.splitlines()) <= 50
    assert text.count("standalone program") == 1
    assert "also breaks SC" in text
    assert render(certificate, verbose=True).count("standalone program") == len(cell.failures)


def test_a_program_that_passes_by_itself_says_what_it_depends_on(tmp_path: Path) -> None:
    certificate = certified(tmp_path, AS_BEFORE_IN_THIS_PROCESS, "SC101")
    failures = [failure for failure in certificate.failures if not failure.follows_from]
    assert [failure.standalone_run for failure in failures] == ["passes"]
    assert "depends on what ran before in this process" in " ".join(render(certificate).split())


def test_a_file_whose_name_is_no_name_of_python_has_a_program_that_fails(tmp_path: Path) -> None:
    certificate = certified(tmp_path, WRONG_AND_WRITES, "SC101", name="my descent-2.py")
    (failure,) = certificate.failures
    assert failure.standalone_run == "fails"


NO_CLOSURE = """
    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(p.grad, alpha=group["lr"])
"""


def test_an_envelope_that_breaks_only_with_a_broken_contract_follows_from_it(tmp_path: Path) -> None:
    certificate = certified(tmp_path, NO_CLOSURE, "SC1", "SC2")
    follows = {failure.code: failure.follows_from for failure in certificate.failures}
    assert follows["SC233"] == ""
    assert follows.get("SC101", "SC233") == "SC233"
    rule, contracts = certificate.findings.answers
    assert rule.text.startswith("keeps sgd")
    assert contracts.text == "breaks SC233 (a closure is called once and its loss is returned)"
