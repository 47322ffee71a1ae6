"""A Python that has imported torch: runs programs as ``python FILE`` does, each in a fork, in less time.

``python tests/torch_python.py`` serves: a line of JSON in (path, directory, where its output goes, seconds it may
take), a line of JSON out (its exit status).
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any


class TorchPython:
    """One such process, for as long as a ``with`` block lasts; where there is no fork, a new Python a program."""

    def __enter__(self) -> TorchPython:
        self.process: subprocess.Popen[str] | None = None
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            self.process.stdin.close()
            self.process.wait(30)
            self.process.stdout.close()

    def run(self, program: Path, *, cwd: Path, timeout: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run ``program`` in ``cwd`` and return what it said; raises TimeoutExpired as ``subprocess.run`` does."""
        command = [sys.executable, str(program)]
        if not hasattr(os, "fork"):
            return subprocess.run(
                command, cwd=cwd, env=_plain(), capture_output=True, text=True, timeout=timeout, check=False
            )
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, __file__], env=_plain(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        outputs = [program.with_name(f"{program.name}.{name}") for name in ("out", "err")]
        request = {"path": str(program), "cwd": str(cwd), "said": [str(path) for path in outputs], "timeout": timeout}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        status = json.loads(self.process.stdout.readline())
        if status is None:
            raise subprocess.TimeoutExpired(command, timeout)
        return subprocess.CompletedProcess(command, status, *(path.read_text() for path in outputs))


def _plain() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def serve() -> None:
    """Answer requests until standard input ends."""
    import torch

    torch.optim.SGD([torch.nn.Parameter(torch.ones(1))]).step()  # the first optimizer imports as much again
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(request)
        print(json.dumps(_status(pid, request["timeout"])), flush=True)


def _status(pid: int, timeout: float) -> int | None:
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def _become(request: dict[str, Any]) -> None:
    """Turn this fork into ``python FILE``; does not return."""
    code: object = 1
    try:
        for number, path in enumerate(request["said"], 1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(request["cwd"])
        sys.argv = [request["path"]]
        sys.path[0] = os.path.dirname(request["path"])
        try:
            runpy.run_path(request["path"], run_name="__main__")
            code = 0
        except SystemExit as stop:
            code = stop.code
            if code is not None and not isinstance(code, int):
                print(code, file=sys.stderr)
                code = 1
        except BaseException:
            traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    serve()
