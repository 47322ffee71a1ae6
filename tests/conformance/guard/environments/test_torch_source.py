"""Torch sources: whose torch is recorded, and that it has the requested version."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from stepcheck.certification.request import WrongRequest
from stepcheck.guard.check_baseline import check
from stepcheck.guard.comparison.difference import Change
from stepcheck.guard.environments import torch_source as torch_source
from stepcheck.guard.environments.torch_source import OWN, TorchSource, environment_of
from stepcheck.processes.executor import Local
from stepcheck_implementations.workers.interpreter import Interpreter
from stepcheck_implementations.workers.pool import Workers
from stepcheck_implementations.workers.transport import WorkerError


def test_the_own_source_is_this_python() -> None:
    assert OWN.interpreter() == Interpreter.own()
    assert TorchSource() == OWN


def test_another_python_has_its_own_packages_and_stepchecks_worker(
    recorded_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    source = TorchSource(python=sys.executable, cache=str(tmp_path))
    interpreter = source.interpreter()
    assert interpreter.python == sys.executable
    (path,) = interpreter.path
    assert Path(path).is_relative_to(tmp_path)
    assert sorted(os.listdir(path)) == ["stepcheck_implementations", "stepcheck_reference"]
    result = check(recorded_once, source=source, executor=Local(1), only=["Adadelta*"])
    assert {entry.change for entry in result.differences} == {Change.IDENTICAL}


def test_a_missing_python_is_refused() -> None:
    with pytest.raises(
        WrongRequest, match="python=nowhere, but should be the path of a Python that has torch and numpy"
    ):
        TorchSource(python="nowhere").interpreter()


def test_a_cache_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongRequest, match="should be a writable folder"):
        TorchSource(python=sys.executable, cache=str(tmp_path / "file")).interpreter()


def test_a_release_is_installed_by_its_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    class Installed:
        python = Path("/there/bin/python")

    class Environments:
        def __init__(self, *arguments) -> None:
            calls.append(arguments)

        def environment(self, version: str) -> Installed:
            calls.append(version)
            return Installed()

    monkeypatch.setattr(torch_source, "Environments", Environments)
    interpreter = TorchSource(torch="2.6.0", cache=str(tmp_path), torch_backend="cpu").interpreter()
    assert interpreter.python == "/there/bin/python"
    assert calls[0][0] == tmp_path
    assert (calls[0][1], calls[0][3], calls[1]) == (None, "cpu", "2.6.0")


def test_a_worker_with_another_torch_is_an_error(fork_server: str) -> None:
    with Workers(address=fork_server) as workers:
        environment = environment_of(workers)
        assert set(environment) == {"torch", "python", "numpy", "platform", "capability", "devices", "device_names"}
        assert environment_of(workers, environment["torch"].partition("+")[0]) == environment
        with pytest.raises(WorkerError, match=r"the worker has torch .*, but should have 1\.0\.0"):
            environment_of(workers, "1.0.0")


def test_a_source_is_data_that_another_machine_understands() -> None:
    import pickle

    source = TorchSource("2.6.0", "", "cache", "cpu")
    assert pickle.loads(pickle.dumps(source)) == source
