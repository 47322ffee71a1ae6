"""``stepcheck scaffold``: a test file that is ready to run."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.command import ROOT, WRONG
from stepcheck.cli.commands import main
from stepcheck.pytest_plugin import session as session_module
from stepcheck_implementations.workers.pool import Workers


@pytest.fixture(autouse=True)
def warm(monkeypatch: pytest.MonkeyPatch, fork_server: str) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(session_module, "Workers", functools.partial(Workers, address=fork_server))


def code(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["scaffold", *arguments])
    return int(str(stop.value.code))


def decorated(text: str) -> tuple[str, dict[str, object]]:
    """Return the name of the test function, and the decorator's arguments."""
    (function,) = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    (call,) = function.decorator_list
    assert isinstance(call, ast.Call)
    arguments = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    return function.name, {"target": ast.literal_eval(call.args[0]), **arguments}


def test_the_file_has_the_arguments_of_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert code(WRONG, "--as", "adam", "--set", "lr=0.1", "--map", "m=exp_avg") == 0
    text = capsys.readouterr().out
    name, arguments = decorated(text)
    assert name == "test_adam_eps_inside_root"
    assert arguments == {
        "target": WRONG,
        "rule": "adam",
        "fixed": {"lr": 0.1},
        "map": {"m": "exp_avg"},
        "expected_failures": {},
    }
    assert text.count("case.check()") == 1
    assert "python -m pytest test_adam_eps_inside_root.py" in text
    written = tmp_path / "test_adam_eps_inside_root.py"
    written.write_text(text)
    for verb in (["check", "--isolated", "--select", "E,F,I"], ["format", "--isolated", "--check"]):
        subprocess.run([sys.executable, "-m", "ruff", *verb, "--no-cache", str(written)], check=True)


@pytest.mark.parametrize(("target", "name"), [("torch.optim.AdamW", "test_adamw"), ("torch.optim", "test_torch_optim")])
def test_a_known_class_or_library_needs_no_rule(target: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert code(target) == 0
    assert decorated(capsys.readouterr().out) == (name, {"target": target, "expected_failures": {}})


def test_a_file_is_written_completely_and_never_over_another_without_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new" / "test_mine.py"
    assert code("torch.optim.SGD", "--out", str(path)) == 0
    assert f"python -m pytest {path}" in capsys.readouterr().out
    path.write_text("mine")
    assert code("torch.optim.SGD", "--out", str(path)) == 2
    assert "--force overwrites it" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert code("torch.optim.SGD", "--out", str(path), "--force") == 0
    assert decorated(path.read_text())[0] == "test_sgd"
    assert [entry.name for entry in path.parent.iterdir()] == ["test_mine.py"]


def test_what_cannot_be_certified_is_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "test_mine.py"
    for arguments, message in (
        (["torch.optim.AdamV"], "did you mean Adam"),
        ([WRONG, "--as", "adma"], "adam"),
        (["tests/implementations/subjects/undeclared.py:ByNorm"], "name the rule that it implements with --as"),
    ):
        assert code(*arguments, "--out", str(path)) == 2
        assert message in capsys.readouterr().err
    assert not path.exists()
    assert code("torch.optim.SGD", "--out", str(tmp_path)) == 2
