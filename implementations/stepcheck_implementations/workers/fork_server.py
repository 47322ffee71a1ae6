"""The processes that run a stranger's code; nothing of it ever runs in the template itself.

``python -m stepcheck_implementations.workers.fork_server fork SOCKET``: imports torch once, single-threaded, and forks
a worker for every request on a Unix socket. A client opens a connection and sends, with the file descriptor
of a socket, a line asking to fork; the worker serves that socket. The template answers with a line of JSON when the
worker is there, and another with its wait status and the last it printed when it has ended. It goes when its
standard input ends, and its workers with it.

``python -m stepcheck_implementations.workers.fork_server pipe``: one worker on standard input and output, for devices
that do not survive a fork, for compiled mode, and for platforms without fork.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import json
import os
import queue
import selectors
import shutil
import signal
import socket
import sys
import threading
from dataclasses import dataclass, field
from typing import BinaryIO

from stepcheck_implementations.workers import process_tree

TAIL = 4000
"""Bytes of a worker's output that are kept."""


def main(arguments: list[str]) -> int:
    """Run as ``arguments`` say; return the exit status."""
    if arguments[:1] == ["fork"] and len(arguments) == 2:
        _Template(arguments[1]).loop()
        return 0
    if arguments == ["pipe"]:
        _pipe()
        return 0
    print("usage: template fork SOCKET | template pipe", file=sys.stderr)
    return 2


def _pipe() -> None:
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    faulthandler.enable()
    chunks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_drain, args=(requests, chunks), daemon=True).start()
    waiting = bytearray()

    def read(count: int) -> bytearray:
        nonlocal waiting
        while len(waiting) < count:
            waiting += chunks.get()
        found, waiting = waiting[:count], waiting[count:]
        return found

    worker = os.getpid()

    def send(frame: bytes) -> None:
        if os.getpid() != worker:  # a child that the subject has forked, and that came back from its step too
            os._exit(0)
        answers.write(frame)
        answers.flush()

    from stepcheck_implementations.workers.serve import serve

    serve(read, send)


def _drain(source: BinaryIO, chunks: queue.SimpleQueue[bytes]) -> None:
    """Hand on what comes; when the other end is gone so is this process, whatever it is doing."""
    while True:
        chunk = os.read(source.fileno(), 1 << 16)
        if not chunk:
            if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
                os.killpg(os.getpid(), signal.SIGKILL)
            os._exit(0)
        chunks.put(chunk)


@dataclass(eq=False)
class _Client:
    """A connection, and the workers forked for it."""

    connection: socket.socket
    waiting: bytes = b""
    descriptors: list[int] = field(default_factory=list)


@dataclass(eq=False)
class _Worker:
    """A worker and the end of the pipe that takes what it prints."""

    pid: int
    client: _Client
    output: int
    tail: bytes = b""


class _Template:
    """The event loop around fork."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.selector = selectors.DefaultSelector()
        self.workers: dict[int, _Worker] = {}
        self.clients: list[_Client] = []

    def loop(self) -> None:
        """Serve until standard input ends."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(self.address)
        listener.listen(64)
        self.listener = listener
        process_tree.adopt()
        _warm()
        wake_read, wake_write = os.pipe()
        for end in (wake_read, wake_write):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        self.wake = (wake_read, wake_write)
        self.selector.register(0, selectors.EVENT_READ, None)
        self.selector.register(listener, selectors.EVENT_READ, self._accept)
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
                            self._listen(key.data)
                    elif key.data in self.clients:
                        self._hear(key.data)
        finally:
            for pid in self.workers:
                process_tree.kill(pid)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)
            self.workers.clear()
            self._orphans()

    def _accept(self) -> None:
        connection, _ = self.listener.accept()
        client = _Client(connection)
        self.clients.append(client)
        self.selector.register(connection, selectors.EVENT_READ, client)

    def _hear(self, client: _Client) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(client.connection, 4096, 8)
        except OSError:
            data, descriptors = b"", []
        client.descriptors += descriptors
        if not data:
            self._leave(client)
            return
        *lines, client.waiting = (client.waiting + data).split(b"\n")
        for line in lines:
            request = json.loads(line)
            if request["ask"] == "fork":
                self._fork(client, client.descriptors.pop(0))
            elif request["pid"] in self.workers:
                process_tree.kill(request["pid"])

    def _leave(self, client: _Client) -> None:
        for worker in list(self.workers.values()):
            if worker.client is client:
                process_tree.kill(worker.pid)
        for descriptor in client.descriptors:
            os.close(descriptor)
        with contextlib.suppress(KeyError):
            self.selector.unregister(client.connection)
        client.connection.close()
        self.clients.remove(client)

    def _tell(self, client: _Client, **message: object) -> None:
        with contextlib.suppress(OSError):
            client.connection.sendall(json.dumps(message).encode() + b"\n")

    def _fork(self, client: _Client, descriptor: int) -> None:
        template = os.getpid()
        try:
            output, printed = os.pipe()
            os.set_blocking(output, False)
            pid = os.fork()
        except OSError as error:
            os.close(descriptor)
            self._tell(client, failed=str(error))
            return
        if pid == 0:
            _become_worker(self, descriptor, printed, template)
        os.close(printed)
        os.close(descriptor)
        worker = _Worker(pid, client, output)
        self.workers[pid] = worker
        self.selector.register(output, selectors.EVENT_READ, worker)
        self._tell(client, forked=pid)

    def _listen(self, worker: _Worker) -> bool:
        """Keep the last of what a worker printed; return whether there may be more now."""
        try:
            data = os.read(worker.output, 1 << 16)
        except BlockingIOError:
            return False
        worker.tail = (worker.tail + data)[-TAIL:]
        if not data:
            with contextlib.suppress(KeyError):
                self.selector.unregister(worker.output)
        return bool(data)

    def _orphans(self) -> None:
        """Kill what a dead worker has left behind in a session of its own."""
        while orphans := [pid for pid in process_tree.children() if pid not in self.workers]:
            for pid in orphans:
                process_tree.kill(pid)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self.wake[0], 4096)
        for pid, worker in list(self.workers.items()):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            process_tree.kill(pid)  # what it started; the group lives until its leader is waited for
            _, status = os.waitpid(pid, 0)
            for _ in range(64):
                if not self._listen(worker):
                    break
            with contextlib.suppress(KeyError):
                self.selector.unregister(worker.output)
            os.close(worker.output)
            del self.workers[pid]
            self._orphans()
            self._tell(
                worker.client,
                ended=pid,
                status=os.waitstatus_to_exitcode(status),
                tail=worker.tail.decode("utf-8", "replace"),
            )


def _warm() -> None:
    """Import torch and build one optimizer, so that no worker has to."""
    import torch

    from stepcheck_implementations.driver import execution
    from stepcheck_implementations.matching import inspection
    from stepcheck_implementations.workers import serve

    del execution, inspection, serve
    torch.set_num_threads(1)
    parameter = torch.nn.Parameter(torch.ones(2))
    for options in ({"foreach": False}, {"foreach": True}, {"fused": True}):
        try:
            optimizer = torch.optim.AdamW([parameter], **options)  # type: ignore[arg-type]
        except RuntimeError:  # before 2.4 there is no fused path on the CPU
            continue
        parameter.grad = torch.ones(2)
        optimizer.step()
        optimizer.load_state_dict(optimizer.state_dict())
    gc.collect()
    gc.freeze()
    gc.set_threshold(*process_tree.SELDOM)


def _become_worker(template: _Template, descriptor: int, printed: int, parent: int) -> None:
    """Turn this fork into a worker; does not return."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        process_tree.die_with(parent)
        keep = {descriptor, printed}
        others = {template.listener.fileno(), *template.wake, *(c.connection.fileno() for c in template.clients)}
        others |= {worker.output for worker in template.workers.values()}
        others |= {d for client in template.clients for d in client.descriptors}
        template.selector.close()
        for other in others - keep:
            with contextlib.suppress(OSError):
                os.close(other)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(printed, 1)
        os.dup2(printed, 2)
        os.close(nothing)
        os.close(printed)
        with contextlib.suppress(AttributeError, ValueError):
            sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        faulthandler.enable(2)
        from stepcheck_implementations.workers.serve import serve

        link = socket.socket(fileno=descriptor)

        def read(count: int) -> bytearray:
            found = bytearray(count)
            view, have = memoryview(found), 0
            while have < count:
                got = link.recv_into(view[have:])
                if got == 0:
                    raise EOFError
                have += got
            return found

        worker = os.getpid()

        def send(frame: bytes) -> None:
            if os.getpid() != worker:  # a child that the subject has forked, and that came back from its step too
                os._exit(0)
            link.sendall(frame)

        serve(read, send)
        status = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
