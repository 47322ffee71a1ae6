"""The process pool: processes that work for the one that started them, get jobs down a pipe each, and end with it.

Who ends whom: the parent ends a process by closing its pipe, and kills it after its patience. A process whose parent
has died ends by itself: the kernel kills it (Linux), and an idle one looks once a second whether its parent is still
there. Ctrl-C, and SIGHUP where a terminal is closed, reach the whole process group; only the parent acts on them, so
that what has been computed is reported once, and the processes end with it.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Generator, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from stepcheck_implementations.workers import process_tree

WorkerMain = Callable[[Connection], None]
"""What a process does with its end of the pipe until that is closed."""

_LEFT_TO_PARENT = ("SIGINT", "SIGTERM", "SIGHUP")
"""Signals that end a run."""

_PARENT_CHECK = 1.0
"""Seconds between two looks of an idle process whether its parent is still there."""


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def can_fork() -> bool:
    """Whether processes can be forked here."""
    return "fork" in multiprocessing.get_all_start_methods()


@contextlib.contextmanager
def process_pool(
    worker_main: WorkerMain, count: int, patience: float = 0.0
) -> Generator[dict[Connection, BaseProcess], None, None]:
    """Start ``count`` processes that do ``worker_main`` with a pipe each; at the end close the pipes and kill them.

    They have ``patience`` seconds in between to end by themselves, all together. They are forked, or spawned where that
    cannot be; then ``worker_main`` has to be picklable.
    """
    context: Any = multiprocessing.get_context("fork" if can_fork() else "spawn")
    parent = os.getpid()
    processes: dict[Connection, BaseProcess] = {}
    gc.collect()
    gc.freeze()  # what sympy and hypothesis hold is neither scanned in the processes nor copied into them
    try:
        for _ in range(count):
            own_end, far_end = context.Pipe()
            # A forked process inherits the parent's ends of all pipes so far. While it keeps one open, closing it in
            # the parent would not end the process at its other end; so it closes them first.
            inherited = [*processes, own_end] if can_fork() else []
            process = context.Process(target=_begin, args=(far_end, worker_main, parent, inherited), daemon=True)
            process.start()
            far_end.close()
            processes[own_end] = process
        gc.unfreeze()
        yield processes
    finally:
        for pipe in processes:
            pipe.close()
        until = time.monotonic() + patience
        for process in processes.values():
            if patience:
                process.join(max(0.0, until - time.monotonic()))
            process.kill()
            process.join()


def received_jobs(pipe: Connection) -> Iterator[Any]:
    """Yield what comes down ``pipe`` until that is closed or the parent has died."""
    parent = os.getppid()
    try:
        while True:
            while not pipe.poll(_PARENT_CHECK):
                if os.getppid() != parent:
                    return
            yield pipe.recv()
    except (EOFError, ConnectionError):  # it is reset where the parent closed it with an answer unread
        return


def _begin(pipe: Connection, worker_main: WorkerMain, parent: int, inherited: list[Connection]) -> None:
    """Do ``worker_main`` in a process that leaves signals to ``parent`` and dies with it."""
    for name in _LEFT_TO_PARENT:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    gc.set_threshold(*process_tree.RARE_COLLECTIONS)
    process_tree.die_with(parent)
    for other in inherited:
        other.close()
    worker_main(pipe)
