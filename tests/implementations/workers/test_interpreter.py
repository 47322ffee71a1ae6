"""Interpreters: the Python that a worker runs in, and what it can import."""

from __future__ import annotations

import os
import sys

import pytest

from stepcheck_implementations.workers.interpreter import Interpreter


def test_a_worker_of_this_python_can_import_what_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["", "/one", "/two"])
    own = Interpreter.own()
    assert own == Interpreter(sys.executable, ("/one", "/two"))
    assert own.environment()["PYTHONPATH"] == os.pathsep.join(("/one", "/two"))


def test_what_is_first_on_the_path_is_first_for_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend("/patched")
    assert Interpreter.own().path[0] == "/patched"


def test_a_worker_has_one_thread_and_else_the_environment_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("STEPCHECK_SAYS", "hello")
    environment = Interpreter("python", ("/only",)).environment()
    assert (environment["OMP_NUM_THREADS"], environment["PYTHONPATH"], environment["STEPCHECK_SAYS"]) == (
        "1",
        "/only",
        "hello",
    )
    assert os.environ["OMP_NUM_THREADS"] == "7"
