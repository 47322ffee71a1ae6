"""Crews: processes that work for the one that started them, hear of work down a pipe each, and end with it."""

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
"""What a process does with its end of the pipe until that ends."""

_AWAKE = 1.0
"""Seconds after which an idle process looks whether its parent is still there."""


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
    """Start ``count`` processes that do ``worker_main`` with a pipe each; at the end pipes are closed, then they die.

    They have ``patience`` seconds to end by themselves, all together. They are forked, or spawned where that cannot
    be; then ``worker_main`` has to be picklable.
    """
    context: Any = multiprocessing.get_context("fork" if can_fork() else "spawn")
    parent = os.getpid()
    links: dict[Connection, BaseProcess] = {}
    gc.collect()
    gc.freeze()  # what sympy and hypothesis hold is neither scanned in the processes nor copied into them
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            inherited = [*links, ours] if can_fork() else []
            process = context.Process(target=_begin, args=(theirs, worker_main, parent, inherited), daemon=True)
            process.start()
            theirs.close()
            links[ours] = process
        gc.unfreeze()
        yield links
    finally:
        for link in links:
            link.close()
        until = time.monotonic() + patience
        for process in links.values():
            if patience:
                process.join(max(0.0, until - time.monotonic()))
            process.kill()
            process.join()


def received_jobs(link: Connection) -> Iterator[Any]:
    """Yield what comes down ``link`` until that ends or the parent has died."""
    parent = os.getppid()
    try:
        while True:
            while not link.poll(_AWAKE):
                if os.getppid() != parent:
                    return
            yield link.recv()
    except EOFError:
        return


def _begin(link: Connection, worker_main: WorkerMain, parent: int, inherited: list[Connection]) -> None:
    """Do ``worker_main``. Ctrl-C is the parent's to hear."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(*process_tree.SELDOM)
    process_tree.die_with(parent)
    for other in inherited:
        other.close()
    worker_main(link)
