"""Fixtures that several files share."""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from short_profiles import SHORT_PROFILES
from stepcheck.certification import certify
from stepcheck_implementations.workers import target_requests
from stepcheck_implementations.workers.pool import Workers
from stepcheck_properties import profile
from torch_python import TorchPython

pytest_plugins = ["pytester", "stepcheck.plugin"]  # the latter comes by itself where stepcheck is installed

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session", autouse=True)
def no_step_summary() -> None:
    """Keeps runs that are tested out of the summary of the CI job that tests them."""
    os.environ.pop("GITHUB_STEP_SUMMARY", None)


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Lets tests send signals to what they start, and themselves, where a shell or nohup has had pytest ignore them."""
    if threading.current_thread() is threading.main_thread():
        for name, handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_IGN:
                signal.signal(number, handler)
        for number in [
            number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_IGN
        ]:
            signal.signal(number, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def gradient_mode() -> Iterator[None]:
    """Leaves torch's gradient mode on for the next test, whatever a subject that ran in this process has done to it."""
    yield
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "set_grad_enabled") and not torch.is_grad_enabled():
        torch.set_grad_enabled(True)


@pytest.fixture(scope="session")
def fork_server() -> Iterator[str]:
    """The address of one fork server, which has imported torch."""
    with Workers() as workers:
        workers.environment()
        yield workers.address


@pytest.fixture(scope="session")
def torch_python() -> Iterator[TorchPython]:
    """A Python that has imported torch, to run programs in."""
    with TorchPython() as started:
        yield started


@pytest.fixture
def shared_fork_server(monkeypatch: pytest.MonkeyPatch, fork_server: str) -> None:
    """Lets ``stepcheck.certify`` borrow that fork server, at the root of the checkout, and wait 4 s for a hang.

    Profiles are short.
    """
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(certify, "Workers", functools.partial(Workers, address=fork_server))
    monkeypatch.setitem(certify.PATIENCE, "quick", 4.0)
    monkeypatch.setattr(profile, "ALL", SHORT_PROFILES)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, shared_fork_server: None) -> None:
    """Waits 1 s, for subjects that hang and are certified for that; any step that ends takes milliseconds."""
    monkeypatch.setitem(certify.PATIENCE, "quick", 1.0)
    monkeypatch.setattr(target_requests, "TRIAL_TIMEOUT", 1.0)
