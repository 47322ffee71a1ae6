"""Links: ways to talk to a worker process, forked from a template or started by itself."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from stepcheck_implementations.driver.error_text import printable
from stepcheck_implementations.workers import wire
from stepcheck_implementations.workers.interpreter import Interpreter

FORK_SERVER = "stepcheck_implementations.workers.fork_server"
"""The module that a worker's process is started with."""
START_TIMEOUT = 120.0
"""Seconds that a process may take to start."""
TAIL = 4000
"""Bytes kept of what a process printed last."""
_QUOTED = 600

_GONE = "the process that starts workers has ended: it was killed, by hand or because memory ran out"


class WorkerError(RuntimeError):
    """The worker itself failed: a defect of stepcheck or of this environment, not of the subject."""


class WorkerDied(Exception):
    """The worker is gone; ``why`` says how."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class WorkerTimeout(Exception):
    """The worker did not answer in time."""


class Transport(Protocol):
    """A worker to talk to."""

    def ask(
        self, request: Mapping[str, Any], deadline: float, given: wire.Arrays = ()
    ) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        """Return the header and arrays that it answers; raises Ended, and Hung after ``deadline`` seconds."""

    def tell(self, request: Mapping[str, Any], given: wire.Arrays = ()) -> None:
        """Send what has no answer; raises Ended."""

    def close(self) -> None:
        """End the worker."""


def _ending(status: int | None, tail: str) -> str:
    if status is None:
        how = "the process ended"
    elif status < 0:
        try:
            how = f"the process was ended by {signal.Signals(-status).name}"
            how += " (by hand, or because memory ran out)" if -status == signal.SIGKILL else ""
        except ValueError:
            how = f"the process was ended by signal {-status}"
    else:
        how = f"the process exited with status {status}"
    said = printable(tail)
    return f"{how}; it last printed: {said[-_QUOTED:]}" if said else how


class ForkServerClient:
    """A connection to the template: asks for forks, hears of endings."""

    def __init__(self, address: str) -> None:
        self.connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.connection.connect(address)
        except OSError:
            self.connection.close()
            raise
        self.waiting = b""
        self.endings: dict[int, tuple[int, str]] = {}
        self.forgotten: set[int] = set()

    def message(self, until: float) -> dict[str, Any]:
        """Return the next message; raises WorkerError where none comes ``until`` then."""
        while b"\n" not in self.waiting:
            self.connection.settimeout(max(0.01, until - time.monotonic()))
            try:
                data = self.connection.recv(1 << 16)
            except TimeoutError as error:
                raise WorkerError("the template process does not answer") from error
            except OSError as error:
                raise WorkerError(_GONE) from error
            if not data:
                raise WorkerError(_GONE)
            self.waiting += data
        line, self.waiting = self.waiting.split(b"\n", 1)
        found: dict[str, Any] = json.loads(line)
        if "ended" in found:
            if found["ended"] in self.forgotten:
                self.forgotten.remove(found["ended"])
            else:
                self.endings[found["ended"]] = (found["status"], found["tail"])
        return found

    def fork(self) -> tuple[int, socket.socket]:
        """Return the id of a new worker and the socket it serves."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self.connection, [b'{"ask":"fork"}\n'], [theirs.fileno()])
            except OSError as error:
                ours.close()
                raise WorkerError(_GONE) from error
        until = time.monotonic() + START_TIMEOUT
        try:
            while True:
                message = self.message(until)
                if "forked" in message:
                    return int(message["forked"]), ours
                if "failed" in message:
                    raise WorkerError(f"no worker could be forked: {message['failed']}")
        except BaseException:
            ours.close()
            raise

    def kill(self, pid: int) -> None:
        """End worker ``pid``."""
        with contextlib.suppress(OSError):
            self.connection.sendall(json.dumps({"ask": "kill", "pid": pid}).encode() + b"\n")

    def forget(self, pid: int) -> None:
        """End worker ``pid`` without waiting to hear of it."""
        if self.endings.pop(pid, None) is None:
            self.forgotten.add(pid)
            self.kill(pid)

    def ending(self, pid: int) -> str:
        """Return how worker ``pid``, which is about to end, did; to be asked once."""
        until = time.monotonic() + 20.0
        while pid not in self.endings:
            try:
                self.message(until)
            except WorkerError:
                return _ending(None, "")
        return _ending(*self.endings.pop(pid))

    def close(self) -> None:
        """Let go of what it holds."""
        self.connection.close()


class ForkedWorker:
    """A worker forked from the template."""

    def __init__(self, control: ForkServerClient) -> None:
        self.control = control
        self.pid, self.link = control.fork()
        self.over: str | None = None

    def tell(self, request: Mapping[str, Any], given: wire.Arrays = ()) -> None:
        """Send what has no answer; see ``Transport``."""
        try:
            self.link.settimeout(START_TIMEOUT)
            self.link.sendall(wire.pack(request, given))
        except OSError as error:
            raise WorkerDied(self._why()) from error

    def ask(
        self, request: Mapping[str, Any], deadline: float, given: wire.Arrays = ()
    ) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        """Return an answer; see ``Transport``."""
        until = time.monotonic() + deadline
        self.tell(request, given)

        def read(count: int) -> bytearray:
            found = bytearray(count)
            view, have = memoryview(found), 0
            while have < count:
                left = until - time.monotonic()
                if left <= 0:
                    raise WorkerTimeout
                self.link.settimeout(left)
                try:
                    got = self.link.recv_into(view[have:])
                except TimeoutError as error:
                    raise WorkerTimeout from error
                except OSError as error:
                    raise WorkerDied(self._why()) from error
                if got == 0:
                    raise WorkerDied(self._why())
                have += got
            return found

        return wire.unpack(read)

    def _why(self) -> str:
        """Return how it ended; a worker that only closed its socket is ended first."""
        if self.over is not None:
            return self.over
        deadline = time.monotonic() + 1.0
        while self.pid not in self.control.endings and time.monotonic() < deadline:
            try:
                self.control.message(deadline)
            except WorkerError:
                break
        if self.pid not in self.control.endings:
            self.control.kill(self.pid)
        self.over = self.control.ending(self.pid)
        return self.over

    def close(self) -> None:
        """Let go of what it holds."""
        self.link.close()
        if self.over is None:
            self.control.forget(self.pid)


class SpawnedWorker:
    """A worker of its own, on pipes; it outlives cells."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.process = subprocess.Popen(
            [interpreter.python, "-m", FORK_SERVER, "pipe"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=interpreter.environment(),
            start_new_session=os.name == "posix",
        )
        self.chunks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.waiting = bytearray()
        self.tail = b""
        self.readers = [
            threading.Thread(target=self._read_answers, daemon=True),
            threading.Thread(target=self._read_output, daemon=True),
        ]
        for reader in self.readers:
            reader.start()

    def _read_answers(self) -> None:
        assert self.process.stdout is not None
        while chunk := os.read(self.process.stdout.fileno(), 1 << 16):
            self.chunks.put(chunk)
        self.chunks.put(b"")

    def _read_output(self) -> None:
        assert self.process.stderr is not None
        while chunk := os.read(self.process.stderr.fileno(), 1 << 16):
            self.tail = (self.tail + chunk)[-TAIL:]

    def tell(self, request: Mapping[str, Any], given: wire.Arrays = ()) -> None:
        """Send what has no answer; see ``Transport``."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(wire.pack(request, given))
            self.process.stdin.flush()
        except OSError as error:
            raise WorkerDied(self._why()) from error

    def ask(
        self, request: Mapping[str, Any], deadline: float, given: wire.Arrays = ()
    ) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        """Return an answer; see ``Transport``."""
        until = time.monotonic() + deadline
        self.tell(request, given)

        def read(count: int) -> bytearray:
            while len(self.waiting) < count:
                left = until - time.monotonic()
                try:
                    chunk = self.chunks.get(timeout=max(0.0, left))
                except queue.Empty as error:
                    raise WorkerTimeout from error
                if not chunk:
                    raise WorkerDied(self._why())
                self.waiting += chunk
            found, self.waiting = self.waiting[:count], self.waiting[count:]
            return found

        return wire.unpack(read)

    def _why(self) -> str:
        try:
            self.process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._kill()
        self.readers[1].join(1.0)
        return _ending(self.process.wait(), self.tail.decode("utf-8", "replace"))

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.name == "posix":
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()

    def close(self) -> None:
        """Let go of what it holds."""
        self._kill()
        self.process.wait()
        for reader in self.readers:
            reader.join(5.0)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
