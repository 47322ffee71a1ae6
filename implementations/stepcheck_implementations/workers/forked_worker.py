"""The parent's side of the fork server: a client that requests forks, and the workers that it gets."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Mapping
from typing import Any

from stepcheck_implementations.workers import wire
from stepcheck_implementations.workers.exit_reason import exit_reason
from stepcheck_implementations.workers.transport import (
    START_TIMEOUT,
    Answer,
    ForkServerGone,
    WorkerDied,
    WorkerError,
    WorkerTimeout,
)

_GONE = "the process that starts workers has ended: it was killed, by hand or because memory ran out"
_TAKEN_ALONG = "the process ended with the one that had started it, as after os.kill(os.getppid(), signal.SIGKILL)"
_FORK_TIMEOUT = 10.0
"""Seconds that a fork server which has forked before may take to fork again."""
_EXIT_TIMEOUT = 20.0
"""Seconds to wait for the fork server's report of a worker that is about to end."""


class ForkServerClient:
    """A connection to the fork server, which forks workers and reports how they ended (see ``fork_server``)."""

    def __init__(self, address: str) -> None:
        self.connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.connection.connect(address)
        except OSError:
            self.connection.close()
            raise
        self.buffer = b""
        self.exits: dict[int, tuple[int, str]] = {}
        """Exit status and last output of workers whose end was reported and not yet looked at, by process id."""
        self.forgotten: set[int] = set()
        """Workers whose end is of no interest."""
        self.timeout = START_TIMEOUT

    def message(self, until: float) -> dict[str, Any]:
        """Return the next message, and note an exit that it reports; raises ForkServerGone where it does not come."""
        while b"\n" not in self.buffer:
            self.connection.settimeout(max(0.01, until - time.monotonic()))
            try:
                data = self.connection.recv(1 << 16)
            except TimeoutError as error:
                raise ForkServerGone("the fork server does not answer") from error
            except OSError as error:
                raise ForkServerGone(_GONE) from error
            if not data:
                raise ForkServerGone(_GONE)
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        message: dict[str, Any] = json.loads(line)
        if "ended" in message:
            if message["ended"] in self.forgotten:
                self.forgotten.discard(message["ended"])
            else:
                self.exits[message["ended"]] = (message["status"], message["tail"])
        return message

    def fork(self, memory: int) -> tuple[int, socket.socket]:
        """Return the process id of a new worker, and the parent's end of the socket that it serves.

        ``memory`` are the bytes that it may use.
        """
        own_end, worker_end = socket.socketpair()
        with worker_end:
            try:
                request = json.dumps({"request": "fork", "memory": memory}).encode() + b"\n"
                socket.send_fds(self.connection, [request], [worker_end.fileno()])
            except OSError as error:
                own_end.close()
                raise ForkServerGone(_GONE) from error
        until = time.monotonic() + self.timeout
        try:
            while True:
                message = self.message(until)
                if "forked" in message:
                    self.timeout = _FORK_TIMEOUT
                    return int(message["forked"]), own_end
                if "failed" in message:
                    raise WorkerError(f"no worker could be forked: {message['failed']}")
        except BaseException:
            own_end.close()
            raise

    def kill(self, pid: int) -> None:
        """Kill worker ``pid``."""
        with contextlib.suppress(OSError):
            self.connection.sendall(json.dumps({"request": "kill", "pid": pid}).encode() + b"\n")

    def forget(self, pid: int) -> None:
        """Kill worker ``pid`` without waiting for the report of its exit."""
        if self.exits.pop(pid, None) is None:
            self.forgotten.add(pid)
            self.kill(pid)

    def exit_reason(self, pid: int, file: str) -> str:
        """Return how worker ``pid``, which is about to end, ended; see ``exit_reason``. A report is given out once."""
        until = time.monotonic() + _EXIT_TIMEOUT
        while pid not in self.exits:
            try:
                self.message(until)
            except WorkerError:
                return _TAKEN_ALONG
        return exit_reason(*self.exits.pop(pid), file)

    def close(self) -> None:
        """Close the connection; the fork server then kills the workers that it forked for it."""
        self.connection.close()


class ForkedWorker:
    """A worker forked from the fork server, reached over its own socket."""

    def __init__(self, client: ForkServerClient, memory: int) -> None:
        self.client = client
        self.pid, self.socket = client.fork(memory)
        self.file = ""
        self.reason: str | None = None
        """How the process ended, None while that is unknown."""

    def send(self, message: Mapping[str, Any], arrays: wire.Arrays = ()) -> None:
        """Send what has no answer; see ``Transport``."""
        try:
            self.socket.settimeout(START_TIMEOUT)
            self.socket.sendall(wire.pack(message, arrays))
        except OSError as error:
            raise WorkerDied(self._exit_reason()) from error

    def request(
        self, message: Mapping[str, Any], timeout: float, arrays: wire.Arrays = (), most: int = wire.MOST
    ) -> Answer:
        """Return the answer to ``message``; see ``Transport``."""
        until = time.monotonic() + timeout
        self.send(message, arrays)

        def receive(view: memoryview) -> int:
            remaining = until - time.monotonic()
            if remaining <= 0:
                raise WorkerTimeout
            self.socket.settimeout(remaining)
            try:
                return self.socket.recv_into(view)
            except TimeoutError as error:
                raise WorkerTimeout from error
            except OSError:
                return 0

        try:
            return wire.unpack(wire.reader(receive), most)
        except EOFError as error:
            raise WorkerDied(self._exit_reason()) from error

    def _exit_reason(self) -> str:
        """Return how it ended; a worker that only closed its socket is killed first."""
        if self.reason is not None:
            return self.reason
        until = time.monotonic() + 1.0
        while self.pid not in self.client.exits and time.monotonic() < until:
            try:
                self.client.message(until)
            except WorkerError:
                break
        if self.pid not in self.client.exits:
            self.client.kill(self.pid)
        self.reason = self.client.exit_reason(self.pid, self.file)
        return self.reason

    def close(self) -> None:
        """Close the socket and end the worker."""
        self.socket.close()
        if self.reason is None:
            self.client.forget(self.pid)
