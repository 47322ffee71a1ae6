"""Worker processes, for a parent that never imports torch.

A subject that crashes or hangs takes its worker with it, never the parent: the trajectory says so, and the next
script gets a fresh one.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stepcheck_implementations import claim as claims
from stepcheck_implementations import offer, wire
from stepcheck_implementations.claim import GRADIENTS, Claim
from stepcheck_implementations.generic import NoMatch
from stepcheck_implementations.subject import Adapter, Cell, compiles_slowly
from stepcheck_implementations.target import GUARD, TargetError
from stepcheck_implementations.told import printable
from stepcheck_reference.script import Script, to_json
from stepcheck_reference.trajectory import Fault, Trace, Trajectory

DEADLINE = 30.0
"""Seconds a script may take before its worker counts as hung; what is compiled gets ten times that."""
_STARTING = 120.0
TRYING = 10.0
"""Seconds in which a stranger takes a step or is refused one."""
_ALIVE = 4
"""Workers kept at a time; the one that was used longest ago is closed first."""
_TAIL = 4000
_QUOTED = 600


_NO_ACCELERATOR = dict.fromkeys(("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"), "")
"""Environment of the template. A step of torch.optim asks for the number of devices, and a process that has asked must
not fork workers that do (torch/csrc/cuda/Module.cpp, poison_fork)."""

_GONE = "the process that starts workers has ended: it was killed, by hand or because memory ran out"


class WorkerError(RuntimeError):
    """The worker itself failed: a defect of stepcheck or of this environment, not of the subject."""


class _Ended(Exception):
    """The worker is gone; ``why`` says how."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class _Hung(Exception):
    """The worker did not answer in time."""


class _Link(Protocol):
    """A worker to talk to."""

    def ask(self, request: Mapping[str, Any], deadline: float) -> tuple[dict[str, Any], list[NDArray[Any]]]: ...

    def tell(self, request: Mapping[str, Any]) -> None: ...

    def close(self) -> None: ...


def _ending(status: int | None, tail: str) -> str:
    if status is None:
        how = "the process ended"
    elif status < 0:
        try:
            how = f"the process was ended by {signal.Signals(-status).name}"
            how += " (by hand, or because memory ran out)" if -status == signal.SIGKILL else ""
        except ValueError:
            how = f"the process was ended by signal {-status}"
    else:
        how = f"the process exited with status {status}"
    said = printable(tail)
    return f"{how}; it last printed: {said[-_QUOTED:]}" if said else how


class _Control:
    """A connection to the template: asks for forks, hears of endings."""

    def __init__(self, address: str) -> None:
        self.connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.connection.connect(address)
        except OSError:
            self.connection.close()
            raise
        self.waiting = b""
        self.endings: dict[int, tuple[int, str]] = {}
        self.forgotten: set[int] = set()

    def message(self, until: float) -> dict[str, Any]:
        while b"\n" not in self.waiting:
            self.connection.settimeout(max(0.01, until - time.monotonic()))
            try:
                data = self.connection.recv(1 << 16)
            except TimeoutError as error:
                raise WorkerError("the template process does not answer") from error
            except OSError as error:
                raise WorkerError(_GONE) from error
            if not data:
                raise WorkerError(_GONE)
            self.waiting += data
        line, self.waiting = self.waiting.split(b"\n", 1)
        found: dict[str, Any] = json.loads(line)
        if "ended" in found:
            if found["ended"] in self.forgotten:
                self.forgotten.remove(found["ended"])
            else:
                self.endings[found["ended"]] = (found["status"], found["tail"])
        return found

    def fork(self) -> tuple[int, socket.socket]:
        """Return the id of a new worker and the socket it serves."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self.connection, [b'{"ask":"fork"}\n'], [theirs.fileno()])
            except OSError as error:
                ours.close()
                raise WorkerError(_GONE) from error
        until = time.monotonic() + _STARTING
        try:
            while True:
                message = self.message(until)
                if "forked" in message:
                    return int(message["forked"]), ours
                if "failed" in message:
                    raise WorkerError(f"no worker could be forked: {message['failed']}")
        except BaseException:
            ours.close()
            raise

    def kill(self, pid: int) -> None:
        with contextlib.suppress(OSError):
            self.connection.sendall(json.dumps({"ask": "kill", "pid": pid}).encode() + b"\n")

    def forget(self, pid: int) -> None:
        """End worker ``pid`` without waiting to hear of it."""
        if self.endings.pop(pid, None) is None:
            self.forgotten.add(pid)
            self.kill(pid)

    def ending(self, pid: int) -> str:
        """Return how worker ``pid``, which is about to end, did; to be asked once."""
        until = time.monotonic() + 20.0
        while pid not in self.endings:
            try:
                self.message(until)
            except WorkerError:
                return _ending(None, "")
        return _ending(*self.endings.pop(pid))

    def close(self) -> None:
        self.connection.close()


class _Forked:
    """A worker forked from the template."""

    def __init__(self, control: _Control) -> None:
        self.control = control
        self.pid, self.link = control.fork()
        self.over: str | None = None

    def tell(self, request: Mapping[str, Any]) -> None:
        try:
            self.link.settimeout(_STARTING)
            self.link.sendall(b"".join(wire.pack(request)))
        except OSError as error:
            raise _Ended(self._why()) from error

    def ask(self, request: Mapping[str, Any], deadline: float) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        until = time.monotonic() + deadline
        self.tell(request)

        def read(count: int) -> bytearray:
            found = bytearray(count)
            view, have = memoryview(found), 0
            while have < count:
                left = until - time.monotonic()
                if left <= 0:
                    raise _Hung
                self.link.settimeout(left)
                try:
                    got = self.link.recv_into(view[have:])
                except TimeoutError as error:
                    raise _Hung from error
                except OSError as error:
                    raise _Ended(self._why()) from error
                if got == 0:
                    raise _Ended(self._why())
                have += got
            return found

        return wire.unpack(read)

    def _why(self) -> str:
        """Return how it ended; a worker that only closed its socket is ended first."""
        if self.over is not None:
            return self.over
        deadline = time.monotonic() + 1.0
        while self.pid not in self.control.endings and time.monotonic() < deadline:
            try:
                self.control.message(deadline)
            except WorkerError:
                break
        if self.pid not in self.control.endings:
            self.control.kill(self.pid)
        self.over = self.control.ending(self.pid)
        return self.over

    def close(self) -> None:
        self.link.close()
        if self.over is None:
            self.control.forget(self.pid)


class _Spawned:
    """A worker of its own, on pipes; it outlives cells."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stepcheck_implementations.template", "pipe"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            start_new_session=os.name == "posix",
        )
        self.chunks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.waiting = bytearray()
        self.tail = b""
        self.readers = [
            threading.Thread(target=self._read_answers, daemon=True),
            threading.Thread(target=self._read_output, daemon=True),
        ]
        for reader in self.readers:
            reader.start()

    def _read_answers(self) -> None:
        assert self.process.stdout is not None
        while chunk := os.read(self.process.stdout.fileno(), 1 << 16):
            self.chunks.put(chunk)
        self.chunks.put(b"")

    def _read_output(self) -> None:
        assert self.process.stderr is not None
        while chunk := os.read(self.process.stderr.fileno(), 1 << 16):
            self.tail = (self.tail + chunk)[-_TAIL:]

    def tell(self, request: Mapping[str, Any]) -> None:
        assert self.process.stdin is not None
        try:
            for buffer in wire.pack(request):
                self.process.stdin.write(buffer)
            self.process.stdin.flush()
        except OSError as error:
            raise _Ended(self._why()) from error

    def ask(self, request: Mapping[str, Any], deadline: float) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        until = time.monotonic() + deadline
        self.tell(request)

        def read(count: int) -> bytearray:
            while len(self.waiting) < count:
                left = until - time.monotonic()
                try:
                    chunk = self.chunks.get(timeout=max(0.0, left))
                except queue.Empty as error:
                    raise _Hung from error
                if not chunk:
                    raise _Ended(self._why())
                self.waiting += chunk
            found, self.waiting = self.waiting[:count], self.waiting[count:]
            return found

        return wire.unpack(read)

    def _why(self) -> str:
        try:
            self.process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._kill()
        self.readers[1].join(1.0)
        return _ending(self.process.wait(), self.tail.decode("utf-8", "replace"))

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.name == "posix":
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()

    def close(self) -> None:
        self._kill()
        self.process.wait()
        for reader in self.readers:
            reader.join(5.0)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


class Workers:
    """Workers for as long as a ``with`` block lasts.

    Several processes can share one template: one opens ``Workers()`` and hands ``address`` to the others, which
    open ``Workers(address=...)``. One ``Workers`` is for one thread. Workers see the parent's ``sys.path``, working
    directory and environment.
    """

    def __init__(self, *, address: str | None = None, deadline: float = DEADLINE) -> None:
        self.deadline = deadline
        self._borrowed = address
        self._template: subprocess.Popen[bytes] | None = None
        self._control: _Control | None = None
        self._alive: OrderedDict[tuple[object, ...], _Link] = OrderedDict()
        self._cells: dict[int, tuple[object, ...]] = {}
        self._awake: set[tuple[int, str]] = set()
        self._stopped = False
        self._text: tuple[Adapter, str] | None = None
        self._found: dict[str, Any] | None = None

    def __enter__(self) -> Workers:
        beside = None if self._borrowed is None else Path(self._borrowed).parent
        self._directory = Path(tempfile.mkdtemp(prefix="stepcheck-", dir=beside))
        if (
            self._borrowed is None and len(str(self._directory)) > 80
        ):  # a Unix socket's path has at most 104 bytes on macOS, 108 on Linux
            shutil.rmtree(self._directory)
            self._directory = Path(tempfile.mkdtemp(prefix="stepcheck-", dir="/tmp"))
        self.address = self._borrowed if self._borrowed is not None else str(self._directory / "template")
        if self._borrowed is None and _can_fork():
            with (self._directory / "stderr").open("wb") as said:
                self._template = subprocess.Popen(
                    [sys.executable, "-m", "stepcheck_implementations.template", "fork", self.address],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=said,
                    env={**_environment(), **_NO_ACCELERATOR},
                    start_new_session=True,
                )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every worker, and the template if it is ours."""
        for link in list(self._alive.values()):
            link.close()
        self._alive.clear()
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._template is not None:
            assert self._template.stdin is not None
            self._template.stdin.close()
            try:
                self._template.wait(10.0)
            except subprocess.TimeoutExpired:
                self._template.kill()
                self._template.wait()
            self._template = None
        shutil.rmtree(self._directory, ignore_errors=True)

    def run(self, adapter: Adapter, cell: Cell, script: Script, *, deadline: float | None = None) -> Trajectory:
        """Return what the cell's subject does over ``script``; a crash or hang is the trajectory's fault.

        Raises TargetError where the target cannot be imported, ValueError where script and adapter do not fit, and
        WorkerError where the worker itself failed.
        """
        limit = deadline if deadline is not None else self.deadline * (10.0 if _compiles(adapter, cell) else 1.0)
        spawned = _needs_own_process(adapter, cell)
        # A fresh process a cell keeps strangers' cells apart; known classes need it no more than compiled mode does.
        shared = ("forked", cell.target)
        key: tuple[object, ...] = (
            ("spawned",) if spawned else shared if adapter.declared else (cell, self._key(adapter))
        )
        reached = self._reached(key)
        try:
            link = self._link(key, spawned=spawned)
            if spawned:
                self._wake(link, cell.device)
            if self._cells.get(id(link)) != (cell, self._key(adapter)):
                if not reached.exists():
                    reached.write_bytes(bytes(8))
                link.tell(
                    {
                        "ask": "open",
                        "adapter": wire.adapter_to_plain(adapter),
                        "cell": wire.cell_to_plain(cell),
                        "reached": str(reached),
                    }
                )
                self._cells[id(link)] = (cell, self._key(adapter))
            header, arrays = self._answer(link, {"ask": "run", "script": to_json(script)}, limit)
        except _Hung:
            step = _number(reached)
            self._drop(key)
            return _faulted(adapter, script, Fault("hung", f"no answer within {limit:g} s", step))
        except _Ended as error:
            step = _number(reached)
            self._drop(key)
            return _faulted(adapter, script, Fault("crashed", error.why, step))
        except (TargetError, ValueError):
            raise
        except BaseException:
            self._drop(key)
            raise
        return wire.trajectory_from_plain(header, arrays)

    def environment(self) -> dict[str, Any]:
        """Return the workers' versions ("torch", "python", "platform") and "devices"; asked once.

        Forked workers see no accelerator, so a torch that is built for one is asked again in a process of its own; what
        ends that process leaves the CPU alone.
        """
        if self._found is None:
            found = self._once({"ask": "environment"})
            if found["accelerator"] and _can_fork():
                try:
                    link = self._link(("spawned",), spawned=True)
                    found, _ = self._answer(link, {"ask": "environment"}, _STARTING)
                except (_Hung, _Ended):
                    self._drop(("spawned",))
            self._found = found
        return self._found

    def optimizers(self, library: str) -> list[str]:
        """Return the names of the public optimizer classes in the module ``library``."""
        return list(self._once({"ask": "optimizers", "library": library})["names"])

    def signature(self, target: str) -> dict[str, Any]:
        """Return what ``target`` takes; see ``offer.Source``. Raises TargetError."""
        return self._once({"ask": "signature", "target": target})

    def fit(self, target: str, claim: Claim, *, steps: int = len(GRADIENTS)) -> dict[str, Any]:
        """Return ``target`` matched to ``claim``; see ``offer.Source``. Raises TargetError and NoMatch."""
        request = {"ask": "fit", "target": target, "claim": claims.to_plain(claim), "steps": steps}
        key, limit = _once_key(), min(self.deadline, TRYING)
        try:
            answer, _ = self._answer(self._link(key, spawned=not _can_fork()), request, limit)
        except (_Hung, _Ended) as error:
            self._drop(key)
            return {"ended": error.why if isinstance(error, _Ended) else f"no answer within {limit:g} s"}
        return answer

    def refusal(self, adapter: Adapter, mode: str, dtype: str, device: str) -> str | None:
        """Return why a cell is refused; see ``offer.Source``."""
        request = {"ask": "refusal", "adapter": wire.adapter_to_plain(adapter), "mode": mode, "dtype": dtype}
        spawned = device != "cpu" or not _can_fork()
        key = ("spawned",) if spawned else ("once",)
        limit = self.deadline if spawned else min(self.deadline, TRYING)
        try:
            link = self._link(key, spawned=spawned)
            if spawned:
                self._wake(link, device)
            answer, _ = self._answer(link, {**request, "device": device}, limit)
        except (_Hung, _Ended):
            self._drop(key)
            return None
        return str(answer["reason"])

    def describe(self, target: str, claim: Claim | None = None) -> dict[str, Any]:
        """Return what ``target`` offers; see ``offer.describe``. Raises TargetError and NoMatch."""
        return offer.describe(self, target, claim)

    def _once(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer of a worker that has no cell."""
        key = _once_key()
        try:
            answer, _ = self._answer(self._link(key, spawned=not _can_fork()), request, self.deadline)
        except (_Hung, _Ended) as error:
            self._drop(key)
            why = error.why if isinstance(error, _Ended) else f"no answer within {self.deadline:g} s; {GUARD}"
            if "target" in request:
                raise TargetError(f"{request['target']}: importing it: {why}") from error
            raise WorkerError(why) from error
        return answer

    def _answer(
        self, link: _Link, request: Mapping[str, Any], deadline: float
    ) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        try:
            header, arrays = link.ask(request, deadline)
        except wire.Garbled as error:
            raise WorkerError(f"the worker answered garbage: {error}") from error
        if "error" in header:
            kind, *said = header["error"]
            raise {"nomatch": NoMatch, "target": TargetError, "value": ValueError}.get(kind, WorkerError)(*said)
        return header, arrays

    def _key(self, adapter: Adapter) -> str:
        """Return ``adapter`` as text, written once for as long as it is the one in use."""
        if self._text is None or self._text[0] is not adapter:
            self._text = (adapter, json.dumps(wire.adapter_to_plain(adapter), sort_keys=True))
        return self._text[1]

    def _link(self, key: tuple[object, ...], *, spawned: bool) -> _Link:
        link = self._alive.get(key)
        if link is None:
            while len(self._alive) >= _ALIVE:
                self._drop(next(iter(self._alive)))
            try:
                link = _Spawned(_environment()) if spawned else _Forked(self._connected())
            except WorkerError as error:
                said = self._directory / "stderr"
                text = said.read_text("utf-8", "replace").strip()[-_TAIL:] if said.exists() else ""
                raise WorkerError(f"{error}: {text}" if text else str(error)) from error
            self._alive[key] = link
        self._alive.move_to_end(key)
        return link

    def _wake(self, link: _Link, device: str) -> None:
        """Wait until a process of its own has imported torch and started ``device``; no script's time is that."""
        if (id(link), device) in self._awake:
            return
        try:
            self._answer(link, {"ask": "wake", "device": device}, _STARTING)
        except (_Hung, _Ended) as error:
            why = error.why if isinstance(error, _Ended) else f"no answer within {_STARTING:g} s"
            raise WorkerError(f"a worker for {device} did not start: {why}") from error
        self._awake.add((id(link), device))

    def _drop(self, key: tuple[object, ...]) -> None:
        link = self._alive.pop(key, None)
        if link is not None:
            self._cells.pop(id(link), None)
            self._awake = {(other, device) for other, device in self._awake if other != id(link)}
            link.close()
            with contextlib.suppress(OSError):
                self._reached(key).unlink(missing_ok=True)

    def _reached(self, key: tuple[object, ...]) -> Path:
        """Return the file in which the worker of ``key`` notes the step it is taking."""
        return self._directory / f"reached-{abs(hash(key)):x}"

    def _connected(self) -> _Control:
        if self._control is None:
            until = time.monotonic() + _STARTING
            while True:
                try:
                    self._control = _Control(self.address)
                    break
                except (FileNotFoundError, ConnectionRefusedError) as error:
                    ended = self._template is not None and self._template.poll() is not None
                    if ended or time.monotonic() > until:
                        raise WorkerError("the template process did not start") from error
                    time.sleep(0.01)
        return self._control


def _can_fork() -> bool:
    return hasattr(os, "fork") and hasattr(socket, "send_fds") and sys.platform != "win32"


def _once_key() -> tuple[str]:
    return ("once",) if _can_fork() else ("spawned",)


def _compiles(adapter: Adapter, cell: Cell) -> bool:
    """Return whether something is compiled for each script; JAX compiles each operation by itself, too."""
    return cell.mode == "compiled" or adapter.compiler == "jax"


def _needs_own_process(adapter: Adapter, cell: Cell) -> bool:
    return compiles_slowly(adapter, cell.mode) or cell.device != "cpu" or not _can_fork()


def _environment() -> dict[str, str]:
    """Return the environment of a worker: one thread, and the parent's import path."""
    single = dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TORCHINDUCTOR_COMPILE_THREADS"), "1"
    )
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return {**os.environ, **single, "PYTHONPATH": path}


def _number(path: Path) -> int:
    try:
        return int(struct.unpack("<q", path.read_bytes())[0])
    except (OSError, struct.error):
        return 0


def _faulted(adapter: Adapter, script: Script, fault: Fault) -> Trajectory:
    """Return the trajectory of a subject that took its process with it: no step is known."""
    traces = []
    for tensor in script.tensors:
        kind = np.float64 if tensor.dtype in ("float64", "complex128") else np.float32
        traces.append(
            Trace(
                before=np.zeros((0, tensor.size), kind),
                theta=np.zeros((0, tensor.size), kind),
                states={name: np.zeros((1, tensor.size), kind) for name in adapter.states},
                present={name: np.zeros(1, np.bool_) for name in adapter.states},
                count=np.full(1, -1.0),
            )
        )
    return Trajectory(tuple(traces), 0, fault, tuple(adapter.states))
