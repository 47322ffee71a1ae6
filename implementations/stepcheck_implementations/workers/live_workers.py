"""The processes of one ``Workers``: a fork server, and the few workers that are kept alive."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import OrderedDict
from pathlib import Path

from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_implementations.workers import transport
from stepcheck_implementations.workers.exit_reason import OUTPUT_TAIL
from stepcheck_implementations.workers.forked_worker import ForkedWorker, ForkServerClient
from stepcheck_implementations.workers.interpreter import Interpreter
from stepcheck_implementations.workers.spawned_worker import SpawnedWorker
from stepcheck_implementations.workers.transport import ENTRY_POINT, ForkServerGone, Transport, WorkerError
from stepcheck_reference import dataclass_codec

Key = tuple[object, ...]
"""The key of a live worker: a target, a cell, or what it is used for."""

_MOST_ALIVE = 4
"""Workers kept at a time; the one that was used longest ago is closed first."""

_NO_ACCELERATOR = dict.fromkeys(("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"), "")
"""Environment of the fork server. A step of torch.optim asks for the number of devices, and a process that has asked
must not fork workers that do (torch/csrc/cuda/Module.cpp, poison_fork)."""

_LONGEST_FOLDER = 80
"""Characters of the folder of a Unix socket, whose path has at most 104 bytes on macOS and 108 on Linux."""

_EXIT_TIMEOUT = 10.0
"""Seconds that the fork server has to end its workers and itself."""


_LISTENING = 1.0
"""Seconds within which a fork server that has made its socket listens to it."""


def can_fork() -> bool:
    """Return whether this system has all that the fork server needs."""
    return hasattr(os, "fork") and hasattr(socket, "send_fds") and sys.platform != "win32"


class LiveWorkers:
    """A fork server of its own, or the one at ``address``, and the workers that are alive.

    A fork server that has gone, because a subject killed it, is replaced by one of its own. ``interpreter`` is the
    Python that workers run in, and ``memory`` the bytes that each may use. A temporary folder holds the socket, what
    the fork server printed to standard error, and for each worker a file of 8 bytes in which it notes the step that it
    is taking.
    """

    def __init__(self, interpreter: Interpreter, address: str | None, memory: int) -> None:
        self.interpreter, self.memory = interpreter, memory
        self.fork_server: subprocess.Popen[bytes] | None = None
        self.alive: OrderedDict[Key, Transport] = OrderedDict()
        self._client: ForkServerClient | None = None
        self.replacements = 0
        """How many fork servers have been replaced."""
        self._open_cells: dict[int, tuple[Cell, str]] = {}
        self.initialized: set[tuple[int, str]] = set()
        """Workers by id, and the devices that they were initialized for."""
        parent = None if address is None else Path(address).parent
        self.folder = Path(tempfile.mkdtemp(prefix="stepcheck-", dir=parent))
        if len(str(self.folder)) > _LONGEST_FOLDER:
            shutil.rmtree(self.folder)
            self.folder = Path(tempfile.mkdtemp(prefix="stepcheck-", dir="/tmp"))
        self.address = address if address is not None else str(self.folder / "fork_server")
        if address is None and can_fork():
            self._start_fork_server()

    def _start_fork_server(self) -> None:
        with (self.folder / "stderr").open("wb") as stderr:
            self.fork_server = subprocess.Popen(
                [self.interpreter.python, "-m", ENTRY_POINT, "fork", self.address],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env={**self.interpreter.environment(), **_NO_ACCELERATOR},
                start_new_session=True,
            )

    def _replace_fork_server(self) -> None:
        """Start another fork server, of our own, once the one in use has gone; its workers have gone with it."""
        for key in [key for key, worker in self.alive.items() if isinstance(worker, ForkedWorker)]:
            self.drop(key)
        if self._client is not None:
            self._client.close()
            self._client = None
        if self.fork_server is not None:
            assert self.fork_server.stdin is not None
            self.fork_server.kill()  # it may have been stopped
            self.fork_server.wait()
            self.fork_server.stdin.close()
        self.replacements += 1
        self.address = str(self.folder / f"fork_server_{self.replacements}")
        self._start_fork_server()

    def close(self) -> None:
        """End every worker, and the fork server if it is ours."""
        for worker in self.alive.values():
            worker.close()
        self.alive.clear()
        if self._client is not None:
            self._client.close()
            self._client = None
        if self.fork_server is not None:
            assert self.fork_server.stdin is not None
            self.fork_server.stdin.close()
            try:
                self.fork_server.wait(_EXIT_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.fork_server.kill()
                self.fork_server.wait()
            self.fork_server = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def get(self, key: Key, *, spawned: bool) -> Transport:
        """Return the worker of ``key``, started where there is none."""
        worker = self.alive.get(key)
        if worker is None:
            while len(self.alive) >= _MOST_ALIVE:
                self.drop(next(iter(self.alive)))
            try:
                worker = SpawnedWorker(self.interpreter) if spawned else self._forked()
            except WorkerError as error:
                stderr = self.folder / "stderr"
                text = stderr.read_text("utf-8", "replace").strip()[-OUTPUT_TAIL:] if stderr.exists() else ""
                raise WorkerError(f"{error}: {text}" if text else str(error)) from error
            self.alive[key] = worker
        self.alive.move_to_end(key)
        return worker

    def _forked(self) -> ForkedWorker:
        try:
            return ForkedWorker(self._connected(), self.memory)
        except ForkServerGone:
            self._replace_fork_server()
            return ForkedWorker(self._connected(), self.memory)

    def drop(self, key: Key) -> None:
        """End the worker of ``key``, if there is one."""
        worker = self.alive.pop(key, None)
        if worker is not None:
            self._open_cells.pop(id(worker), None)
            self.initialized = {entry for entry in self.initialized if entry[0] != id(worker)}
            worker.close()
            with contextlib.suppress(OSError):
                self._step_file(key).unlink(missing_ok=True)

    def open_cell(self, key: Key, adapter: Adapter, cell: Cell, adapter_json: str) -> None:
        """Tell the worker of ``key`` which cell the requests that follow are about, unless it knows.

        ``adapter_json`` is ``adapter`` as text, to compare.
        """
        worker, path = self.alive[key], self._step_file(key)
        if self._open_cells.get(id(worker)) == (cell, adapter_json):
            return
        if not path.exists():
            path.write_bytes(bytes(8))
        message = {"ask": "open", "adapter": dataclass_codec.encode(adapter), "cell": dataclass_codec.encode(cell)}
        worker.send({**message, "reached": str(path)})
        self._open_cells[id(worker)] = (cell, adapter_json)

    def step_reached(self, key: Key) -> int:
        """Return the number of the step that the worker of ``key`` was taking last, 0 where it took none."""
        try:
            return int(struct.unpack("<q", self._step_file(key).read_bytes())[0])
        except (OSError, struct.error):
            return 0

    def _step_file(self, key: Key) -> Path:
        return self.folder / f"reached-{abs(hash(key)):x}"

    def _connected(self) -> ForkServerClient:
        if self._client is None:
            began = time.monotonic()
            until = began + transport.START_TIMEOUT
            while True:
                try:
                    self._client = ForkServerClient(self.address)
                    break
                except (FileNotFoundError, ConnectionRefusedError) as error:
                    ended = self.fork_server is not None and self.fork_server.poll() is not None
                    if ended or time.monotonic() > until:
                        raise WorkerError("the fork server did not start") from error
                    refused = isinstance(error, ConnectionRefusedError) and time.monotonic() > began + _LISTENING
                    if self.fork_server is None and (refused or not os.path.exists(os.path.dirname(self.address))):
                        raise ForkServerGone("the fork server has ended") from error
                    time.sleep(0.01)
        return self._client
