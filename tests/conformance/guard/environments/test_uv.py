"""Reasons for failures of uv, from its output as uv 0.13.9 and older versions print it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from stepcheck.guard.environments import uv

UNSOLVED = "Using Python 3.11.7 environment at: probe\nerror: No solution found when resolving dependencies\n"
UNSATISFIABLE = "we can conclude that your requirements are unsatisfiable.\n"
FAILED = "error: Request failed after 3 retries in 9.2s\n  cause: Failed to fetch: http://index.invalid/simple/torch/\n"

UV_OUTPUTS = {
    "no such version": (
        UNSOLVED
        + f"  cause: Because there is no version of torch==9.9.9 and you require torch==9.9.9, {UNSATISFIABLE}",
        "the package indexes that uv uses have no such version",
    ),
    "no such version, printed in a box": (
        "  × No solution found when resolving dependencies:\n"
        "  ╰─▶ Because there is no version of torch==9.9.9 and you require\n"
        f"      torch==9.9.9, {UNSATISFIABLE}",
        "the package indexes that uv uses have no such version",
    ),
    "another Python": (
        UNSOLVED
        + "  cause: Because torch==1.12.1 has no wheels with a matching Python ABI tag (e.g., `cp311`) and you "
        f"require torch==1.12.1, {UNSATISFIABLE}\n"
        "hint: You require CPython 3.11 (`cp311`), but we only found wheels for `torch` (v1.12.1) with the following "
        "Python ABI tags: `cp37m`, `cp38`, `cp39`, `cp310`\n",
        "there is no wheel of it for this Python, only for Python 3.7, 3.8, 3.9 and 3.10",
    ),
    "one other Python": (
        UNSOLVED + "hint: You require CPython 3.13 (`cp313`), but we only found wheels for `torch` (v2.0.0) with the "
        "following Python ABI tag: `cp313t`\n",
        "there is no wheel of it for this Python, only for Python 3.13t",
    ),
    "another Python for numpy": (
        UNSOLVED + "hint: You require CPython 3.13 (`cp313`), but we only found wheels for `numpy` (v1.10.3) with the "
        "following Python ABI tags: `cp26m`, `cp26mu`\n",
        "there is no wheel of numpy that goes with it for this Python",
    ),
    "another platform": (
        UNSOLVED + "  cause: Because torch==2.6.0 has no wheels with a matching platform tag (e.g., "
        f"`macosx_13_0_x86_64`) and you require torch==2.6.0, {UNSATISFIABLE}\n"
        "hint: Wheels are available for `torch` (v2.6.0) on the following platforms: `manylinux1_x86_64`, "
        "`win_amd64`\n",
        "there is no wheel of it for this platform, only for manylinux1_x86_64, win_amd64",
    ),
    "no connection": (
        f"{FAILED}  cause: tcp connect error\n  cause: Connection refused (os error 111)\n",
        "it could not be downloaded: Connection refused (os error 111)",
    ),
    "no address": (
        f"{FAILED}  cause: dns error\n  cause: failed to lookup address information: Name or service not known\n",
        "it could not be downloaded: failed to lookup address information: Name or service not known",
    ),
    "offline": (
        UNSOLVED + "  cause: Because torch was not found in the cache and you require torch==2.6.0, we can conclude "
        "that your requirements are unsatisfiable.\n\n"
        "hint: Packages were unavailable because the network was disabled. When the network is disabled, registry "
        "packages may only be read from the cache.\n",
        "it is not in uv's cache, and uv may not use the network",
    ),
    "a full disk": (
        "Downloading numpy (16.1MiB)\nerror: Failed to download `numpy==2.4.6`\n"
        "  cause: I/O operation failed during extraction\n"
        "  cause: failed to write to file `numpy/f2py/capi_maps.py`: No space left on device (os error 28)\n",
        "the disk was full while it was installed",
    ),
    "no such Python": (
        "error: No interpreter found for Python 3.99 in managed installations or search path\n\n"
        "hint: uv embeds available Python downloads and may require an update to install new versions.\n",
        "uv did not install it: No interpreter found for Python 3.99 in managed installations or search path",
    ),
    "an argument it does not know": (
        "error: unexpected argument '--torch-backend' found\n\nUsage: uv pip install [OPTIONS]\n",
        "uv did not install it: unexpected argument '--torch-backend' found",
    ),
    "nothing": ("", "uv did not install it: it gives no reason"),
}


@pytest.mark.parametrize("message", UV_OUTPUTS)
def test_a_failure_of_uv_is_one_clause(message: str) -> None:
    text, reason = UV_OUTPUTS[message]
    assert uv.failure_reason(text) == reason


def test_a_long_cause_is_cut_short() -> None:
    assert len(uv.failure_reason(f"error: {'x' * 5000}\n")) < 400


def test_uv_on_the_path_is_called_before_the_one_installed_with_stepcheck(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(uv.importlib.util, "find_spec", lambda name: name == "uv")
    assert uv.command() == [sys.executable, "-m", "uv"]
    monkeypatch.setattr(uv.importlib.util, "find_spec", lambda name: None)
    assert uv.command() is None
    (tmp_path / "uv").touch(mode=0o755)
    if os.name == "posix":
        assert uv.command() == [str(tmp_path / "uv")]


def test_lines_are_passed_on_as_they_come_and_returned() -> None:
    received: list[str] = []
    code = "import sys; print('one'); print('two', file=sys.stderr, flush=True); sys.exit(3)"
    assert uv.run([sys.executable, "-u", "-c", code], on_line=received.append) == (3, "one\ntwo\n")
    assert received == ["one", "two"]


def test_an_interrupt_ends_what_runs() -> None:
    if threading.current_thread() is not threading.main_thread() or os.name != "posix":
        pytest.skip("signals reach the main thread of POSIX")
    output: list[int] = []

    def hear(line: str) -> None:
        output.append(int(line))
        signal.raise_signal(signal.SIGINT)

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        uv.run([sys.executable, "-u", "-c", "import os, time; print(os.getpid()); time.sleep(600)"], on_line=hear)
    assert time.monotonic() - began < 60
    with pytest.raises(ProcessLookupError):
        os.kill(output[0], 0)
