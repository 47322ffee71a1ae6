"""Worker processes, for a parent that never imports torch.

A subject that crashes or hangs takes its worker with it, never the parent: the trajectory says so, and the next
script gets a fresh one.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck_implementations.adapters.adapter import Adapter, Cell, compiles_slowly
from stepcheck_implementations.driver.target import GUARD, TargetError
from stepcheck_implementations.matching import description
from stepcheck_implementations.matching.claim import GRADIENTS, Claim
from stepcheck_implementations.matching.generic import NoMatch
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_implementations.workers import wire
from stepcheck_implementations.workers.interpreter import Interpreter
from stepcheck_implementations.workers.transport import (
    FORK_SERVER,
    START_TIMEOUT,
    TAIL,
    ForkedWorker,
    ForkServerClient,
    SpawnedWorker,
    Transport,
    WorkerDied,
    WorkerError,
    WorkerTimeout,
)
from stepcheck_reference import dataclass_codec
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.script_json import to_json
from stepcheck_reference.scripts.trajectory import Fault, Trace, Trajectory

DEADLINE = 30.0
"""Seconds a script may take before its worker counts as hung; what is compiled gets ten times that."""
TRIAL_TIMEOUT = 10.0
"""Seconds in which a stranger takes a step or is refused one."""
_ALIVE = 4
"""Workers kept at a time; the one that was used longest ago is closed first."""


_NO_ACCELERATOR = dict.fromkeys(("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"), "")
"""Environment of the template. A step of torch.optim asks for the number of devices, and a process that has asked must
not fork workers that do (torch/csrc/cuda/Module.cpp, poison_fork)."""


class Workers:
    """Workers for as long as a ``with`` block lasts.

    Several processes can share one template: one opens ``Workers()`` and hands ``address`` to the others, which
    open ``Workers(address=...)``. One ``Workers`` is for one thread. Workers see the parent's ``sys.path``, working
    directory and environment; those of another ``interpreter`` see its own packages instead.
    """

    def __init__(
        self, *, address: str | None = None, deadline: float = DEADLINE, interpreter: Interpreter | None = None
    ) -> None:
        self.deadline = deadline
        self.interpreter = interpreter if interpreter is not None else Interpreter.own()
        self._borrowed = address
        self._template: subprocess.Popen[bytes] | None = None
        self._control: ForkServerClient | None = None
        self._alive: OrderedDict[tuple[object, ...], Transport] = OrderedDict()
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
                    [self.interpreter.python, "-m", FORK_SERVER, "fork", self.address],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=said,
                    env={**self.interpreter.environment(), **_NO_ACCELERATOR},
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
        found = self._asked(adapter, cell, {"ask": "run", "script": to_json(script)}, (), deadline)
        if isinstance(found, Fault):
            return failed_trajectory(adapter, script, found)
        header, arrays = found
        return dataclass_codec.decode(Trajectory, header, arrays)

    def record_cell(
        self, adapter: Adapter, cell: Cell, request: Mapping[str, Any], arrays: wire.Arrays = ()
    ) -> Recording | Fault:
        """Return what the recorder says of ``cell`` (see ``serve``), or how its process ended.

        Raises as ``run`` does.
        """
        found = self._asked(adapter, cell, request, arrays, None)
        return found if isinstance(found, Fault) else dataclass_codec.decode(Recording, *found)

    def record_library(self, request: Mapping[str, Any]) -> Recording:
        """Return what the recorder says without a cell, as of a class' surface; raises TargetError."""
        key = _once_key()
        try:
            found = self._answer(self._link(key, spawned=not _can_fork()), request, self.deadline)
        except (WorkerTimeout, WorkerDied):
            self._drop(key)
            raise
        return dataclass_codec.decode(Recording, *found)

    def _asked(
        self,
        adapter: Adapter,
        cell: Cell,
        request: Mapping[str, Any],
        given: wire.Arrays,
        deadline: float | None,
    ) -> tuple[dict[str, Any], list[NDArray[Any]]] | Fault:
        """Return the answer of a worker that has opened ``cell``, or how it ended."""
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
                        "adapter": dataclass_codec.encode(adapter),
                        "cell": dataclass_codec.encode(cell),
                        "reached": str(reached),
                    }
                )
                self._cells[id(link)] = (cell, self._key(adapter))
            return self._answer(link, request, limit, given)
        except WorkerTimeout:
            step = _number(reached)
            self._drop(key)
            return Fault("hung", f"no answer within {limit:g} s", step)
        except WorkerDied as error:
            step = _number(reached)
            self._drop(key)
            return Fault("crashed", error.why, step)
        except (TargetError, ValueError):
            raise
        except BaseException:
            self._drop(key)
            raise

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
                    found, _ = self._answer(link, {"ask": "environment"}, START_TIMEOUT)
                except (WorkerTimeout, WorkerDied):
                    self._drop(("spawned",))
            self._found = found
        return self._found

    def optimizers(self, library: str) -> list[str]:
        """Return the names of the public optimizer classes in the module ``library``."""
        return list(self._once({"ask": "optimizers", "library": library})["names"])

    def signature(self, target: str) -> dict[str, Any]:
        """Return what ``target`` takes; see ``description.Source``. Raises TargetError."""
        return self._once({"ask": "signature", "target": target})

    def fit(self, target: str, claim: Claim, *, steps: int = len(GRADIENTS)) -> dict[str, Any]:
        """Return ``target`` matched to ``claim``; see ``description.Source``. Raises TargetError and NoMatch."""
        request = {"ask": "fit", "target": target, "claim": dataclass_codec.encode(claim), "steps": steps}
        key, limit = _once_key(), min(self.deadline, TRIAL_TIMEOUT)
        try:
            answer, _ = self._answer(self._link(key, spawned=not _can_fork()), request, limit)
        except (WorkerTimeout, WorkerDied) as error:
            self._drop(key)
            return {"ended": error.why if isinstance(error, WorkerDied) else f"no answer within {limit:g} s"}
        return answer

    def refusal(self, adapter: Adapter, mode: str, dtype: str, device: str) -> str | None:
        """Return why a cell is refused; see ``description.Source``."""
        request = {"ask": "refusal", "adapter": dataclass_codec.encode(adapter), "mode": mode, "dtype": dtype}
        spawned = device != "cpu" or not _can_fork()
        key = ("spawned",) if spawned else ("once",)
        limit = self.deadline if spawned else min(self.deadline, TRIAL_TIMEOUT)
        try:
            link = self._link(key, spawned=spawned)
            if spawned:
                self._wake(link, device)
            answer, _ = self._answer(link, {**request, "device": device}, limit)
        except (WorkerTimeout, WorkerDied):
            self._drop(key)
            return None
        return str(answer["reason"])

    def describe(self, target: str, claim: Claim | None = None) -> dict[str, Any]:
        """Return what ``target`` offers; see ``description.describe``. Raises TargetError and NoMatch."""
        return description.describe(self, target, claim)

    def _once(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer of a worker that has no cell."""
        key = _once_key()
        try:
            answer, _ = self._answer(self._link(key, spawned=not _can_fork()), request, self.deadline)
        except (WorkerTimeout, WorkerDied) as error:
            self._drop(key)
            why = error.why if isinstance(error, WorkerDied) else f"no answer within {self.deadline:g} s; {GUARD}"
            if "target" in request:
                raise TargetError(f"{request['target']}: importing it: {why}") from error
            raise WorkerError(why) from error
        return answer

    def _answer(
        self, link: Transport, request: Mapping[str, Any], deadline: float, given: wire.Arrays = ()
    ) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        try:
            header, arrays = link.ask(request, deadline, given)
        except wire.ProtocolError as error:
            raise WorkerError(f"the worker answered garbage: {error}") from error
        if "error" in header:
            kind, *said = header["error"]
            raise {"nomatch": NoMatch, "target": TargetError, "value": ValueError}.get(kind, WorkerError)(*said)
        return header, arrays

    def _key(self, adapter: Adapter) -> str:
        """Return ``adapter`` as text, written once for as long as it is the one in use."""
        if self._text is None or self._text[0] is not adapter:
            self._text = (adapter, json.dumps(dataclass_codec.encode(adapter), sort_keys=True))
        return self._text[1]

    def _link(self, key: tuple[object, ...], *, spawned: bool) -> Transport:
        link = self._alive.get(key)
        if link is None:
            while len(self._alive) >= _ALIVE:
                self._drop(next(iter(self._alive)))
            try:
                link = SpawnedWorker(self.interpreter) if spawned else ForkedWorker(self._connected())
            except WorkerError as error:
                said = self._directory / "stderr"
                text = said.read_text("utf-8", "replace").strip()[-TAIL:] if said.exists() else ""
                raise WorkerError(f"{error}: {text}" if text else str(error)) from error
            self._alive[key] = link
        self._alive.move_to_end(key)
        return link

    def _wake(self, link: Transport, device: str) -> None:
        """Wait until a process of its own has imported torch and started ``device``; no script's time is that."""
        if (id(link), device) in self._awake:
            return
        try:
            self._answer(link, {"ask": "wake", "device": device}, START_TIMEOUT)
        except (WorkerTimeout, WorkerDied) as error:
            why = error.why if isinstance(error, WorkerDied) else f"no answer within {START_TIMEOUT:g} s"
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

    def _connected(self) -> ForkServerClient:
        if self._control is None:
            until = time.monotonic() + START_TIMEOUT
            while True:
                try:
                    self._control = ForkServerClient(self.address)
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


def _number(path: Path) -> int:
    try:
        return int(struct.unpack("<q", path.read_bytes())[0])
    except (OSError, struct.error):
        return 0


def failed_trajectory(adapter: Adapter, script: Script, fault: Fault) -> Trajectory:
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
