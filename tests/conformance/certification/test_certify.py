"""certify, end to end, on real subjects."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import stepcheck
from conformance.command import CRASHES, ROOT, WRONG
from conformance.command import stepcheck as run
from stepcheck.certification.certificate import Findings, from_json
from stepcheck.certification.request import WrongRequest
from stepcheck.cli.commands import main
from stepcheck_reference.verdict import Verdict
from torch_python import TorchPython

ONE = ("--mode", "single", "--dtype", "float32")


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Return what certify says of a wrong Adam, and the directory it has written."""
    out = tmp_path_factory.mktemp("wrong") / "out"
    done = run("certify", WRONG, "--as", "adam", "--dtype", "float32", "--dtype", "bfloat16", "--out", str(out))
    return done, out


@pytest.mark.usefixtures("shared_fork_server")
def test_torch_holds_in_a_plain_cell_and_says_how_much_was_compared() -> None:
    certificate = stepcheck.certify("torch.optim.AdamW", modes=["single"], dtypes=["float32"])
    assert certificate.exit_code() == 0
    assert certificate.verdict is Verdict.HOLDS
    assert {cell.observability for cell in certificate.cells} == {"stepwise"}
    for cell in certificate.cells:
        assert cell.compared > 10_000
        assert 0.1 < cell.ratio <= 1.0
        assert {law.code: law.verdict for law in cell.laws}["SC102"] == "holds"


def test_a_wrong_optimizer_is_broken_with_everything_a_user_needs(
    wrong: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, out = wrong
    assert done.returncode == 1, done.stderr
    certificate = from_json((out / "certificate.json").read_text())
    failure = certificate.failures[0]
    assert (failure.code, failure.worst is not None) == ("SC101", True)
    assert failure.message in " ".join(done.stdout.split()).replace("  ", " ") or failure.token in done.stdout
    for words in (
        "SC101 parameters lie inside the envelope",
        "but should be",
        "radii",
        "replay sc1-",
        "SystemExit(1)",
    ):
        assert words in done.stdout
    assert len(list((out / "cells").glob("*.json"))) == len(certificate.cells)
    assert not list(out.rglob("*.part"))
    assert max(len(line) for line in done.stdout.splitlines() if "replay" not in line and "|" not in line) <= 100


def test_profile_quick_checks_format_independent_laws_in_one_dtype_and_says_so(
    wrong: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, out = wrong
    cells = from_json((out / "certificate.json").read_text()).cells
    verdicts = {(cell.dtype, law.code): str(law.verdict) for cell in cells for law in cell.laws}
    assert {verdicts["float32", code] for code in ("SC231", "SC304", "SC401")} == {"holds"}
    assert {verdicts["bfloat16", code] for code in ("SC231", "SC304", "SC401")} == {"not_run"}
    assert "not_run" not in {verdict for (dtype, _), verdict in verdicts.items() if dtype == "float32"}
    assert "format-independent laws ran in one dtype per configuration and mode" in " ".join(done.stdout.split())


def test_a_standalone_script_fails_by_itself(
    wrong: tuple[subprocess.CompletedProcess[str], Path], torch_python: TorchPython
) -> None:
    programs = sorted((wrong[1] / "failures").glob("*.py"))
    assert programs
    for program in programs[:2]:
        text = program.read_text()
        assert "stepcheck" not in text.partition('"""\n')[2]
        done = torch_python.run(program, cwd=ROOT)
        assert done.returncode == 1, done.stderr
        assert done.stderr == ""
        assert "observed" in done.stdout


def test_a_token_replays_the_same_failure(wrong: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    failure = from_json((wrong[1] / "certificate.json").read_text()).failures[0]
    done = run("replay", failure.token)
    assert done.returncode == 1, done.stderr
    assert f"✗ {failure.code}" in done.stdout
    assert failure.worst is not None
    assert f"observed  {failure.worst.observed!r}" in done.stdout
    assert failure.standalone.splitlines()[-1].strip() in done.stdout


def test_a_subject_that_crashes_is_broken_and_the_other_cells_are_reported() -> None:
    done = run("certify", CRASHES, "--as", "adam", *ONE, "--dtype", "float64", "--json")
    assert done.returncode == 1, done.stderr
    certificate = from_json(done.stdout)
    judged = [cell for cell in certificate.cells if cell.verdict != "not_applicable"]
    assert {(cell.configuration, cell.dtype) for cell in judged} == {
        (configuration, dtype) for configuration in ("default", "maximize") for dtype in ("float32", "float64")
    }
    for cell in judged:
        (failure,) = [entry for entry in cell.failures if entry.code == "SC201"]
        assert failure.fault == "crashed"
        assert "status 3" in failure.message


@pytest.mark.usefixtures("shared_fork_server")
def test_results_are_the_same_for_the_same_seed_and_any_number_of_jobs() -> None:
    def certified(seed: int, jobs: int) -> Findings:
        dtypes, select = ["float16", "float32"], ["SC1", "SC3"]
        return stepcheck.certify(WRONG, rule="adam", dtypes=dtypes, select=select, seed=seed, jobs=jobs).findings

    first = certified(3, 1)
    assert certified(3, 2) == first
    assert certified(4, 2).cells != first.cells


@pytest.mark.usefixtures("shared_fork_server")
def test_nothing_compared_is_exit_code_5(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["certify", "torch.optim.SGD", "--mode", "capturable"])
    assert stop.value.code == 5
    assert "not applicable" in capsys.readouterr().out


@pytest.mark.usefixtures("shared_fork_server")
def test_a_fixed_hyper_parameter_stays_fixed() -> None:
    certificate = stepcheck.certify("torch.optim.SGD", modes=["single"], dtypes=["float32"], fixed={"lr": 0.25})
    assert certificate.exit_code() == 0
    assert {cell.worst["theta"].inputs["lr"] for cell in certificate.cells} == {0.25}
    assert all("lr=0.25" in cell.id for cell in certificate.cells)


def test_a_class_handed_over_in_python_leaves_random_numbers_and_gradients_as_they_were() -> None:
    import torch

    class DisablesGradients(torch.optim.Optimizer):
        def __init__(self, params, lr=1e-3):  # type: ignore[no-untyped-def]
            super().__init__(params, {"lr": lr})
            torch.set_grad_enabled(False)
            torch.manual_seed(0)

        def step(self):  # type: ignore[no-untyped-def]
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        p.sub_(p.grad * group["lr"])

    before = torch.random.get_rng_state()
    for rule in ("sgd", None):
        stepcheck.certify(DisablesGradients, rule=rule, modes=["single"], dtypes=["float32"], select=["SC101"])
        assert torch.is_grad_enabled()
        assert torch.equal(torch.random.get_rng_state(), before)


def test_a_class_handed_over_in_python_runs_in_this_process() -> None:
    import torch

    calls: list[tuple[int, int]] = []
    certificate = stepcheck.certify(
        torch.optim.SGD,
        modes=["single"],
        dtypes=["float32"],
        devices=["cpu"],
        progress=lambda done, total, result: calls.append((done, total)),
    )
    assert certificate.verdict is Verdict.HOLDS
    assert certificate.findings.target == "torch.optim.SGD"
    assert calls[0] == (0, len(calls) - 1)
    assert calls[-1] == (len(calls) - 1, len(calls) - 1)


@pytest.mark.usefixtures("shared_fork_server")
def test_a_rule_whose_arguments_a_class_does_not_have_is_refused() -> None:
    wanted = "as=adam, but the adapter of torch.optim.SGD knows no argument for beta1, beta2, eps; it follows sgd, mom"
    with pytest.raises(WrongRequest, match=wanted):
        stepcheck.certify("torch.optim.SGD", rule="adam")
