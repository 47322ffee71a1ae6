"""Judge processes: every cell once, and a judge that fails is stepcheck's own contradiction."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from stepcheck.certification.certificate import CellResult
from stepcheck.processes.judges import Contradiction, Judge, _chosen, default_jobs, judged
from stepcheck_reference.verdict import Verdict

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="judges are forked")


def result(number: int) -> CellResult:
    return CellResult(
        id=str(number),
        configuration="default",
        mode="single",
        dtype="float32",
        device="cpu",
        rule="adam",
        verdict=Verdict.HOLDS,
        reason=str(os.getpid()),
    )


@contextmanager
def working() -> Iterator[Judge]:
    yield result


@contextmanager
def raising() -> Iterator[Judge]:
    def judge(number: int) -> CellResult:
        if number == 2:
            raise ZeroDivisionError("planted")
        return result(number)

    yield judge


@contextmanager
def dying() -> Iterator[Judge]:
    def judge(number: int) -> CellResult:
        if number == 2:
            os._exit(7)
        return result(number)

    yield judge


def test_a_judge_gets_a_kind_it_knows_else_one_that_nobody_does_else_the_first() -> None:
    mine, other = object(), object()
    known = {mine: {"adam"}, other: {"sgd"}}
    assert _chosen(["sgd", "lion", "adam"], mine, known) == 2
    assert _chosen(["sgd", "lion", "adam"], other, known) == 0
    assert _chosen(["sgd", "lion"], mine, known) == 1
    assert _chosen(["sgd", "sgd"], mine, known) == 0


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_every_cell_is_judged_once(jobs: int) -> None:
    seen = dict(judged(working, [[0], [1, 2, 3], [], [4, 5], [6], [7]], jobs))
    assert sorted(seen) == list(range(8))
    assert all(entry.id == str(number) for number, entry in seen.items())
    processes = {entry.reason for entry in seen.values()}
    assert (processes == {str(os.getpid())}) == (jobs == 1)
    assert len(processes) <= jobs


def test_a_judge_that_raises_is_a_contradiction_with_its_traceback() -> None:
    with pytest.raises(Contradiction, match=r"(?s)Traceback.*ZeroDivisionError: planted"):
        list(judged(raising, [[0, 1], [2, 3]], 2))


def test_a_judge_that_dies_is_a_contradiction_with_its_status() -> None:
    with pytest.raises(Contradiction, match="ended with status 7"):
        list(judged(dying, [[0, 1], [2, 3]], 2))


def test_there_are_never_more_judges_than_cells() -> None:
    assert default_jobs(1) == 1
    assert 1 <= default_jobs(1000) <= (os.cpu_count() or 1)
    assert default_jobs(0) == 1
