"""Jobs for executors, importable from any process."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stepcheck.guard.environments.environment import Unavailable


class Unportable(RuntimeError):
    """An error that pickle cannot make anew."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(one + other)


@contextmanager
def prepared(log: str) -> Iterator[Callable[[int], tuple[int, int]]]:
    """Note in the folder ``log`` that this process prepares and ends; a job is answered with its square and process."""
    Path(log, f"opened-{os.getpid()}").touch(exist_ok=False)
    yield squared
    Path(log, f"closed-{os.getpid()}").touch()


@contextmanager
def unprepared() -> Iterator[Callable[[int], int]]:
    raise Unavailable("9.9.9", "planted")
    yield


def squared(job: int) -> tuple[int, int]:
    time.sleep(0.05)
    return job * job, os.getpid()


@contextmanager
def refusing() -> Iterator[Callable[[int], int]]:
    yield refuse


def refuse(job: int) -> int:
    if job == 2:
        raise Unavailable("2.0.0", "planted")
    return job


@contextmanager
def unportable() -> Iterator[Callable[[int], int]]:
    yield fail


def fail(job: int) -> int:
    raise Unportable("plan", "ted")


@contextmanager
def dying() -> Iterator[Callable[[int], int]]:
    yield die


def die(job: int) -> int:
    if job == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return job


@contextmanager
def dying_once(log: str) -> Iterator[Callable[[int], int]]:
    """Job 2 kills its process the first time, and is answered the second."""

    def perform(job: int) -> int:
        if job == 2 and not Path(log, "died").exists():
            Path(log, "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return job

    yield perform
