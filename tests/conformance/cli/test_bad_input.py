"""Bad input: a clear message, the right exit code, and no result is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import stepcheck
from conformance.command import ROOT, environment
from stepcheck.certification.certificate import CellResult, Certificate, Findings, Run, from_json
from stepcheck.certification.request import WrongRequest
from stepcheck.cli.commands import main
from stepcheck.cli.termination import Terminated, termination
from stepcheck_reference.verdict import Verdict

MISBEHAVING = "tests/implementations/subjects/misbehaving.py"
LONG = ("torch.optim.SGD", "--jobs", "2")

processes = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def run_command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run the command line in this process; return its exit code and what it said."""
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


@pytest.mark.usefixtures("shared_fork_server")
@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("NeedsAModel", 2, "takes (params, model, lr=0.1), and nothing in sgd says what model should be"),
        ("StepNeedsGradients", 0, "every compared element is inside its envelope, and no law is broken"),
        (
            "StepNeedsALayer",
            2,
            "its step(layer) was given torch tensors and NumPy arrays, by name, in a list",
        ),
        (
            "StepNeedsMore",
            2,
            "step() needs loss, layer, rate, when, but should read each gradient from its parameter's .grad",
        ),
        ("CannotBeBuilt", 1, "construction=raised, but should be finished (TypeError: not today)"),
        ("RaisesInStepThree", 1, "step 3=raised, but should be finished (RuntimeError: no third step)"),
        (
            "RaisesWhatCannotBePrinted",
            1,
            "step 1=raised, but should be finished (Quiet: (its message cannot be printed))",
        ),
        ("ReturnsNan", 1, "theta=nan, but should be"),
        ("Reshapes", 1, "shape of tensor 0="),
        ("WidensItsParameter", 1, "dtype of tensor 0=torch.float64, but should be torch.float32"),
        ("ReplacesParameter", 1, "is no longer the parameter it was given"),
        ("Rebinds", 1, "its attribute theta is another tensor now"),
        ("DropsItsParameters", 1, "is no longer the parameter it was given"),
        ("NeverMoves", 1, "theta=0.0, but should be -1.0"),
        ("Exits", 1, "step 2=raised, but should be finished (SystemExit: 3)"),
        ("ExitsInStepTwo", 1, "the process exited with status 3; it last printed: about to leave"),
        ("SegfaultsInStepTwo", 1, "the process was ended by SIGSEGV"),
        ("WritesIntoTheGradient", 1, "gradients are not modified"),
        ("WritesIntoTheGradientFirst", 1, "gradients are not modified"),
        ("PrintsAGigabyte", 0, "every compared element is inside its envelope, and no law is broken"),
        ("Forks", 0, "every compared element is inside its envelope, and no law is broken"),
    ],
)
def test_a_subject_that_misbehaves_is_reported(
    capsys: pytest.CaptureFixture[str], name: str, code: int, words: str
) -> None:
    exit_code, out, error = run_command(
        capsys, "certify", f"{MISBEHAVING}:{name}", "--as", "sgd", "--dtype", "float32", "--jobs", "1"
    )
    assert exit_code == code, out + error
    assert words in " ".join((out + error).split())
    assert "Traceback" not in error
    assert "contradicts itself" not in error
    assert len(out) < 100_000


@pytest.mark.usefixtures("impatient")
def test_a_subject_that_hangs_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    target = f"{MISBEHAVING}:HangsInStepTwo"
    only = ("--dtype", "float32", "--jobs", "1", "--select", "SC101,SC201")
    code, out, error = run_command(capsys, "certify", target, "--as", "sgd", *only)
    assert code == 1, out + error
    assert "step 2=hung, but should be finished (no answer within 1 s)" in " ".join((out + error).split())
    assert "Traceback" not in error


@pytest.mark.usefixtures("shared_fork_server")
def test_a_subject_that_never_moves_breaks_the_law_of_parameters_and_is_not_vacuous() -> None:
    certificate = stepcheck.certify(f"{MISBEHAVING}:NeverMoves", rule="sgd", dtypes=["float32"], jobs=1)
    assert "SC101" in {failure.code for failure in certificate.failures}
    assert certificate.compared > 10_000


@pytest.mark.usefixtures("shared_fork_server")
def test_a_hyper_parameter_out_of_its_domain_is_refused_with_the_domain_and_why(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, _, error = run_command(
        capsys, "certify", "tests/planted/rules/controls.py:CorrectAdam", "--as", "adam", "--set", "beta1=1"
    )
    assert code == 2
    assert "beta1=1.0, but adam needs 0 <= beta1 < 1 (bias correction divides by 1 - beta1**t)" in error


@pytest.mark.usefixtures("shared_fork_server")
def test_an_output_that_stops_taking_results_ends_the_run_and_keeps_the_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def obstruct(done: int, total: int, result: CellResult | None) -> None:
        if done == 1:
            (tmp_path / "cells").rename(tmp_path / "renamed")
            (tmp_path / "cells").write_text("")

    with pytest.raises(WrongRequest, match=r"out=.*cells.*, but should be") as stop:
        stepcheck.certify("torch.optim.SGD", modes=["single"], out=tmp_path, jobs=1, progress=obstruct)
    certificate = stop.value.certificate  # type: ignore[attr-defined]
    assert certificate.findings.cells
    assert certificate.findings.unfinished
    assert "out=" in certificate.run.stopped
    assert from_json((tmp_path / "certificate.json").read_text()).run.stopped == certificate.run.stopped
    assert len(list((tmp_path / "renamed").iterdir())) == 1


def test_a_certificate_that_ended_early_is_printed_before_the_error_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from stepcheck.certification import certify

    cell = CellResult(
        id="SGD[plain] single float32 cpu",
        configuration="plain",
        mode="single",
        dtype="float32",
        device="cpu",
        rule="sgd",
        verdict=Verdict.HOLDS,
    )
    findings = Findings(
        verdict=Verdict.HOLDS,
        target="torch.optim.SGD",
        rule="sgd",
        profile="quick",
        seed=0,
        cells=(cell,),
        unfinished=3,
    )
    partial = Certificate(findings=findings, run=Run(seconds=1.0, jobs=1, stopped="WrongRequest: out=somewhere"))

    def stops(*_: object, **__: object) -> stepcheck.Certificate:
        error = WrongRequest("out=somewhere, but should be writable")
        error.certificate = partial  # type: ignore[attr-defined]
        raise error

    monkeypatch.setattr(certify, "certify", stops)
    code, out, error = run_command(capsys, "certify", "torch.optim.SGD")
    assert code == 2
    assert "3 cells missing" in out
    assert error == "stepcheck: out=somewhere, but should be writable\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_is_reported_in_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "stepcheck", "rules"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment(),
            timeout=100,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "stepcheck: stdout should be something that can be written (No space left on device)\n"


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs the signals of POSIX")
def test_a_signal_that_asks_to_end_interrupts_once_and_is_then_ignored() -> None:
    with termination():
        with pytest.raises(Terminated, match="SIGHUP"):
            os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert issubclass(Terminated, KeyboardInterrupt)


@contextmanager
def running(tmp_path: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Start certify on what takes a while, and wait until some cells have been written."""
    out, scratch = tmp_path / "out", tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "stepcheck", "certify", *arguments, "--out", str(out)],
        cwd=ROOT,
        env={**environment(), "TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        until = time.monotonic() + 200
        while not list(out.glob("cells/*.json")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.02)
        yield process, out
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def descendants(pid: int) -> dict[int, str]:
    """Return the processes below ``pid`` and their command lines."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            parents[int(entry.name)] = parent(int(entry.name))
    commands: dict[int, str] = {}
    for child in parents:
        above = child
        while above in parents and above != pid:
            above = parents[above]
        if above == pid and child != pid:
            try:
                commands[child] = (Path("/proc") / str(child) / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
    return commands


def parent(pid: int) -> int:
    """Return the parent of ``pid``; 0 where there is no such process any more."""
    return int(status(pid)[1])


def alive(pid: int) -> bool:
    return status(pid)[0] != "Z"


def status(pid: int) -> list[str]:
    """Return the state of ``pid`` and its parent; those of a zombie of nobody where there is no such process."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["Z", "0"]


def wait_until_gone(pids: list[int]) -> None:
    until = time.monotonic() + 30
    left = list(pids)
    while left := [pid for pid in left if alive(pid)]:
        assert time.monotonic() < until, left
        time.sleep(0.05)


@processes
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_ctrl_c_at_a_terminal_ends_everything_and_reports_the_results(tmp_path: Path, number: int) -> None:
    with running(tmp_path, *LONG) as (process, out):
        below = descendants(process.pid)
        os.killpg(process.pid, number)  # a terminal sends it to the whole foreground group
        output, error = process.communicate(timeout=100)
    assert process.returncode == 130, error
    assert "missing; the verdict covers the remaining cells" in output
    assert "Traceback" not in error
    certificate = from_json((out / "certificate.json").read_text())
    assert certificate.run.interrupted
    assert certificate.cells
    wait_until_gone(list(below))
    assert not list((tmp_path / "scratch").glob("stepcheck-*"))


@processes
def test_a_parent_that_is_killed_leaves_no_process_and_what_it_had_written(tmp_path: Path) -> None:
    with running(tmp_path, *LONG) as (process, out):
        below = descendants(process.pid)
        assert sum("fork_server fork" in command for command in below.values()) >= 2  # the fork server and a worker
        assert len(below) >= 4  # and two processes
        process.kill()
        wait_until_gone(list(below))
    cells = [json.loads(path.read_text()) for path in out.glob("cells/*.json")]
    assert cells
    assert all(cell["verdict"] in ("holds", "expected_broken", "not_applicable", "not_run") for cell in cells)
    until = time.monotonic() + 30
    while list((tmp_path / "scratch").glob("stepcheck-*")):
        assert time.monotonic() < until, list((tmp_path / "scratch").glob("stepcheck-*"))
        time.sleep(0.05)


@processes
def test_a_worker_and_a_fork_server_that_are_killed_cost_nothing(tmp_path: Path) -> None:
    """What was at work when they went looks like a crash, which is tried again before it is believed."""
    arguments = ("torch.optim.SGD", "--mode", "single", "--dtype", "float32", "--jobs", "1")
    with running(tmp_path, *arguments) as (process, out):
        for worker in (True, False):
            until = time.monotonic() + 100
            while process.poll() is None:
                assert time.monotonic() < until
                # a worker has the command of the fork server, whose child it is
                forks = [pid for pid, command in descendants(process.pid).items() if "fork_server fork" in command]
                found = [pid for pid in forks if (parent(pid) != process.pid) == worker]
                if found:
                    os.kill(found[-1], signal.SIGKILL)
                    break
        assert process.poll() is None, "it ended before both were killed"
        output, error = process.communicate(timeout=200)
    assert process.returncode == 0, output + error
    certificate = from_json((out / "certificate.json").read_text())
    assert not certificate.findings.unfinished
    assert not certificate.run.stopped
