"""Local: batches, each process given what it has cached, and processes that fail. Guard's tests have the rest."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from stepcheck.processes.executor import Contradiction, Local, _Schedule

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")

Answer = tuple[str, int]
"""A job and the process that did it."""


@contextmanager
def working() -> Iterator[Callable[[str], Answer]]:
    yield lambda job: (job, os.getpid())


@contextmanager
def raising() -> Iterator[Callable[[str], Answer]]:
    def perform(job: str) -> Answer:
        if job == "c":
            raise ZeroDivisionError("planted")
        return job, os.getpid()

    yield perform


@contextmanager
def dying() -> Iterator[Callable[[str], Answer]]:
    def perform(job: str) -> Answer:
        if job == "c":
            os._exit(7)
        return job, os.getpid()

    yield perform


def test_a_process_gets_a_kind_that_it_has_done_else_one_that_none_has_else_the_first() -> None:
    def chosen(process: str, *kinds: str) -> list[int]:
        done: dict[object, set[str]] = {"own": {"adam"}, "other": {"sgd"}}
        return _Schedule([[index] for index in range(len(kinds))], list(kinds), done).next_batch(process)

    assert chosen("own", "sgd", "lion", "adam") == [2]
    assert chosen("other", "sgd", "lion", "adam") == [0]
    assert chosen("own", "sgd", "lion") == [1]
    assert chosen("own", "sgd", "sgd") == [0]
    assert chosen("own") == []


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_every_job_of_the_batches_is_done_once(processes: int) -> None:
    batches = [[0], [1, 2, 3], [], [4, 5], [6], [7]]
    answers = dict(Local(processes).run(working, "abcdefghij", batches=batches))
    assert sorted(answers) == list(range(8))
    assert all(job == "abcdefghij"[index] for index, (job, _) in answers.items())
    used = {process for _, process in answers.values()}
    assert (used == {os.getpid()}) == (processes == 1)
    assert len(used) <= processes


def test_a_batch_is_done_by_one_process_in_its_order() -> None:
    answers = list(Local(2).run(working, "abcdef", batches=[[0, 1, 2], [3, 4, 5]]))
    for batch in ({0, 1, 2}, {3, 4, 5}):
        assert len({process for index, (_, process) in answers if index in batch}) == 1
        assert [index for index, _ in answers if index in batch] == sorted(batch)


def test_what_a_job_raises_is_raised_with_the_traceback_of_its_process_as_a_note() -> None:
    with pytest.raises(ZeroDivisionError, match="planted") as stop:
        list(Local(2).run(raising, "abcd", batches=[[0, 1], [2, 3]]))
    assert any("Traceback" in note and "perform" in note for note in stop.value.__notes__)


def test_a_process_that_dies_is_a_contradiction_with_its_status() -> None:
    with pytest.raises(Contradiction, match="lost: the process exited with status 7"):
        list(Local(2).run(dying, "abcd", batches=[[0, 1], [2, 3]]))
