"""Inside a worker process: from a fresh fork or a fresh interpreter to the loop that serves requests."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import os
import queue
import signal
import socket
import sys
import threading
from collections.abc import Iterable
from typing import BinaryIO, NoReturn

from stepcheck_implementations.driver import memory_limit
from stepcheck_implementations.driver.error_text import one_line
from stepcheck_implementations.workers import process_tree, wire


def import_torch() -> None:
    """Import torch and all that a worker needs, and take a step on each path, so that no worker has to."""
    import torch

    from stepcheck_implementations.adapters.adapter import Adapter, Cell
    from stepcheck_implementations.driver.error_text import let_nothing_through
    from stepcheck_implementations.matching.claim import Claim
    from stepcheck_implementations.recorder.recording import Recording
    from stepcheck_implementations.workers.inside import serve
    from stepcheck_reference import dataclass_codec
    from stepcheck_reference.scripts.trajectory import Trajectory

    del serve
    dataclass_codec.prepare(Adapter, Cell, Claim, Trajectory, Recording)
    let_nothing_through()
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
    gc.freeze()  # a collection in a worker would write into, and so copy, pages that all workers share
    gc.set_threshold(*process_tree.RARE_COLLECTIONS)


def run_forked_worker(descriptor: int, printed: int, inherited: Iterable[int], parent: int, memory: int) -> NoReturn:
    """Turn this fork into a worker that serves the socket ``descriptor`` and prints into ``printed``.

    ``inherited`` are descriptors of the fork server, which are closed here; ``parent`` is its process id, and
    ``memory`` the bytes that this process may use.
    """
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        process_tree.die_with(parent)
        for other in inherited:
            with contextlib.suppress(OSError):
                os.close(other)
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        os.dup2(printed, 1)
        os.dup2(printed, 2)
        os.close(empty)
        os.close(printed)
        with contextlib.suppress(AttributeError, ValueError):
            sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        faulthandler.enable(2)
        memory_limit.limit(memory)
        from stepcheck_implementations.workers.inside.serve import serve

        connection = socket.socket(fileno=descriptor)
        serve(wire.reader(connection.recv_into), _sent_once(connection.sendall))
        status = 0
    except BaseException as error:  # the subject has taken away what this process needs to answer
        with contextlib.suppress(BaseException):
            print(f"its process could not answer: {one_line(error)}", file=sys.stderr)
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def run_spawned_worker() -> None:
    """Serve requests on standard input and output, and print to standard error, until the parent is gone."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    faulthandler.enable()
    chunks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(requests, chunks), daemon=True).start()
    buffer = bytearray()

    def read(count: int) -> bytearray:
        nonlocal buffer
        while len(buffer) < count:
            buffer += chunks.get()
        data, buffer = buffer[:count], buffer[count:]
        return data

    def write(frame: bytes) -> None:
        answers.write(frame)
        answers.flush()

    from stepcheck_implementations.workers.inside.serve import serve

    serve(read, _sent_once(write))


def _receive(requests: BinaryIO, chunks: queue.SimpleQueue[bytes]) -> None:
    """Hand on what the parent sends; when it is gone this process ends, whatever a subject is doing in it."""
    while True:
        chunk = os.read(requests.fileno(), 1 << 16)
        if not chunk:
            if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
                os.killpg(os.getpid(), signal.SIGKILL)
            os._exit(0)
        chunks.put(chunk)


def _sent_once(send: wire.Send) -> wire.Send:
    """Return ``send`` for this process alone.

    A subject may fork inside its step; its child comes back from the step too, and would send a second answer.
    """
    worker = os.getpid()

    def send_or_exit(frame: bytes) -> None:
        if os.getpid() != worker:
            os._exit(0)
        send(frame)

    return send_or_exit
