"""Judge processes: cells are independent, so each judge takes the next lot of them and answers with JSON.

Judges never import torch; they share the parent's fork server by its address.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Generator, Sequence
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import msgspec

from stepcheck.certification.certificate import CellResult
from stepcheck.processes.pool import can_fork, process_pool, received_jobs, usable_cores
from stepcheck_implementations.workers.transport import WorkerError

Judge = Callable[[int], CellResult]
"""Judges the cell with this number."""

Prepare = Callable[[], contextlib.AbstractContextManager[Judge]]
"""Makes a judge in its own process."""

Kind = Callable[[int], str]
"""Says what kind of cell a number is."""

_CHOICE = 24
"""Lots among which a judge's next one is chosen; more, and classes would not follow one another."""


class Contradiction(RuntimeError):
    """A judge failed: a defect of stepcheck, never of the subject. The message ends with its traceback."""


def default_jobs(cells: int) -> int:
    """Return how many judges to run: one a usable core, at most one a cell."""
    return max(1, min(usable_cores(), cells))


def judged(
    prepare: Prepare, lots: Sequence[Sequence[int]], jobs: int, kind: Kind = lambda number: ""
) -> Generator[tuple[int, CellResult], None, None]:
    """Yield (number, result) of each cell in ``lots`` as it is judged, a lot by one of ``jobs`` processes.

    Of the lots that may come next a judge gets one of a ``kind`` that it has judged before, if there is one, for it
    keeps what it has worked out. With one job, or where processes cannot be forked, the caller's own process judges.
    Closing the iterator ends the judges. Raises Contradiction where a judge raises or dies, WorkerError where its
    workers fail.
    """
    if jobs == 1 or not can_fork():
        with prepare() as judge:
            for lot in lots:
                for number in lot:
                    yield number, judge(number)
        return
    with process_pool(partial(_serve, prepare), jobs) as links:
        waiting = [list(lot) for lot in lots if lot]
        at_work: dict[Connection, list[int]] = {}
        known: dict[Connection, set[str]] = {link: set() for link in links}
        for link in links:
            _give(link, waiting, at_work, known, kind)
        while at_work:
            ready = set(wait(list(at_work)))
            for link in [link for link in at_work if link in ready]:
                number = at_work[link].pop(0)
                result = _take(link, links[link])
                if not at_work[link]:
                    del at_work[link]
                    _give(link, waiting, at_work, known, kind)
                yield number, result


def _give(
    link: Connection,
    waiting: list[list[int]],
    at_work: dict[Connection, list[int]],
    known: dict[Connection, set[str]],
    kind: Kind,
) -> None:
    if waiting:
        lot = waiting.pop(_chosen([kind(lot[0]) for lot in waiting[:_CHOICE]], link, known))
        known[link].add(kind(lot[0]))
        with contextlib.suppress(OSError):  # a dead judge is heard of when its answer is awaited
            link.send(lot)
        at_work[link] = lot


def _chosen(kinds: Sequence[str], link: Connection, known: dict[Connection, set[str]]) -> int:
    """Return the place of the first kind that ``link``'s judge knows, else of the first that none does, else 0."""
    everybodys = set().union(*known.values())
    mine = [place for place, kind in enumerate(kinds) if kind in known[link]]
    nobodys = [place for place, kind in enumerate(kinds) if kind not in everybodys]
    return next(iter((*mine, *nobodys)), 0)


def _take(link: Connection, process: BaseProcess) -> CellResult:
    try:
        answer = link.recv_bytes()
    except (EOFError, OSError) as error:
        process.join(5.0)
        raise Contradiction(f"a judge process ended with status {process.exitcode}") from error
    if answer[:1] == b"w":
        raise WorkerError(answer[1:].decode())
    if answer[:1] == b"e":
        raise Contradiction(f"a judge process failed\n{answer[1:].decode()}")
    return msgspec.json.decode(answer[1:], type=CellResult)


def _serve(prepare: Prepare, link: Connection) -> None:
    """Judge what comes down ``link``."""
    try:
        with prepare() as judge:
            for lot in received_jobs(link):
                for number in lot:
                    link.send_bytes(b"r" + msgspec.json.encode(judge(number)))
    except BaseException as error:
        told = b"w" + str(error).encode() if isinstance(error, WorkerError) else b"e" + traceback.format_exc().encode()
        with contextlib.suppress(OSError):  # the parent is gone
            link.send_bytes(told)
