"""Worker processes, for a parent that never imports torch.

A subject that crashes or hangs takes its worker with it, never the parent: the trajectory says so, and the next
script gets a fresh one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from stepcheck_implementations.adapters.adapter import Adapter, Cell, compiles_slowly
from stepcheck_implementations.driver import memory_limit
from stepcheck_implementations.driver.error_text import printable
from stepcheck_implementations.driver.target import MAIN_GUARD_HINT, TargetError
from stepcheck_implementations.matching import description
from stepcheck_implementations.matching.claim import PROBE_GRADIENTS, Claim
from stepcheck_implementations.matching.hyper_matching import NoMatch
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_implementations.workers import answers, wire
from stepcheck_implementations.workers.interpreter import Interpreter
from stepcheck_implementations.workers.live_workers import Key, LiveWorkers, can_fork
from stepcheck_implementations.workers.programs import FAILS
from stepcheck_implementations.workers.transport import (
    START_TIMEOUT,
    Answer,
    ForkServerGone,
    Transport,
    WorkerDied,
    WorkerError,
    WorkerTimeout,
    WrongAnswer,
)
from stepcheck_reference import dataclass_codec
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.script_json import to_json
from stepcheck_reference.scripts.trajectory import Fault, Trajectory, unobserved

DEADLINE = 30.0
"""Seconds a script may take before its worker counts as hung; what is compiled gets ten times that."""
TRIAL_TIMEOUT = 10.0
"""Seconds in which a class without an adapter takes a step or refuses one."""

_SIGNATURE: answers.Kinds = {"signature": str, "arguments": list, "defaults": dict}
_FIT: answers.Kinds = {
    "signature": str,
    "defaults": dict,
    "reads": str,
    "agrees": bool,
    "left": int,
    "spare": int,
}
"""What an answer of each kind has."""

_SPAWNED: Key = ("spawned",)
_WITHOUT_CELL: Key = ("without cell",)
_PROGRAM: Key = ("program",)


class Workers:
    """Workers for as long as a ``with`` block lasts.

    Several processes can share one fork server: one opens ``Workers()`` and hands ``address`` to the others, which
    open ``Workers(address=...)``. One ``Workers`` is for one thread. Workers see the parent's ``sys.path``, working
    directory and environment; those of another ``interpreter`` see its own packages instead. Each may use ``memory``
    bytes (default: half of the machine's), where it has no accelerator.
    """

    def __init__(
        self,
        *,
        address: str | None = None,
        deadline: float = DEADLINE,
        interpreter: Interpreter | None = None,
        memory: int | None = None,
    ) -> None:
        self.deadline = deadline
        self.memory = memory_limit.default_limit() if memory is None else memory
        self.interpreter = interpreter if interpreter is not None else Interpreter.own()
        self._borrowed = address
        self._adapter_json: tuple[Adapter, str] | None = None
        self._environment: dict[str, Any] | None = None

    def __enter__(self) -> Workers:
        self.live = LiveWorkers(self.interpreter, self._borrowed, self.memory)
        return self

    @property
    def address(self) -> str:
        """Where the fork server listens."""
        return self.live.address

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every worker, and the fork server if it is ours."""
        self.live.close()

    def run(self, adapter: Adapter, cell: Cell, script: Script, *, deadline: float | None = None) -> Trajectory:
        """Return what the cell's subject does over ``script``; a crash or hang is the trajectory's fault.

        Raises TargetError where the target cannot be imported, ValueError where script and adapter do not fit, and
        WorkerError where the worker itself failed.
        """
        alone = _runs_alone(script) and not adapter.declared and not _needs_own_process(adapter, cell)
        if alone and "fresh_process" in script.invocation:
            self.live.drop(self._key_of(adapter, cell))
        trajectory = self._trajectory(adapter, cell, script, deadline)
        if alone:
            self.live.drop(self._key_of(adapter, cell))
        return trajectory

    def _trajectory(self, adapter: Adapter, cell: Cell, script: Script, deadline: float | None) -> Trajectory:
        """Return what a worker that has opened ``cell`` answers, or the fault that ended it."""
        request = {"ask": "run", "script": to_json(script)}
        most = answers.most_bytes(adapter, script)
        try:
            answer = self._request_of_cell(adapter, cell, request, (), deadline, most)
            if not isinstance(answer, Fault):
                return answers.trajectory(adapter, script, answer)
            fault = answer
        except WrongAnswer as error:
            fault = self._lost(adapter, cell, error)
        except (WorkerError, ValueError) as error:
            if adapter.declared or isinstance(error, ForkServerGone):
                raise
            # A class without an adapter of its own may have left this process in any state, and answer by itself.
            key = self._key_of(adapter, cell)
            message = f"its process cannot go on: {answers.last_line(error)}"
            fault = Fault("malformed", message, self.live.step_reached(key))
            self.live.drop(key)
        return unobserved(script, adapter.states, fault)

    def record_cell(
        self, adapter: Adapter, cell: Cell, message: Mapping[str, Any], arrays: wire.Arrays = ()
    ) -> Recording | Fault:
        """Return the recording of ``cell`` that ``message`` requests (see ``serve``), or how its process ended.

        Raises as ``run`` does.
        """
        answer = self._request_of_cell(adapter, cell, message, arrays, None)
        return answer if isinstance(answer, Fault) else dataclass_codec.decode(Recording, *answer)

    def record_library(self, message: Mapping[str, Any]) -> Recording:
        """Return a recording that is of no cell, as of a class's API; raises TargetError, WorkerDied, WorkerTimeout."""
        key = _key_without_cell()
        try:
            answer = self._request(self.live.get(key, spawned=not can_fork()), message, self.deadline)
        except (WorkerTimeout, WorkerDied):
            self.live.drop(key)
            raise
        return dataclass_codec.decode(Recording, *answer)

    def _request_of_cell(
        self,
        adapter: Adapter,
        cell: Cell,
        message: Mapping[str, Any],
        arrays: wire.Arrays,
        deadline: float | None,
        most: int = wire.MOST,
    ) -> Answer | Fault:
        """Return the answer of a worker that has opened ``cell``, or how the worker ended."""
        timeout = deadline if deadline is not None else self.deadline * (10.0 if _compiles(adapter, cell) else 1.0)
        spawned = _needs_own_process(adapter, cell)
        key = self._key_of(adapter, cell)
        try:
            worker = self.live.get(key, spawned=spawned)
            worker.file = answers.source_file(adapter.target)
            if spawned:
                self._initialize(worker, cell.device)
            self.live.open_cell(key, adapter, cell, self._json_of(adapter))
            return self._request(worker, message, timeout, arrays, most)
        except WorkerTimeout:
            fault = Fault("hung", f"no answer within {timeout:g} s", self.live.step_reached(key))
            self.live.drop(key)
            return fault
        except WorkerDied as error:
            return self._lost(adapter, cell, error)
        except (TargetError, ValueError):
            raise
        except BaseException:
            self.live.drop(key)
            raise

    def _key_of(self, adapter: Adapter, cell: Cell) -> Key:
        """Return the key of the worker that runs ``cell``.

        A class without an adapter of its own may leave anything behind in its process, so that each of its cells gets a
        fresh one. Libraries' classes are trusted to share: a process for each costs more than all their steps.
        """
        if _needs_own_process(adapter, cell):
            return _SPAWNED
        shared = adapter.declared and not adapter.inherits
        return ("forked", cell.target) if shared else (cell, self._json_of(adapter))

    def _lost(self, adapter: Adapter, cell: Cell, error: WorkerDied) -> Fault:
        """Return the fault of a subject whose worker has ended, or is of no more use, and end the worker."""
        key = self._key_of(adapter, cell)
        fault = Fault("crashed", error.reason, self.live.step_reached(key))
        self.live.drop(key)
        return fault

    def environment(self) -> dict[str, Any]:
        """Return the workers' versions ("torch", "python", "platform") and "devices"; requested once.

        Forked workers see no accelerator, so where torch is built for one, a spawned worker answers instead; where
        that dies, the CPU is the only device.
        """
        if self._environment is None:
            answer = self._request_without_cell({"ask": "environment"}, {"torch": str, "accelerator": str})
            if answer["accelerator"] and can_fork():
                try:
                    worker = self.live.get(_SPAWNED, spawned=True)
                    answer, _ = self._request(worker, {"ask": "environment"}, START_TIMEOUT)
                except (WorkerTimeout, WorkerDied):
                    self.live.drop(_SPAWNED)
            self._environment = answer
        return self._environment

    def optimizers(self, library: str) -> list[str]:
        """Return the names of the public optimizer classes in the module ``library``."""
        return list(self._request_without_cell({"ask": "optimizers", "library": library}, {"names": list})["names"])

    def signature(self, target: str) -> dict[str, Any]:
        """Return what ``target`` takes; see ``description.Source``. Raises TargetError."""
        return self._request_without_cell({"ask": "signature", "target": target}, _SIGNATURE)

    def fit(self, target: str, claim: Claim, *, steps: int = len(PROBE_GRADIENTS)) -> dict[str, Any]:
        """Return ``target`` matched to ``claim``; see ``description.Source``. Raises TargetError and NoMatch."""
        message = {"ask": "fit", "target": target, "claim": dataclass_codec.encode(claim), "steps": steps}
        key, timeout = _key_without_cell(), min(self.deadline, TRIAL_TIMEOUT)
        try:
            worker = self.live.get(key, spawned=not can_fork())
            worker.file = answers.source_file(target)
            answer, _ = self._request(worker, message, timeout)
            dataclass_codec.decode(Adapter, answer["adapter"])
            return answers.checked(answer, _FIT)
        except WorkerTimeout:
            ended = f"no answer within {timeout:g} s"
        except WorkerDied as error:
            ended = error.reason
        except (TargetError, NoMatch):
            raise
        except (WorkerError, ValueError, TypeError, LookupError, AttributeError) as error:
            ended = f"its process cannot go on: {answers.last_line(error)}"
        self.live.drop(key)
        return {"ended": ended}

    def run_program(self, text: str) -> str:
        """Return what the program ``text`` does in a process of its own: "passes", "fails" or "raises ...".

        The process has imported torch and nothing of a subject. One that dies "fails"; "" where the program does not
        end within the deadline or where processes cannot be forked.
        """
        if not can_fork():
            return ""
        timeout = min(self.deadline, TRIAL_TIMEOUT)
        try:
            answer, _ = self._request(self.live.get(_PROGRAM, spawned=False), {"ask": "program", "text": text}, timeout)
            return str(answer["status"])
        except WorkerTimeout:
            return ""
        except WorkerDied:
            return FAILS
        finally:
            self.live.drop(_PROGRAM)

    def refusal(self, adapter: Adapter, mode: str, dtype: str, device: str) -> str | None:
        """Return why a cell is refused; see ``description.Source``."""
        message = {"ask": "refusal", "adapter": dataclass_codec.encode(adapter), "mode": mode, "dtype": dtype}
        spawned = device != "cpu" or not can_fork()
        key = _SPAWNED if spawned else _WITHOUT_CELL
        timeout = self.deadline if spawned else min(self.deadline, TRIAL_TIMEOUT)
        try:
            worker = self.live.get(key, spawned=spawned)
            if spawned:
                self._initialize(worker, device)
            answer, _ = self._request(worker, {**message, "device": device}, timeout)
            return printable(answers.checked(answer, {"reason": str})["reason"])
        except (WorkerTimeout, WorkerDied):
            self.live.drop(key)
            return None

    def describe(self, target: str, claim: Claim | None = None) -> dict[str, Any]:
        """Return what ``target`` offers; see ``description.describe``. Raises TargetError and NoMatch."""
        return description.describe(self, target, claim)

    def _request_without_cell(self, message: Mapping[str, Any], kinds: answers.Kinds) -> dict[str, Any]:
        key = _key_without_cell()
        try:
            worker = self.live.get(key, spawned=not can_fork())
            worker.file = answers.source_file(message.get("target", ""))
            answer, _ = self._request(worker, message, self.deadline)
            return answers.checked(answer, kinds)
        except (WorkerTimeout, WorkerDied) as error:
            self.live.drop(key)
            late = f"no answer within {self.deadline:g} s; {MAIN_GUARD_HINT}"
            reason = error.reason if isinstance(error, WorkerDied) else late
            if "target" in message:
                raise TargetError(f"{message['target']}: importing it: {reason}") from error
            raise WorkerError(reason) from error

    def _request(
        self,
        worker: Transport,
        message: Mapping[str, Any],
        timeout: float,
        arrays: wire.Arrays = (),
        most: int = wire.MOST,
    ) -> Answer:
        """Return the answer of ``worker``; an error that it answers is raised."""
        try:
            header, answered = worker.request(message, timeout, arrays, most)
        except wire.ProtocolError as error:
            raise WrongAnswer(error) from error
        if "error" in header:
            raise answers.answered_error(header["error"])
        return header, answered

    def _json_of(self, adapter: Adapter) -> str:
        """Return ``adapter`` as text, written once for as long as it is the one in use."""
        if self._adapter_json is None or self._adapter_json[0] is not adapter:
            self._adapter_json = (adapter, json.dumps(dataclass_codec.encode(adapter), sort_keys=True))
        return self._adapter_json[1]

    def _initialize(self, worker: Transport, device: str) -> None:
        """Wait until a spawned worker has imported torch and started ``device``, which counts for no script's time."""
        if (id(worker), device) in self.live.initialized:
            return
        message = {"ask": "wake", "device": device, "memory": self.memory if device == "cpu" else 0}
        try:
            self._request(worker, message, START_TIMEOUT)
        except (WorkerTimeout, WorkerDied) as error:
            reason = error.reason if isinstance(error, WorkerDied) else f"no answer within {START_TIMEOUT:g} s"
            raise WorkerError(f"a worker for {device} did not start: {reason}") from error
        self.live.initialized.add((id(worker), device))


def _runs_alone(script: Script) -> bool:
    """Return whether nothing else should run in a process after ``script``.

    A ``torch.optim.Optimizer`` wraps the step of its class, for good, when it is constructed, but also when it is
    loaded, copied, or asked to reset gradients: a class that never called the constructor is another one afterwards.
    """
    return "fresh_process" in script.invocation or any(step.reload or step.zero_grad for step in script.steps)


def _key_without_cell() -> Key:
    return _WITHOUT_CELL if can_fork() else _SPAWNED


def _compiles(adapter: Adapter, cell: Cell) -> bool:
    """Return whether something is compiled for each script; JAX compiles each operation by itself, too."""
    return cell.mode == "compiled" or adapter.compiler == "jax"


def _needs_own_process(adapter: Adapter, cell: Cell) -> bool:
    return compiles_slowly(adapter, cell.mode) or cell.device != "cpu" or not can_fork()
