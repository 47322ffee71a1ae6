"""Progress: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time

import pytest

from stepcheck.report import progress as progress_module
from stepcheck.report.progress import _Lines, counting, reporting


def test_progress_is_printed_in_quarters_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with counting("recording") as progress:
        progress(0, 8, "")
        for number in range(1, 9):
            progress(number, 8, f"cell {number}")
    assert capsys.readouterr().err.splitlines() == [
        f"stepcheck: recording: {number} of 8 cells" for number in (2, 4, 6, 8)
    ]


def test_progress_of_nothing_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with counting("checking") as progress:
        progress(0, 0, "")
    assert capsys.readouterr().err == ""


def test_progress_is_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with counting("recording") as progress:
        progress(0, 2, "")
        progress(2, 2, "cell 2")
    assert "stepcheck:" not in capsys.readouterr().err


def test_stages_are_printed_at_once_and_details_only_when_they_take_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    lines = _Lines()
    lines.notify("importing torch", False)
    assert capsys.readouterr().err == "stepcheck: importing torch\n"
    lines(0, 3, None)
    lines.notify("script 4 of about 49 of X", True)
    lines.still()
    assert capsys.readouterr().err == ""
    now[0] = 20.0
    lines.still()
    assert capsys.readouterr().err == "stepcheck: judging cell 1 of 3, script 4 of about 49 of X (20 s)\n"


def test_a_signal_says_what_is_being_done_while_nothing_else_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress_module, "_PATIENCE", 0.05)
    monkeypatch.setattr(_Lines, "still", lambda self: print("still", file=sys.stderr))
    with reporting() as (_, notify):
        notify("importing torch", False)
        time.sleep(0.2)
    said = capsys.readouterr().err
    assert said.startswith("stepcheck: importing torch\n")
    assert "still" in said
    time.sleep(0.1)
    assert capsys.readouterr().err == ""
