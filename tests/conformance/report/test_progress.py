"""Progress: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import sys

import pytest

from stepcheck.report.progress import counting


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
