"""Workers: whatever a subject does, it ends with its worker and is reported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from implementations.short_scripts import ADAM, cell, hyper_of, misbehaving, script_of
from stepcheck_implementations.adapters import torch_optim
from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_implementations.driver import execution
from stepcheck_implementations.workers import live_workers, pool, target_requests, wire
from stepcheck_implementations.workers.pool import Workers
from stepcheck_implementations.workers.transport import WorkerError
from stepcheck_reference import dataclass_codec
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.scripts.trajectory import Trajectory


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers() as opened:
        yield opened


def same(one: Trajectory, other: Trajectory) -> None:
    assert one.fault == other.fault
    assert (one.steps, one.observed) == (other.steps, other.observed)
    for left, right in zip(one.traces, other.traces, strict=True):
        for name in ("before", "theta", "count"):
            np.testing.assert_array_equal(getattr(left, name), getattr(right, name), strict=True)
        assert left.states.keys() == right.states.keys()
        for name in left.states:
            np.testing.assert_array_equal(left.states[name], right.states[name], strict=True)
            np.testing.assert_array_equal(left.present[name], right.present[name], strict=True)


@pytest.mark.parametrize("dtype", FORMATS)
def test_a_trajectory_from_a_worker_is_the_one_made_here(workers: Workers, dtype: str) -> None:
    script = script_of(ADAM, dtype=dtype, shapes=((3,), (), (0, 2), (2, 3)))
    where = cell(torch_optim.ADAM, dtype=dtype)
    same(workers.run(torch_optim.ADAM, where, script), execution.run(torch_optim.ADAM, where, script))


def test_one_worker_serves_many_scripts_and_cells_get_their_own(workers: Workers) -> None:
    cells = [
        (a, cell(a, c.name, mode)) for a in torch_optim.ALL for c in a.configurations for mode in ("single", "foreach")
    ]
    for adapter, where in cells:
        script = script_of(hyper_of(adapter, where.configuration), steps=2)
        for _ in range(2):
            assert workers.run(adapter, where, script).fault is None


@pytest.mark.parametrize(
    ("name", "how"),
    [("ExitsInStepTwo", "exited with status 3"), ("SegfaultsInStepTwo", "ended by SIGSEGV")],
)
def test_a_crash_is_a_fault_with_its_step_and_the_next_script_gets_a_fresh_worker(
    workers: Workers, name: str, how: str
) -> None:
    adapter = misbehaving(name)
    script = script_of({"lr": 0.1}, shapes=((3,),))
    for _ in range(2):
        trajectory = workers.run(adapter, cell(adapter), script)
        assert trajectory.fault is not None
        assert (trajectory.fault.kind, trajectory.fault.step) == ("crashed", 2)
        assert how in trajectory.fault.message
        assert trajectory.traces[0].theta.shape == (0, 3)
        assert workers.run(adapter, cell(adapter), script.until(1)).fault is None
    assert workers.run(torch_optim.ADAM, cell(torch_optim.ADAM), script_of(ADAM)).fault is None


def test_one_crash_after_another_is_survived(workers: Workers) -> None:
    adapter = misbehaving("ExitsInStepTwo")
    for _ in range(30):
        fault = workers.run(adapter, cell(adapter), script_of({"lr": 0.1}, steps=2)).fault
        assert fault is not None
        assert fault.step == 2


def test_a_crash_says_what_was_last_printed(workers: Workers) -> None:
    adapter = misbehaving("ExitsInStepTwo")
    fault = workers.run(adapter, cell(adapter), script_of({"lr": 0.1})).fault
    assert fault is not None
    assert "about to leave" in fault.message


def test_a_hang_is_ended_and_is_a_fault_with_its_step(workers: Workers) -> None:
    adapter = misbehaving("HangsInStepTwo")
    trajectory = workers.run(adapter, cell(adapter), script_of({"lr": 0.1}), deadline=0.5)
    assert trajectory.fault is not None
    assert (trajectory.fault.kind, trajectory.fault.message, trajectory.fault.step) == (
        "hung",
        "no answer within 0.5 s",
        2,
    )
    assert workers.run(adapter, cell(adapter), script_of({"lr": 0.1}, steps=1)).fault is None


def test_what_a_subject_raises_is_a_fault_and_its_worker_lives_on(workers: Workers) -> None:
    adapter = misbehaving("RaisesInStepThree")
    trajectory = workers.run(adapter, cell(adapter), script_of({"lr": 0.1}))
    same(trajectory, execution.run(adapter, cell(adapter), script_of({"lr": 0.1})))
    assert trajectory.steps == 2


def test_a_subject_may_print_without_end_and_finds_its_standard_input_empty(workers: Workers) -> None:
    for name in ("Floods", "ReadsStandardInput"):
        adapter = misbehaving(name)
        assert workers.run(adapter, cell(adapter), script_of({"lr": 0.1})).fault is None


def test_a_gigabyte_that_is_printed_fills_neither_memory_nor_disk(workers: Workers, tmp_path: Path) -> None:
    adapter = misbehaving("PrintsAGigabyte")
    before = used()
    trajectory = workers.run(adapter, cell(adapter), script_of({"lr": 0.1}), deadline=120)
    assert trajectory.fault is None
    assert used() - before < 100_000_000
    assert sum(path.stat().st_size for path in Path(workers.address).parent.rglob("*") if path.is_file()) < 100_000


def used() -> int:
    """Return the bytes that this process and the fork server have held at most."""
    peak = max(
        int(line.split()[1]) for line in Path(f"/proc/{os.getpid()}/status").read_text().splitlines() if "VmHWM" in line
    )
    return peak * 1024


def test_a_subject_that_forks_answers_once(workers: Workers) -> None:
    adapter, plain = misbehaving("Forks"), misbehaving("RaisesInStepThree")
    for steps in (2, 1, 4, 3):
        script = script_of({"lr": 0.1}, steps=steps)
        trajectory = workers.run(adapter, cell(adapter), script)
        assert (trajectory.fault, trajectory.steps) == (None, steps)
        expected = execution.run(plain, cell(plain), script.until(2))
        np.testing.assert_array_equal(trajectory.traces[0].theta[:2], expected.traces[0].theta[:2])


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process can leave its session and its parent")
def test_what_a_crashed_subject_has_started_ends_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAEMON", str(tmp_path / "daemon"))
    adapter = misbehaving("LeavesADaemon")
    with Workers() as own:
        fault = own.run(adapter, cell(adapter), script_of({"lr": 0.1})).fault
        assert fault is not None
        assert "status 4" in fault.message
        daemon = int((tmp_path / "daemon").read_text())
        until = time.monotonic() + 20
        while running(daemon):
            assert time.monotonic() < until
            time.sleep(0.02)


def test_what_a_crash_last_printed_cannot_reach_for_the_terminal(workers: Workers) -> None:
    adapter = misbehaving("PrintsEscapesAndLeaves")
    fault = workers.run(adapter, cell(adapter), script_of({"lr": 0.1})).fault
    assert fault is not None
    assert fault.message.endswith("it last printed: [2J [31mred two")


def test_a_worker_that_is_killed_by_hand_is_a_fault_that_does_not_come_again(workers: Workers) -> None:
    script, where = script_of(ADAM), cell(torch_optim.ADAM)
    workers.run(torch_optim.ADAM, where, script)
    (link,) = [link for key, link in workers.live.alive.items() if "torch.optim.Adam" in key]
    os.kill(link.pid, signal.SIGKILL)  # type: ignore[attr-defined]
    fault = workers.run(torch_optim.ADAM, where, script).fault
    assert fault is not None
    assert "SIGKILL (by hand, or because memory ran out)" in fault.message
    assert workers.run(torch_optim.ADAM, where, script).fault is None


def test_a_killed_fork_server_leaves_no_worker_and_is_replaced() -> None:
    with Workers() as own:
        own.run(torch_optim.ADAM, cell(torch_optim.ADAM), script_of(ADAM))
        (link,) = own.live.alive.values()
        assert own.live.fork_server is not None
        own.live.fork_server.kill()
        until = time.monotonic() + 20
        while running(link.pid):  # type: ignore[attr-defined]
            assert time.monotonic() < until
            time.sleep(0.02)
        fault = own.run(torch_optim.ADAM, cell(torch_optim.ADAM), script_of(ADAM)).fault
        assert fault is not None
        assert (fault.kind, "ended with the one that had started it" in fault.message) == ("crashed", True)
        with Workers(address=own.address) as borrower:
            assert borrower.run(torch_optim.ADAM, cell(torch_optim.ADAM), script_of(ADAM)).fault is None
        assert own.run(torch_optim.ADAM, cell(torch_optim.ADAM), script_of(ADAM)).fault is None


def test_several_clients_share_one_fork_server(workers: Workers) -> None:
    trajectories: list[Trajectory] = []

    def judge() -> None:
        with Workers(address=workers.address) as own:
            trajectories.extend(own.run(torch_optim.ADAM, cell(torch_optim.ADAM), script_of(ADAM)) for _ in range(5))

    threads = [threading.Thread(target=judge) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(trajectories) == 15
    for trajectory in trajectories:
        same(trajectory, trajectories[0])


def test_a_worker_of_its_own_does_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (pool, target_requests, live_workers):
        monkeypatch.setattr(module, "can_fork", lambda: False)
    script, where = script_of(ADAM), cell(torch_optim.ADAM)
    crash, hang = misbehaving("ExitsInStepTwo"), misbehaving("HangsInStepTwo")
    with Workers() as own:
        same(own.run(torch_optim.ADAM, where, script), execution.run(torch_optim.ADAM, where, script))
        fault = own.run(crash, cell(crash), script_of({"lr": 0.1})).fault
        assert fault is not None
        assert (fault.kind, fault.step) == ("crashed", 2)
        assert "about to leave" in fault.message
        own.run(hang, cell(hang), script_of({"lr": 0.1}, steps=1))
        fault = own.run(hang, cell(hang), script_of({"lr": 0.1}), deadline=0.5).fault
        assert fault is not None
        assert (fault.kind, fault.step) == ("hung", 2)


def test_forked_workers_see_no_accelerator_and_a_worker_of_its_own_sees_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    tells, script = misbehaving("TellsTheVisibleDevices"), script_of({"lr": 0.1})

    def visible_devices(workers: Workers) -> str:
        fault = workers.run(tells, cell(tells), script).fault
        assert fault is not None
        return fault.message

    with Workers() as own:
        assert "devices=''" in visible_devices(own)
        monkeypatch.setattr(pool, "_needs_own_process", lambda *_: True)
        assert "devices='0,1'" in visible_devices(own)


def test_devices_come_from_a_spawned_worker_where_torch_is_built_for_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Workers() as own:
        plain = own.environment()
        assert plain["accelerator"] == ""
        assert own.environment() is plain
        requested = own._request_without_cell
        for ends in (False, True):
            own._environment = None
            monkeypatch.setattr(
                own,
                "_request_without_cell",
                lambda message, kinds: {**requested(message, kinds), "accelerator": "13.0", "torch": "old"},
            )
            if ends:
                monkeypatch.setattr(target_requests, "START_TIMEOUT", 0.0)
            environment = own.environment()
            assert environment["devices"] == ["cpu"]
            assert environment["torch"] == ("old" if ends else plain["torch"])


def test_the_parent_never_imports_torch_and_nothing_outlives_it() -> None:
    code = (
        "import os, sys\n"
        "from implementations.short_scripts import ADAM, cell, script_of\n"
        "from stepcheck_implementations.adapters import torch_optim\n"
        "from stepcheck_implementations.workers import pool\n"
        "workers = pool.Workers().__enter__()\n"
        "workers.run(torch_optim.ADAM, cell(torch_optim.ADAM), script_of(ADAM))\n"
        "pids = [link.pid for link in workers.live.alive.values()]\n"
        "print('torch' in sys.modules, os.path.dirname(workers.address), workers.live.fork_server.pid, *pids)\n"
        "sys.stdout.flush()\n"
        "os._exit(0)\n"
    )
    path = os.pathsep.join(entry for entry in sys.path if entry)
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    imported, directory, *pids = done.stdout.split()
    assert imported == "False"
    assert len(pids) == 2
    until = time.monotonic() + 20
    while os.path.exists(directory) or any(running(int(pid)) for pid in pids):
        assert time.monotonic() < until
        time.sleep(0.02)


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_cell_is_printed_in_one_line() -> None:
    where = Cell("torch.optim.AdamW", "amsgrad", "foreach", "bfloat16", "cpu")
    assert where.id == "AdamW[amsgrad] foreach bfloat16 cpu"
    assert replace(where, fixed=(("lr", 0.5),)).id.endswith("cpu lr=0.5")
    assert (
        Cell("some/where.py:MyAdam", "default", "single", "float32", "cuda:0").id
        == "MyAdam[default] single float32 cuda:0"
    )


def test_what_crosses_the_wire_comes_back() -> None:
    for adapter in torch_optim.ALL:
        assert dataclass_codec.decode(Adapter, dataclass_codec.encode(adapter)) == adapter
    where = Cell("a:B", "c", "single", "float32", "cpu", (("lr", 0.1), ("flag", True)))
    assert dataclass_codec.decode(Cell, dataclass_codec.encode(where)) == where
    arrays = [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.array([True, False, True]),
        np.array([np.nan, -0.0, 5e-324]),
        np.broadcast_to(np.zeros((), np.float32), (1000, 1000)),
        np.zeros((3, 0)),
    ]
    frame = wire.pack({"x": 1}, arrays)
    assert len(frame) < 1000
    position = 0

    def read(count: int) -> bytes:
        nonlocal position
        position += count
        return frame[position - count : position]

    header, back = wire.unpack(read)
    assert header == {"x": 1}
    for one, other in zip(arrays, back, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
        assert one.tobytes() == other.tobytes()


def test_a_worker_that_cannot_import_torch_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('no torch today')")
    monkeypatch.syspath_prepend(tmp_path)
    with Workers() as own, pytest.raises(WorkerError, match="no torch today"):
        own.environment()
