"""Process trees: processes that end with the one that started them, and orphans that would have outlived it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

RARE_COLLECTIONS = (20_000, 50, 100)
"""Thresholds for ``gc.set_threshold`` in a process that lives for one run: it has memory, and little time."""

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def die_with(parent: int) -> None:
    """Ask Linux for SIGKILL when the process ``parent`` dies; other systems have no such request."""
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def adopt_orphans() -> None:
    """Become, on Linux, the parent of every descendant whose own has died, so that none is orphaned."""
    if sys.platform == "linux":
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def children() -> list[int]:
    """Return this process' children, adopted ones included; none where the system does not list them."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as listed:
            return [int(pid) for pid in listed.read().split()]
    except (OSError, ValueError):
        return []


def kill(pid: int) -> None:
    """Kill a process and its group."""
    for end in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            end(pid, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, value)
