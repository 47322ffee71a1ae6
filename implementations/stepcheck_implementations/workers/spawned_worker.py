"""A worker that is a process of its own, on pipes: for accelerators, compiled mode and systems without fork."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from typing import Any

from stepcheck_implementations.workers import wire
from stepcheck_implementations.workers.exit_reason import OUTPUT_TAIL, exit_reason
from stepcheck_implementations.workers.interpreter import Interpreter
from stepcheck_implementations.workers.transport import (
    ENTRY_POINT,
    Answer,
    WorkerDied,
    WorkerTimeout,
)


class SpawnedWorker:
    """A worker started for itself, which is kept from one cell to the next because it takes seconds to start.

    Two threads read its pipes, so that neither a flood of output nor a timeout on Windows, where pipes have none, can
    block the parent.
    """

    def __init__(self, interpreter: Interpreter) -> None:
        self.process = subprocess.Popen(
            [interpreter.python, "-m", ENTRY_POINT, "pipe"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=interpreter.environment(),
            start_new_session=os.name == "posix",
        )
        self.chunks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.buffer = bytearray()
        self.output = b""
        self.file = ""
        self.threads = [
            threading.Thread(target=self._read_answers, daemon=True),
            threading.Thread(target=self._read_output, daemon=True),
        ]
        for thread in self.threads:
            thread.start()

    def _read_answers(self) -> None:
        assert self.process.stdout is not None
        while chunk := os.read(self.process.stdout.fileno(), 1 << 16):
            self.chunks.put(chunk)
        self.chunks.put(b"")

    def _read_output(self) -> None:
        assert self.process.stderr is not None
        while chunk := os.read(self.process.stderr.fileno(), 1 << 16):
            self.output = (self.output + chunk)[-OUTPUT_TAIL:]

    def send(self, message: Mapping[str, Any], arrays: wire.Arrays = ()) -> None:
        """Send what has no answer; see ``Transport``."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(wire.pack(message, arrays))
            self.process.stdin.flush()
        except OSError as error:
            raise WorkerDied(self._exit_reason()) from error

    def request(
        self, message: Mapping[str, Any], timeout: float, arrays: wire.Arrays = (), most: int = wire.MOST
    ) -> Answer:
        """Return the answer to ``message``; see ``Transport``."""
        until = time.monotonic() + timeout
        self.send(message, arrays)

        def read(count: int) -> bytearray:
            while len(self.buffer) < count:
                try:
                    chunk = self.chunks.get(timeout=max(0.0, until - time.monotonic()))
                except queue.Empty as error:
                    raise WorkerTimeout from error
                if not chunk:
                    raise WorkerDied(self._exit_reason())
                self.buffer += chunk
            data, self.buffer = self.buffer[:count], self.buffer[count:]
            return data

        return wire.unpack(read, most)

    def _exit_reason(self) -> str:
        try:
            self.process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._kill()
        self.threads[1].join(1.0)
        return exit_reason(self.process.wait(), self.output.decode("utf-8", "replace"), self.file)

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.name == "posix":
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()

    def close(self) -> None:
        """Kill the worker and close its pipes."""
        self._kill()
        self.process.wait()
        for thread in self.threads:
            thread.join(5.0)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
