"""Odd paths, streams and directories: exit code 2 and a sentence, never a traceback."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from stepcheck.cli.commands import main

SGD = "torch.optim.SGD"
LONG = "a" * 300


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    captured = capsys.readouterr()
    assert (stop.value.code, captured.out) == (2, ""), captured
    assert "Traceback" not in captured.err
    return captured.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("certify", SGD, "--out", LONG), "File name too long"),
        (("certify", SGD, "--html", LONG), "File name too long"),
        (("scaffold", SGD, "--out", LONG), "File name too long"),
        (("guard", "check", LONG), "File name too long"),
        (("guard", "record", LONG), "File name too long"),
        (("guard", "check", "loop"), "but should be a directory that `stepcheck guard record` made"),
        (("certify", SGD, "--junit", "file/below"), "should be a file that can be written"),
        (("certify", SGD, "--html", "."), "it is a directory"),
        (("guard", "check", "file"), "but should be a directory that `stepcheck guard record` made"),
        (("guard", "record", "file"), "should be a directory that can be written to"),
    ],
)
def test_a_path_that_no_file_can_have_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    assert words in refusal(capsys, *arguments)


def test_a_message_stays_short_whatever_was_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(refusal(capsys, "explain", "x" * 100_000)) < 4000


@pytest.mark.skipif(sys.platform == "win32", reason="a directory in use cannot be removed there")
def test_a_working_directory_that_is_gone_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert "the working directory should be one that still exists" in refusal(capsys, "certify", SGD)


def test_a_python_that_starts_no_worker_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\nexit 0\n")
    fake.chmod(0o755)
    if os.name != "posix":
        pytest.skip("needs a shell")
    words = refusal(capsys, "guard", "record", str(tmp_path / "b"), "--python", str(fake), "--target", SGD)
    assert f"python={fake}, but should be a Python that has torch and numpy" in words
    assert not (tmp_path / "b").exists()
