"""The command read: pages, JSON, rule files, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepcheck.cli.commands import main
from stepcheck.code_reading import read
from stepcheck_implementations.workers.pool import Workers

READABLE = "tests/implementations/subjects/readable.py"


@pytest.fixture(autouse=True)
def borrowed(monkeypatch: pytest.MonkeyPatch, shared_fork_server: None, fork_server: str) -> None:
    monkeypatch.setattr(read, "Workers", lambda: Workers(address=fork_server))


def run_command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(("read", *arguments))
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def test_a_page_has_equations_and_whether_they_are_verified(capsys: pytest.CaptureFixture[str]) -> None:
    code, page, _ = run_command(capsys, "examples/handwritten.py:AdamEpsInside")
    assert code == 0
    assert "    θ′ = θ − η·m̂/√(v̂ + ε)\n" in page
    assert "verified    the code is in the envelope of this reading" in page


def test_json_has_what_a_page_has(capsys: pytest.CaptureFixture[str]) -> None:
    code, text, _ = run_command(capsys, "torch.optim.SGD", "--configuration", "plain", "--json")
    (found,) = json.loads(text)
    assert (code, found["configuration"], found["verified"], found["complete"]) == (0, "plain", True, True)
    assert found["step"] == {"theta": "-lr*(g + theta*weight_decay) + theta"}


def test_a_rule_file_is_written_and_a_reading_that_is_none_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _, said = run_command(capsys, f"{READABLE}:OldOverloads", "--rule", str(tmp_path / "rule.py"))
    assert (code, said) == (0, f"wrote {tmp_path / 'rule.py'}, a rule for --as {tmp_path / 'rule.py'}:OLDOVERLOADS\n")
    assert "OLDOVERLOADS = Rule(" in (tmp_path / "rule.py").read_text()
    code, _, said = run_command(capsys, f"{READABLE}:TakesNorm", "--rule", str(tmp_path / "none.py"))
    assert (code, not (tmp_path / "none.py").exists()) == (2, True)
    assert "a norm over the whole tensor: line" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("torch.optim.SGD", "--configuration", "nestorov"), "did you mean nesterov?"),
        (("torch.optim.SGD", "--mode", "foreech"), "did you mean foreach?"),
        (("torch.optim.SGD", "--set", "nesterof=true"), "did you mean nesterov?"),
        (("torch.optim", "--latex", "--set", "lr=1"), "need one class"),
        (("examples/handwritten.py:Adam", "--configuration", "plain"), "has no configurations"),
    ],
)
def test_a_wrong_request_is_refused(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str) -> None:
    code, _, said = run_command(capsys, *arguments)
    assert (code, words in said) == (2, True), said
