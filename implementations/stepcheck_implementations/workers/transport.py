"""What every worker process offers to the parent, and how it may fail."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from stepcheck_implementations.driver.error_text import printable
from stepcheck_implementations.workers import wire

ENTRY_POINT = "stepcheck_implementations.workers.fork_server"
"""The module that fork servers and spawned workers are started with."""
START_TIMEOUT = 120.0
"""Seconds that a process may take to start."""
OUTPUT_TAIL = 4000
"""Bytes kept of what a process printed last."""
_QUOTED_OUTPUT = 600
"""Characters of it that an error message quotes."""

Answer = tuple[dict[str, Any], list[NDArray[Any]]]
"""The header and the arrays of a frame."""


class WorkerError(RuntimeError):
    """The worker itself failed: a defect of stepcheck or of this environment, not of the subject."""


class WorkerDied(Exception):
    """The worker process has ended; ``reason`` says how."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WorkerTimeout(Exception):
    """The worker did not answer in time."""


class Transport(Protocol):
    """A connection to one worker process."""

    def request(self, message: Mapping[str, Any], timeout: float, arrays: wire.Arrays = ()) -> Answer:
        """Return the answer to ``message``; raises WorkerDied, and WorkerTimeout after ``timeout`` seconds."""

    def send(self, message: Mapping[str, Any], arrays: wire.Arrays = ()) -> None:
        """Send a message that has no answer; raises WorkerDied."""

    def close(self) -> None:
        """End the worker."""


def exit_reason(status: int | None, output: str) -> str:
    """Return in words how a process ended: its exit ``status``, minus the signal, and the last it printed."""
    if status is None:
        reason = "the process ended"
    elif status < 0:
        try:
            reason = f"the process was ended by {signal.Signals(-status).name}"
            reason += " (by hand, or because memory ran out)" if -status == signal.SIGKILL else ""
        except ValueError:
            reason = f"the process was ended by signal {-status}"
    else:
        reason = f"the process exited with status {status}"
    printed = printable(output)
    return f"{reason}; it last printed: {printed[-_QUOTED_OUTPUT:]}" if printed else reason
