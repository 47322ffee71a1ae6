"""Jobs on a Ray cluster: a local one with two workers."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import pytest

from conformance.processes import executor_jobs
from stepcheck.certification.request import WrongRequest
from stepcheck.guard.environments.environment import Unavailable
from stepcheck.processes import ray_executor
from stepcheck.processes.executor import Contradiction
from stepcheck.processes.ray_executor import Ray
from stepcheck_implementations.workers.transport import WorkerError

on_ray = [
    pytest.mark.ray,
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: the extra ray brings it"),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Ray]:
    """A cluster on this machine, with two workers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", uuid4().hex)  # else Ray writes one into the home folder
        patch.setattr(ray_executor, "usable_cores", lambda: 2)
        with Ray("local") as opened:
            yield opened


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_executor.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WrongRequest, match=r"^ray=local, but Ray is not installed: pip install 'stepcheck\[ray\]'$"):
        Ray("local")


@pytest.mark.parametrize("address", ["", "nonsense", "host:", "http://host:1", "host:1234567"])
def test_an_address_has_a_host_and_a_port(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(ray_executor.importlib.util, "find_spec", lambda name: True)
    with pytest.raises(WrongRequest, match=r"but should be local, auto, HOST:PORT or ray://HOST:PORT"):
        Ray(address)


def test_a_port_without_a_listener_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_executor.importlib.util, "find_spec", lambda name: True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for scheme in ("", "ray://"):
        with pytest.raises(WrongRequest, match=rf"^ray={scheme}127\.0\.0\.1:{port}, but nothing answers there \(.+\)$"):
            Ray(f"{scheme}127.0.0.1:{port}")._reach()


def test_a_worker_prepares_once_and_ends_that_for_another_preparation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_executor, "_prepared", None)
    monkeypatch.setattr(ray_executor, "_opened", ray_executor.contextlib.ExitStack())
    selection = pickle.dumps(partial(executor_jobs.prepared, str(tmp_path)))
    here = os.getpid()
    assert ray_executor._do(selection, 3) == ((9, here), None)
    assert ray_executor._do(selection, 4) == ((16, here), None)
    assert [path.name for path in tmp_path.iterdir()] == [f"opened-{here}"]
    assert ray_executor._do(pickle.dumps(executor_jobs.refusing), 1) == (1, None)
    assert (tmp_path / f"closed-{here}").exists()
    answer, failure = ray_executor._do(pickle.dumps(executor_jobs.unprepared), 1)
    assert answer is None
    assert isinstance(failure, Unavailable)
    assert ray_executor._do(pickle.dumps(executor_jobs.refusing), 1) == (1, None)


class TestCluster:
    pytestmark = on_ray

    def test_jobs_are_done_by_both_workers_each_prepared_once(self, cluster: Ray, tmp_path: Path) -> None:
        answers = dict(cluster.run(partial(executor_jobs.prepared, str(tmp_path)), range(40)))
        assert {job: answer for job, (answer, _) in answers.items()} == {job: job * job for job in range(40)}
        processes = {process for _, process in answers.values()}
        assert len(processes) >= 2
        assert {path.name for path in tmp_path.iterdir()} == {f"opened-{process}" for process in processes}
        assert os.getpid() not in processes

    def test_what_a_job_raises_is_raised_as_it_is(self, cluster: Ray) -> None:
        with pytest.raises(Unavailable, match="is not available: planted") as raised:
            list(cluster.run(executor_jobs.refusing, range(4)))
        assert (raised.value.version, raised.value.reason) == ("2.0.0", "planted")
        assert "in refuse" in raised.value.__notes__[0]

    def test_what_preparing_raises_is_raised_as_it_is(self, cluster: Ray) -> None:
        with pytest.raises(Unavailable, match="is not available: planted"):
            list(cluster.run(executor_jobs.unprepared, range(4)))

    def test_an_error_that_cannot_travel_is_a_contradiction_with_its_traceback(self, cluster: Ray) -> None:
        with pytest.raises(Contradiction, match=r"(?s)Traceback.*Unportable: planted"):
            list(cluster.run(executor_jobs.unportable, range(2)))

    def test_a_job_whose_worker_was_lost_is_done_again(self, cluster: Ray, tmp_path: Path) -> None:
        assert dict(cluster.run(partial(executor_jobs.dying_once, str(tmp_path)), range(4))) == {n: n for n in range(4)}
        assert (tmp_path / "died").exists()

    def test_a_job_that_always_ends_its_worker_is_given_up(self, cluster: Ray) -> None:
        with pytest.raises(WorkerError, match="Ray gave a job up: "):
            list(cluster.run(executor_jobs.dying, range(4)))

    def test_a_run_that_is_left_early_leaves_the_cluster_usable(self, cluster: Ray, tmp_path: Path) -> None:
        run = cluster.run(partial(executor_jobs.prepared, str(tmp_path)), range(40))
        next(run)
        run.close()
        assert dict(cluster.run(executor_jobs.refusing, [5])) == {0: 5}

    def test_ray_prints_nothing_on_stdout_when_a_worker_is_lost(self, tmp_path: Path) -> None:
        code = f"""
from functools import partial
from conformance.processes import executor_jobs
from stepcheck.processes.ray_executor import Ray
with Ray("local") as cluster:
    print(sorted(dict(cluster.run(partial(executor_jobs.dying_once, {str(tmp_path)!r}), range(4)))))
"""
        environment = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": uuid4().hex}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert (done.stdout, done.returncode) == ("[0, 1, 2, 3]\n", 0), done.stderr
