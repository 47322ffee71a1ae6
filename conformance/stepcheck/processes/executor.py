"""Executors: cells are independent jobs, and an executor takes each to a process that is prepared for it."""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from stepcheck.certification.request import WrongRequest
from stepcheck.processes.judges import Contradiction
from stepcheck.processes.pool import process_pool, received_jobs

T = TypeVar("T")
R = TypeVar("R")

Prepare = Callable[[], AbstractContextManager[Callable[[T], R]]]
"""Makes, in a process that does jobs, what does one: ``with prepare() as perform: answer = perform(job)``."""

_ENDING = 5.0
"""Seconds that processes have to close what they prepared."""


class Executor(Protocol):
    """What does jobs, each apart from the others; ``here`` on this machine, with its files and sockets."""

    here: bool

    def run(self, prepare: Prepare[T, R], jobs: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Yield (place in ``jobs``, answer) as answers come; what a job or ``prepare`` raises is raised as it is.

        Closing the iterator ends the jobs that are under way.
        """

    def close(self) -> None:
        """Let go of what it holds."""


class Local:
    """Does jobs in ``processes`` processes of this machine, which end with this one; with 1, in this one.

    Raises Contradiction where a process dies. Where processes cannot be forked, ``prepare`` and jobs have to be
    picklable, as they have to be for other executors.
    """

    here = True

    def __init__(self, processes: int) -> None:
        if processes < 1:
            raise WrongRequest(f"processes={processes}, but should be at least 1")
        self.processes = processes

    def run(self, prepare: Prepare[T, R], jobs: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Yield (place, answer); see ``Executor``."""
        count = min(self.processes, len(jobs))
        if count <= 1:
            if jobs:
                with prepare() as perform:
                    for place, job in enumerate(jobs):
                        yield place, perform(job)
            return
        with process_pool(partial(_serve, prepare), count, _ENDING) as links:
            waiting = list(enumerate(jobs))[::-1]
            at_work: dict[Connection, int] = {}

            def give(link: Connection) -> None:
                if waiting:
                    at_work[link], job = waiting.pop()
                    with contextlib.suppress(OSError):  # a dead process is heard of when its answer is awaited
                        link.send(job)

            for link in links:
                give(link)
            while at_work:
                ready = set(wait(list(at_work)))
                for link in [link for link in at_work if link in ready]:
                    place = at_work.pop(link)
                    try:
                        answer, failure = link.recv()
                    except (EOFError, OSError) as error:
                        links[link].join(_ENDING)
                        status = links[link].exitcode
                        raise Contradiction(f"a process that did jobs ended with status {status}") from error
                    if failure is not None:
                        raise failure
                    give(link)
                    yield place, answer

    def close(self) -> None:
        """Let go of nothing: the processes of a run end with it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def portable(error: BaseException) -> BaseException:
    """Return ``error`` with its traceback as a note, so that it can be raised in another process.

    One that cannot be taken there becomes a Contradiction that ends with the traceback.
    """
    trace = "".join(traceback.format_exception(error)).rstrip()
    error.add_note(f"raised in another process:\n{trace}")
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return Contradiction(f"a job failed in another process\n{trace}")
    return error


def shard_of(text: str) -> tuple[int, int]:
    """Return (I, N) of "I/N"; raises WrongRequest unless 1 <= I <= N."""
    numbers = text.split("/")
    if len(numbers) == 2 and all(number.isascii() and number.isdecimal() for number in numbers):
        part, parts = int(numbers[0]), int(numbers[1])
        if 1 <= part <= parts:
            return part, parts
    raise WrongRequest(f"shard={text}, but should be I/N with 1 <= I <= N")


def shard(jobs: Sequence[T], text: str, cell: Callable[[T], str]) -> list[T]:
    """Return the jobs of shard "I/N", in their order: those whose ``cell`` has this shard by its name alone.

    So every job is in one shard of N, and a new job moves no other. Raises WrongRequest unless 1 <= I <= N.
    """
    part, parts = shard_of(text)
    return [job for job in jobs if _hash(cell(job)) % parts == part - 1]


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def _serve(prepare: Prepare[Any, Any], link: Connection) -> None:
    """Do the jobs that come down ``link``."""
    try:
        with prepare() as perform:
            for job in received_jobs(link):
                answer = perform(job)
                try:
                    link.send((answer, None))
                except ConnectionError:  # the run was left early
                    return
    except BaseException as error:
        with contextlib.suppress(OSError):  # the parent is gone
            link.send((None, portable(error)))
