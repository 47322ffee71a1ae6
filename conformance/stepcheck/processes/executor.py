"""Executors: independent jobs, each taken to a process that is prepared for it.

``Local`` evaluates the cells of a certificate and does guard's jobs on this machine; ``ray_executor.Ray`` does guard's
jobs on a cluster.
"""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from stepcheck.certification.request import WrongRequest
from stepcheck.processes.pool import process_pool, received_jobs
from stepcheck_implementations.workers.exit_reason import exit_reason

T = TypeVar("T")
R = TypeVar("R")

Prepare = Callable[[], AbstractContextManager[Callable[[T], R]]]
"""Makes, in a process that does jobs, what does one: ``with prepare() as perform: answer = perform(job)``."""

_CLOSING = 5.0
"""Seconds that processes have to close what they prepared."""
_LOOK_AHEAD = 24
"""Batches among which a process' next one is chosen; with more, the classes of a library would not follow one
another."""


class Contradiction(RuntimeError):
    """stepcheck itself failed: never a defect of the subject. The message ends with a traceback or an exit status."""


class ProcessLost(Contradiction):
    """A process that did jobs was ended from outside, by hand, by what it judged, or because memory ran out."""


class Executor(Protocol):
    """What does jobs, each apart from the others; ``here`` on this machine, with its files and sockets."""

    here: bool

    def run(self, prepare: Prepare[T, R], jobs: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Yield (index in ``jobs``, answer) as answers come; what a job or ``prepare`` raises is raised as it is.

        Closing the iterator ends the jobs that are under way.
        """

    def close(self) -> None:
        """Release what it holds."""


class Local:
    """Does jobs in ``processes`` processes of this machine, which end with this one; with 1, in this one.

    At the end of a run processes have ``patience`` seconds to close what they prepared, before they are killed. Raises
    Contradiction where a process dies. Where processes cannot be forked, ``prepare`` and jobs have to be picklable, as
    they have to be for other executors.
    """

    here = True

    def __init__(self, processes: int, *, patience: float = _CLOSING) -> None:
        if processes < 1:
            raise WrongRequest(f"processes={processes}, but should be at least 1")
        self.processes, self.patience = processes, patience

    def run(
        self,
        prepare: Prepare[T, R],
        jobs: Sequence[T],
        *,
        batches: Sequence[Sequence[int]] | None = None,
        kind: Callable[[T], str] = lambda job: "",
    ) -> Generator[tuple[int, R], None, None]:
        """Yield (index, answer); see ``Executor``.

        Jobs are handed out in ``batches`` of indices, in this order (default: each job is one), and only jobs in them
        are done. Of the batches that may come next a process gets one of a ``kind`` (that of its first job) that it has
        done before, if there is one, because it has cached what that kind needs.
        """
        waiting = [list(batch) for batch in ([[index] for index in range(len(jobs))] if batches is None else batches)]
        waiting = [batch for batch in waiting if batch]
        count = min(self.processes, len(waiting))
        if count <= 1:
            if waiting:
                with prepare() as perform:
                    for index in (index for batch in waiting for index in batch):
                        yield index, perform(jobs[index])
            return
        with process_pool(partial(_serve, prepare), count, self.patience) as processes:
            schedule = _Schedule(waiting, [kind(jobs[batch[0]]) for batch in waiting])
            under_way = {pipe: self._hand_out(pipe, schedule, jobs) for pipe in processes}
            while under_way := {pipe: indices for pipe, indices in under_way.items() if indices}:
                ready = set(wait(list(under_way)))
                for pipe in [pipe for pipe in under_way if pipe in ready]:
                    index = under_way[pipe].pop(0)
                    answer = _received_answer(pipe, processes[pipe])
                    if not under_way[pipe]:
                        under_way[pipe] = self._hand_out(pipe, schedule, jobs)
                    yield index, answer

    def close(self) -> None:
        """Do nothing: the processes of a run end with it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @staticmethod
    def _hand_out(pipe: Connection, schedule: _Schedule, jobs: Sequence[Any]) -> list[int]:
        """Send the next batch down ``pipe``; return its indices, in the order in which their answers will come."""
        batch = schedule.next_batch(pipe)
        if batch:
            with contextlib.suppress(OSError):  # that the process is dead shows when its answer is awaited
                pipe.send([jobs[index] for index in batch])
        return batch


@dataclass
class _Schedule:
    """The batches that wait, the kind of each, and the kinds that each process has done."""

    waiting: list[list[int]]
    kinds: list[str]
    done: dict[object, set[str]] = field(default_factory=dict)

    def next_batch(self, process: object) -> list[int]:
        """Return the batch that ``process`` does next, empty where none waits.

        It is the first of a kind that the process has done, else of a kind that none has done, else the first.
        """
        if not self.waiting:
            return []
        own, everybodys = self.done.setdefault(process, set()), set().union(*self.done.values())
        ahead = self.kinds[:_LOOK_AHEAD]
        cached = [index for index, kind in enumerate(ahead) if kind in own]
        new = [index for index, kind in enumerate(ahead) if kind not in everybodys]
        chosen = next(iter((*cached, *new)), 0)
        own.add(self.kinds.pop(chosen))
        return self.waiting.pop(chosen)


# The protocol. A process has one pipe to its parent. The parent sends a batch, a list of jobs; the process answers each
# job with (answer, None), in their order, and then waits for the next batch. A process that fails sends (None, error)
# and ends. The parent closes the pipe to end a process; a process also ends where its parent has died (see ``pool``).


def _serve(prepare: Prepare[Any, Any], pipe: Connection) -> None:
    """Do the batches that come down ``pipe``."""
    try:
        with prepare() as perform:
            for batch in received_jobs(pipe):
                for job in batch:
                    answer = perform(job)
                    try:
                        pipe.send((answer, None))
                    except ConnectionError:  # the run was left early
                        return
    except BaseException as error:
        with contextlib.suppress(OSError):  # the parent is gone
            pipe.send((None, portable(error)))


def _received_answer(pipe: Connection, process: BaseProcess) -> Any:
    """Return the next answer of ``process``; raises what its job raised, and ProcessLost where it died."""
    try:
        answer, error = pipe.recv()
    except (EOFError, OSError) as lost:
        process.join(_CLOSING)
        raise ProcessLost(f"a process of stepcheck's own was lost: {exit_reason(process.exitcode, '')}") from lost
    if error is not None:
        raise error
    return answer


def portable(error: BaseException) -> BaseException:
    """Return ``error`` with its traceback as a note, so that it can be raised in another process.

    One that cannot be pickled becomes a Contradiction that ends with the traceback.
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
