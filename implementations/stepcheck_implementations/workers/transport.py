"""What every worker process offers to the parent, and how it may fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from stepcheck_implementations.driver.error_text import printable
from stepcheck_implementations.workers import wire

ENTRY_POINT = "stepcheck_implementations.workers.fork_server"
"""The module that fork servers and spawned workers are started with."""
START_TIMEOUT = 120.0
"""Seconds that a process may take to start."""

Answer = tuple[dict[str, Any], list[NDArray[Any]]]
"""The header and the arrays of a frame."""


class WorkerError(RuntimeError):
    """The worker itself failed: a defect of stepcheck or of this environment, not of the subject."""


class ForkServerGone(WorkerError):
    """The fork server has ended, or does not answer; another one can be started."""


class WorkerDied(Exception):
    """The worker process has ended; ``reason`` says how."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WrongAnswer(WorkerDied):
    """The worker process sent what is no answer, because its subject wrote into the connection; it is no more use."""

    def __init__(self, why: object) -> None:
        super().__init__(f"its process sent what is no answer: {printable(str(why))}")


class WorkerTimeout(Exception):
    """The worker did not answer in time."""


class Transport(Protocol):
    """A connection to one worker process; ``file`` ends the path of its subject's source, as a crash quotes it."""

    file: str

    def request(
        self, message: Mapping[str, Any], timeout: float, arrays: wire.Arrays = (), most: int = wire.MOST
    ) -> Answer:
        """Return the answer to ``message``, of at most ``most`` bytes.

        Raises WorkerDied, WorkerTimeout after ``timeout`` seconds, and ProtocolError for what is no answer.
        """

    def send(self, message: Mapping[str, Any], arrays: wire.Arrays = ()) -> None:
        """Send a message that has no answer; raises WorkerDied."""

    def close(self) -> None:
        """End the worker."""
