"""The process that forks workers; nothing of a subject's code ever runs in it.

``python -m stepcheck_implementations.workers.fork_server fork SOCKET`` is the fork server. ``... fork_server pipe`` is
one worker on standard input and output (``worker_process.run_spawned_worker``).
"""

# The process protocol
#
# Why a fork server. A worker needs torch, whose import costs over a second, and the first optimizer of a process as
# much again; a crash or a hang must take down neither the parent nor the next script. So one process imports torch,
# takes a step (``import_torch``) and from then on only forks: a fork and a step take some ten milliseconds. It has one
# thread, because a child has no other threads and inherits the locks that they held. It never asks for accelerators,
# because CUDA does not survive a fork (torch/csrc/cuda/Module.cpp, poison_fork); devices, torch.compile, whose
# compiler runs in threads and processes, and systems without fork get spawned workers instead.
#
# Who speaks with whom. Clients (``ForkServerClient``) connect to the Unix socket SOCKET; one of them started this
# process, others may be processes that were handed its address. Messages are lines of JSON.
#   client to server   {"request": "fork", "memory": bytes that the worker may use}, with one end of a socket pair as
#                      ancillary data (SCM_RIGHTS)
#                      {"request": "kill", "pid": P}
#   server to client   {"forked": P} or {"failed": why} for every "fork", in order
#                      {"ended": P, "status": exit code or minus the signal, "tail": what it printed last}
# A worker then speaks frames (``wire``) over its socket pair, with its client alone. Its standard output and error go
# into a pipe that this process reads, so that a flood of output fills neither memory nor disk.
#
# How an end is heard of. SIGCHLD writes a byte into a wake-up pipe that the event loop selects on. ``waitid`` with
# WNOWAIT finds who ended and leaves a zombie, so that its process group, which its own children are in, can be killed
# before the id is free for another process; only then is it waited for and reported.
#
# Nothing is orphaned. On Linux this process is the subreaper of all that workers start (``adopt_orphans``), so that
# what left its session in a daemon's way becomes its child and is killed with the worker. A client that disconnects, by
# its own death too, has its workers killed. Standard input ends when the process that started this one is gone, however
# it went: then everything is killed and the socket's folder removed; workers ask the kernel for SIGKILL at the death of
# this process (PR_SET_PDEATHSIG).

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import socket
import sys
from dataclasses import dataclass, field

from stepcheck_implementations.workers import process_tree
from stepcheck_implementations.workers.exit_reason import OUTPUT_TAIL
from stepcheck_implementations.workers.inside import worker_process

_READS_AT_EXIT = 64
"""Times 64 KiB that are read of what an ended worker has left in its pipe."""


def main(arguments: list[str]) -> int:
    """Run as ``arguments`` say; return the exit status."""
    if arguments[:1] == ["fork"] and len(arguments) == 2:
        _ForkServer(arguments[1]).run()
        return 0
    if arguments == ["pipe"]:
        worker_process.run_spawned_worker()
        return 0
    print("usage: fork_server fork SOCKET | fork_server pipe", file=sys.stderr)
    return 2


@dataclass(eq=False)
class _Client:
    """A connection; ``descriptors`` were received with requests to fork that are not complete yet."""

    connection: socket.socket
    buffer: bytes = b""
    descriptors: list[int] = field(default_factory=list)


@dataclass(eq=False)
class _Worker:
    """A worker, and the end of the pipe that takes what it prints."""

    pid: int
    client: _Client
    output: int
    tail: bytes = b""


class _ForkServer:
    """The event loop around fork."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.selector = selectors.DefaultSelector()
        self.workers: dict[int, _Worker] = {}
        self.clients: list[_Client] = []

    def run(self) -> None:
        """Serve until standard input ends."""
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.address)
        self.listener.listen(64)
        process_tree.adopt_orphans()
        worker_process.import_torch()
        wake_read, wake_write = os.pipe()
        for end in (wake_read, wake_write):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        self.wake = (wake_read, wake_write)
        self.selector.register(0, selectors.EVENT_READ, None)
        self.selector.register(self.listener, selectors.EVENT_READ, self._accept)
        self.selector.register(wake_read, selectors.EVENT_READ, self._reap)
        try:
            while True:
                for key, _ in self.selector.select():
                    if key.data is None:
                        if not os.read(0, 4096):
                            shutil.rmtree(os.path.dirname(self.address), ignore_errors=True)
                            return
                    elif callable(key.data):
                        key.data()
                    elif isinstance(key.data, _Worker):
                        if self.workers.get(key.data.pid) is key.data:  # else it was reaped a moment ago
                            self._read_output(key.data)
                    elif key.data in self.clients:
                        self._receive(key.data)
        finally:
            for pid in self.workers:
                process_tree.kill(pid)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)
            self.workers.clear()
            self._kill_orphans()

    def _accept(self) -> None:
        connection, _ = self.listener.accept()
        client = _Client(connection)
        self.clients.append(client)
        self.selector.register(connection, selectors.EVENT_READ, client)

    def _receive(self, client: _Client) -> None:
        """Read requests of ``client`` and serve them."""
        try:
            data, descriptors, _, _ = socket.recv_fds(client.connection, 4096, 8)
        except OSError:
            data, descriptors = b"", []
        client.descriptors += descriptors
        if not data:
            self._disconnect(client)
            return
        *lines, client.buffer = (client.buffer + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if message["request"] == "fork":
                self._fork(client, client.descriptors.pop(0), message["memory"])
            elif message["pid"] in self.workers:
                process_tree.kill(message["pid"])

    def _disconnect(self, client: _Client) -> None:
        """Kill the workers of a client that is gone."""
        for worker in list(self.workers.values()):
            if worker.client is client:
                process_tree.kill(worker.pid)
        for descriptor in client.descriptors:
            os.close(descriptor)
        with contextlib.suppress(KeyError):
            self.selector.unregister(client.connection)
        client.connection.close()
        self.clients.remove(client)

    def _send(self, client: _Client, **message: object) -> None:
        with contextlib.suppress(OSError):
            client.connection.sendall(json.dumps(message).encode() + b"\n")

    def _fork(self, client: _Client, descriptor: int, memory: int) -> None:
        """Fork a worker that serves the socket ``descriptor``, and may use ``memory`` bytes."""
        parent = os.getpid()
        try:
            output, printed = os.pipe()
            os.set_blocking(output, False)
            inherited = self._descriptors() | {output}
            pid = os.fork()
        except OSError as error:
            os.close(descriptor)
            self._send(client, failed=str(error))
            return
        if pid == 0:
            self.selector.close()
            worker_process.run_forked_worker(descriptor, printed, inherited, parent, memory)
        os.close(printed)
        os.close(descriptor)
        worker = _Worker(pid, client, output)
        self.workers[pid] = worker
        self.selector.register(output, selectors.EVENT_READ, worker)
        self._send(client, forked=pid)

    def _descriptors(self) -> set[int]:
        """Return the open descriptors of this process that a worker must not hold on to."""
        clients = {client.connection.fileno() for client in self.clients}
        received = {descriptor for client in self.clients for descriptor in client.descriptors}
        outputs = {worker.output for worker in self.workers.values()}
        return {self.listener.fileno(), *self.wake} | clients | received | outputs

    def _read_output(self, worker: _Worker) -> bool:
        """Keep the last of what a worker printed; return whether there may be more now."""
        try:
            data = os.read(worker.output, 1 << 16)
        except BlockingIOError:
            return False
        worker.tail = (worker.tail + data)[-OUTPUT_TAIL:]
        if not data:
            with contextlib.suppress(KeyError):
                self.selector.unregister(worker.output)
        return bool(data)

    def _kill_orphans(self) -> None:
        """Kill what a dead worker has left behind in a session of its own."""
        while orphans := [pid for pid in process_tree.children() if pid not in self.workers]:
            for pid in orphans:
                process_tree.kill(pid)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)

    def _reap(self) -> None:
        """Report every worker that has ended, and kill what it started."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.wake[0], 4096)
        for pid, worker in list(self.workers.items()):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            process_tree.kill(pid)  # what it started; the group lives until its leader is waited for
            _, status = os.waitpid(pid, 0)
            for _ in range(_READS_AT_EXIT):
                if not self._read_output(worker):
                    break
            with contextlib.suppress(KeyError):
                self.selector.unregister(worker.output)
            os.close(worker.output)
            del self.workers[pid]
            self._kill_orphans()
            tail = worker.tail.decode("utf-8", "replace")
            self._send(worker.client, ended=pid, status=os.waitstatus_to_exitcode(status), tail=tail)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
