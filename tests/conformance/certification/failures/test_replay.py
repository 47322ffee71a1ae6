"""``stepcheck replay``: exit 1 where the token's failure still happens, 0 where it no longer does."""

from __future__ import annotations

import functools
from dataclasses import replace

import pytest

import stepcheck
from conformance.command import ROOT, WRONG
from stepcheck.certification import certify
from stepcheck.certification.failures import replay as replay_module
from stepcheck.certification.failures.replay_token import decode, encode
from stepcheck.cli.commands import main
from stepcheck_implementations.workers.pool import Workers

RIGHT = "tests/planted/rules/controls.py:HandWrittenAdam"


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch, fork_server: str) -> str:
    """Return the token of a failure of ``WRONG``, from a certificate of one cell."""
    monkeypatch.chdir(ROOT)
    workers = functools.partial(Workers, address=fork_server)
    monkeypatch.setattr(certify, "Workers", workers)
    monkeypatch.setattr(replay_module, "Workers", workers)
    certificate = stepcheck.certify(WRONG, rule="adam", modes=["single"], dtypes=["float32"], jobs=1)
    return next(failure.token for failure in certificate.failures if failure.code == "SC101")


def replayed(token: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["replay", token])
    return int(str(stop.value.code))


def test_a_failure_that_still_happens_is_shown_and_exits_with_1(token: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert replayed(token) == 1
    assert "SC101" in capsys.readouterr().out


def test_a_failure_that_no_longer_happens_is_reported_and_exits_with_0(
    token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    item = decode(token)
    corrected = encode(replace(item, cell=replace(item.cell, target=RIGHT)))
    assert replayed(corrected) == 0
    assert "the failure no longer happens" in capsys.readouterr().out


def test_a_token_of_a_configuration_that_is_gone_is_refused(token: str, capsys: pytest.CaptureFixture[str]) -> None:
    item = decode(token)
    gone = encode(replace(item, cell=replace(item.cell, configuration="amsgrad")))
    assert replayed(gone) == 2
    assert "has no such cell any more" in capsys.readouterr().err
