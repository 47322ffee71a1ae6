"""Worker processes, for a parent that never imports torch.

A subject that crashes or hangs takes its worker with it, never the parent: the trajectory says so, and the next
script gets a fresh one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from stepcheck_implementations.adapters.adapter import Adapter, Cell, compiles_slowly
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_implementations.workers import checked_answers as answers
from stepcheck_implementations.workers import wire
from stepcheck_implementations.workers.interpreter import Interpreter
from stepcheck_implementations.workers.live_workers import Key, can_fork
from stepcheck_implementations.workers.target_requests import DEADLINE, SPAWNED, TargetRequests, key_without_cell
from stepcheck_implementations.workers.transport import (
    Answer,
    ForkServerGone,
    WorkerDied,
    WorkerError,
    WorkerTimeout,
    WrongAnswer,
)
from stepcheck_reference import dataclass_codec
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.script_json import to_json
from stepcheck_reference.scripts.trajectory import Fault, Trajectory, unobserved

_MOST_KILLS = 2
"""Fork servers that a target may kill, which take seconds to start, before it is not run any more."""


class Workers(TargetRequests):
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
        super().__init__(interpreter or Interpreter.own(), address, deadline, memory)
        self._adapter_json: tuple[Adapter, str] | None = None
        self._ran_last = ""
        self._killed: Counter[str] = Counter()
        """How often the fork server was found killed after a target had run."""

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
            if _is_trusted(adapter) or isinstance(error, ForkServerGone):
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
        key = key_without_cell()
        try:
            answer = self.request(self.live.get(key, spawned=not can_fork()), message, self.deadline)
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
        key, before = self._key_of(adapter, cell), self.live.replacements
        if self._killed[adapter.target] >= _MOST_KILLS and not _is_trusted(adapter):
            return Fault("crashed", f"it killed the process that starts workers {_MOST_KILLS} times", 0)
        try:
            worker = self.live.get(key, spawned=spawned)
            self._killed[adapter.target] += self.live.replacements > before and self._ran_last == adapter.target
            self._ran_last = adapter.target
            worker.file = answers.source_file(adapter.target)
            if spawned:
                self.initialize(worker, cell.device)
            self.live.open_cell(key, adapter, cell, self._json_of(adapter))
            return self.request(worker, message, timeout, arrays, most)
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
            return SPAWNED
        return ("forked", cell.target) if _is_trusted(adapter) else (cell, self._json_of(adapter))

    def _lost(self, adapter: Adapter, cell: Cell, error: WorkerDied) -> Fault:
        """Return the fault of a subject whose worker has ended, or is of no more use, and end the worker."""
        key = self._key_of(adapter, cell)
        fault = Fault("crashed", error.reason, self.live.step_reached(key))
        self.live.drop(key)
        return fault

    def _json_of(self, adapter: Adapter) -> str:
        """Return ``adapter`` as text, written once for as long as it is the one in use."""
        if self._adapter_json is None or self._adapter_json[0] is not adapter:
            self._adapter_json = (adapter, json.dumps(dataclass_codec.encode(adapter), sort_keys=True))
        return self._adapter_json[1]


def _is_trusted(adapter: Adapter) -> bool:
    """Return whether the class is a library's own."""
    return adapter.declared and not adapter.inherits


def _runs_alone(script: Script) -> bool:
    """Return whether nothing else should run in a process after ``script``.

    A ``torch.optim.Optimizer`` wraps the step of its class, for good, when it is constructed, but also when it is
    loaded, copied, or asked to reset gradients: a class that never called the constructor is another one afterwards.
    """
    return "fresh_process" in script.invocation or any(step.reload or step.zero_grad for step in script.steps)


def _compiles(adapter: Adapter, cell: Cell) -> bool:
    """Return whether something is compiled for each script; JAX compiles each operation by itself, too."""
    return cell.mode == "compiled" or adapter.compiler == "jax"


def _needs_own_process(adapter: Adapter, cell: Cell) -> bool:
    return compiles_slowly(adapter, cell.mode) or cell.device != "cpu" or not can_fork()
