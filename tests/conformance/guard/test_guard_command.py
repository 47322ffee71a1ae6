"""The command line of guard: what it prints and its exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from conformance.guard.altered_recordings import alter, with_tensor
from conformance.guard.conftest import FEW
from stepcheck.cli.commands import main
from stepcheck.guard.baselines.baseline_files import load


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["guard", *arguments])
    captured = capsys.readouterr()
    return int(str(stop.value.code)), captured.out, captured.err


@pytest.fixture
def changed(warm: None, baseline: Path) -> Path:
    """A baseline in which one cell did something else."""
    alter(
        baseline,
        "Adadelta[default] single float32 cpu",
        lambda recording: with_tensor(recording, "zero_rate/theta.f", lambda values: values + 1),
    )
    return baseline


@pytest.mark.usefixtures("warm")
def test_record_prints_what_was_recorded_and_its_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["record", str(tmp_path / "made"), "--mode", "single", "--dtype", "float32", "--jobs", "1"]
    for target, _ in FEW.targets:
        arguments += ["--target", target]
    code, out, err = run(capsys, *arguments)
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("recorded  torch 2.")
    assert lines[1] == "cells     6 step runs, 4 checkpoints, 2 APIs"
    assert re.fullmatch(
        rf"wrote     {re.escape(str(tmp_path / 'made'))}, 0\.\d MB; check it with: stepcheck guard check .*made",
        lines[2],
    )
    assert err.splitlines()[-1] == "stepcheck: recording: 12 of 12 cells"
    code, _, err = run(capsys, *arguments)
    assert (code, "--force" in err) == (2, True)
    assert run(capsys, *arguments, "--force")[0] == 0


def test_the_command_checks_and_prints_the_report(changed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "check", str(changed), "--jobs", "1")
    assert code == 1
    torch = load(changed).torch
    first = rf"recorded under  torch {re.escape(torch)}, python .*, numpy .*, cpu .*"
    assert re.fullmatch(first, out.splitlines()[0])
    assert out.partition("\n\n")[2].startswith(
        """\
cells       identical  changed
──────────────────────────────
Adadelta            6        1
Adafactor           5        ·
everything         11        1

✓ identical: all numbers are bitwise identical, and everything else is the same
✗ changed: a number left the envelope or has none, or states, errors, warnings or the API changed

Adadelta
  ✗ Adadelta[default] single float32 cpu: SC101 """
    )
    assert out.endswith("fails on   changed: 1 cell fails\nexit code  1\n")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--only", "Adafactor*"], 0),
        (["--fail-on", "api"], 0),
        (["--fail-on", "api,rounding"], 1),
        (["--fail-on", "rounding", "--fail-on", "api"], 1),
        (["--only", "AdamW*"], 2),
        (["--fail-on", "rouding"], 2),
        (["--accept", "Adadelta*"], 2),
        (["--accept", "Adadelta*", "--reason", "so be it"], 0),
        (["--torch", "2.6.0", "--python", "x"], 2),
        (["--python", "nowhere"], 2),
        (["--shard", "3/2"], 2),
        (["--json", "--md", "-"], 2),
    ],
)
def test_exit_codes(changed: Path, capsys: pytest.CaptureFixture[str], options: list[str], code: int) -> None:
    result, out, err = run(capsys, "check", str(changed), "--jobs", "1", *options)
    assert result == code, err
    assert (out == "") == (code == 2)
    if code == 2:
        assert err.splitlines()[-1].startswith("stepcheck: ")
        assert "Traceback" not in err


def test_an_unknown_policy_is_refused_with_the_nearest_name(changed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = run(capsys, "check", str(changed), "--fail-on", "rouding")
    assert err == ("stepcheck: fail-on=rouding, but should be one of changed, rounding, api (did you mean rounding?)\n")


def test_json_and_markdown_are_printed_and_written(
    changed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "page.md"))
    code, out, _ = run(capsys, "check", str(changed), "--json", "--md", str(tmp_path / "summary.md"))
    assert (code, json.loads(out)["exit_code"]) == (1, 1)
    assert (tmp_path / "summary.md").read_text("utf-8").startswith("## ✗ torch ")
    assert (tmp_path / "page.md").read_text("utf-8") == (tmp_path / "summary.md").read_text("utf-8")


def test_a_missing_baseline_is_a_wrong_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "check", str(tmp_path / "nowhere"))
    assert (code, out) == (2, "")
    assert "but should be a directory that `stepcheck guard record` made" in err


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize(
    "arguments",
    [
        ["--target", "torch.optim.Nope"],
        ["--mode", "slow"],
        ["--dtype", "float8"],
        ["--device", "abacus"],
        ["--target", "torch.optim.AdamW=nope"],
    ],
)
def test_an_invalid_selection_is_a_wrong_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    code, out, err = run(capsys, "record", str(tmp_path / "made"), *arguments)
    assert (code, out) == (2, ""), err
    assert err.startswith("stepcheck: ")
    assert not (tmp_path / "made" / "manifest.json").exists()
