"""Executors: every job once, failures as they are, and shards that keep their jobs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from conformance.processes import executor_jobs
from stepcheck.certification.request import WrongRequest
from stepcheck.guard.environments.environment import Unavailable
from stepcheck.processes import pool
from stepcheck.processes.executor import Contradiction, Local, shard, shard_of


@pytest.fixture(params=[pytest.param(True, marks=pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")), False])
def started(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Processes are forked, or spawned as where they cannot be."""
    if not request.param:
        monkeypatch.setattr(pool, "can_fork", lambda: False)
    return bool(request.param)


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_every_job_is_done_once_by_processes_that_prepare_once(tmp_path: Path, started: bool, processes: int) -> None:
    with Local(processes) as local:
        answers = dict(local.run(partial(executor_jobs.prepared, str(tmp_path)), range(10)))
    assert {job: answer for job, (answer, _) in answers.items()} == {job: job * job for job in range(10)}
    workers = {process for _, process in answers.values()}
    assert (workers == {os.getpid()}) == (processes == 1)
    opened = {path.name.removeprefix("opened-") for path in tmp_path.glob("opened-*")}
    assert {str(process) for process in workers} <= opened
    assert len(opened) == processes
    assert {path.name.removeprefix("closed-") for path in tmp_path.glob("closed-*")} == opened


def test_no_jobs_prepare_nothing() -> None:
    assert list(Local(2).run(executor_jobs.unprepared, [])) == []


def test_what_a_job_raises_is_raised_as_it_is(started: bool) -> None:
    with pytest.raises(Unavailable) as raised:
        list(Local(2).run(executor_jobs.refusing, range(6)))
    assert (raised.value.version, raised.value.reason) == ("2.0.0", "planted")
    assert "in refuse" in raised.value.__notes__[0]


@pytest.mark.parametrize("processes", [1, 2])
def test_what_preparing_raises_is_raised_as_it_is(processes: int) -> None:
    with pytest.raises(Unavailable, match="is not available: planted"):
        list(Local(processes).run(executor_jobs.unprepared, range(6)))


def test_an_error_that_cannot_travel_is_a_contradiction_with_its_traceback() -> None:
    with pytest.raises(Contradiction, match=r"(?s)Traceback.*Unportable: planted"):
        list(Local(2).run(executor_jobs.unportable, range(6)))


def test_a_process_that_dies_is_a_contradiction_with_its_status() -> None:
    with pytest.raises(Contradiction, match="lost: the process was ended by SIGKILL"):
        list(Local(2).run(executor_jobs.dying, range(6)))


def test_a_run_that_is_left_early_closes_what_was_prepared(tmp_path: Path) -> None:
    run = Local(2).run(partial(executor_jobs.prepared, str(tmp_path)), range(40))
    next(run)
    run.close()
    opened, closed = (
        {path.name.partition("-")[2] for path in tmp_path.glob(f"{what}-*")} for what in ("opened", "closed")
    )
    assert opened  # by one process, or by the other as well, if it has begun by then
    assert closed == opened


def test_processes_end_with_their_parent(tmp_path: Path) -> None:
    code = f"""
import os
from functools import partial
from conformance.processes import executor_jobs
from stepcheck.processes.executor import Local
run = Local(2).run(partial(executor_jobs.prepared, {str(tmp_path)!r}), range(1000))
next(run)
os._exit(0)
"""
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=path)
    processes = [int(path.name.removeprefix("opened-")) for path in tmp_path.glob("opened-*")]
    assert processes
    until = time.monotonic() + 10.0
    while any(_lives(process) for process in processes):
        assert time.monotonic() < until
        time.sleep(0.05)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_there_is_at_least_one_process() -> None:
    with pytest.raises(WrongRequest, match=r"^processes=0, but should be at least 1$"):
        Local(0)


CELLS = [f"torch.optim.{name}/{mode}/{dtype}" for name in "abcdefgh" for mode in "sf" for dtype in ("f32", "bf16")]


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 100])
def test_every_job_is_in_one_shard_in_its_place(parts: int) -> None:
    shards = [shard(CELLS, f"{part}/{parts}", str) for part in range(1, parts + 1)]
    assert sorted(cell for jobs in shards for cell in jobs) == sorted(CELLS)
    assert all(sorted(jobs, key=CELLS.index) == jobs for jobs in shards)
    if parts <= 3:
        assert all(shards)


def test_a_new_job_moves_no_other() -> None:
    before, after = shard(CELLS, "2/3", str), shard(["new", *CELLS, "newer"], "2/3", str)
    assert [job for job in after if job in CELLS] == before


def test_a_shard_is_decided_by_the_name_alone_in_every_process_and_release() -> None:
    names = ["torch.optim.AdamW", "torch.optim.SGD", "torch.optim.Adam"]
    assert shard(names, "1/2", str) == ["torch.optim.SGD", "torch.optim.Adam"]
    assert shard(names, "2/2", str) == ["torch.optim.AdamW"]


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "1/", "/4", "1/0", "a/b", "1/2/3", "-1/4", "²/4", " 1/4"])
def test_a_shard_is_i_of_n(text: str) -> None:
    with pytest.raises(WrongRequest) as raised:
        shard_of(text)
    assert str(raised.value) == f"shard={text}, but should be I/N with 1 <= I <= N"


def test_shards_are_numbered_from_one() -> None:
    assert shard_of("1/1") == (1, 1)
    assert shard_of("2/4") == (2, 4)
