"""A lock that one process at a time holds, and that ends with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stepcheck.guard.environments.file_lock import file_lock

HOLDS = """
import sys, time
from pathlib import Path
from stepcheck.guard.environments.file_lock import file_lock
with file_lock(Path(sys.argv[1]), lambda: print("waits", flush=True)):
    print("holds", flush=True)
    sys.stdin.readline()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_a_second_process_waits_for_the_first_and_reports_it_once(tmp_path: Path) -> None:
    with file_lock(tmp_path / "folder" / "lock", lambda: pytest.fail("nobody else holds it")):
        second = holder(tmp_path / "folder" / "lock")
        assert second.stdout is not None
        assert second.stdout.readline() == "waits\n"
    out, _ = second.communicate("\n", timeout=60)
    assert out == "holds\n"


def test_a_process_that_is_killed_lets_go(tmp_path: Path) -> None:
    with holder(tmp_path / "lock") as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "holds\n"
        first.kill()
        first.wait()
    with file_lock(tmp_path / "lock", lambda: None):
        pass


@pytest.mark.skipif(os.name != "posix", reason="descriptors are inherited on POSIX")
def test_a_child_that_inherits_it_holds_on_when_its_parent_lets_go(tmp_path: Path) -> None:
    waits: list[bool] = []
    with file_lock(tmp_path / "lock", lambda: None) as lock:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1)"], pass_fds=(lock,))
    with file_lock(tmp_path / "lock", lambda: waits.append(True)):
        assert child.wait(10) == 0
    assert waits == [True]
