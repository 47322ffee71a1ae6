"""One small baseline for all tests of guard, and workers that share one fork server."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

import pytest

from stepcheck.guard import check_baseline, record_baseline
from stepcheck.guard.corpus.selection import Selection
from stepcheck_implementations.workers.pool import Workers

ROOT = Path(__file__).resolve().parents[3]

FEW = Selection((("torch.optim.Adadelta", None), ("torch.optim.Adafactor", None)), ("single",), ("float32",))
"""A class with a rule and one without, in two configurations each: steps, checkpoints and APIs."""


@pytest.fixture
def warm(monkeypatch: pytest.MonkeyPatch, fork_server: str) -> None:
    """Lets record and check borrow a fork server, and do everything in this process, at the root of the checkout."""
    monkeypatch.chdir(ROOT)
    _borrow(monkeypatch, fork_server)


def _borrow(monkeypatch: pytest.MonkeyPatch, fork_server: str) -> None:
    for module in (record_baseline, check_baseline):
        monkeypatch.setattr(module, "Workers", functools.partial(Workers, address=fork_server))
        monkeypatch.setattr(module, "usable_cores", lambda: 1)


@pytest.fixture(scope="session")
def recorded_once(tmp_path_factory: pytest.TempPathFactory, fork_server: str) -> Path:
    """A baseline of ``FEW``, not to be written to."""
    directory = tmp_path_factory.mktemp("guard") / "baseline"
    with pytest.MonkeyPatch.context() as monkeypatch:
        _borrow(monkeypatch, fork_server)
        record_baseline.record(directory, FEW)
    return directory


@pytest.fixture
def baseline(recorded_once: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may spoil."""
    return Path(shutil.copytree(recorded_once, tmp_path / "baseline"))
