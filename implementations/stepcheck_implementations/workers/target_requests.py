"""Requests about targets: what can be asked of workers before there is a cell, and how they are opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from stepcheck_implementations.adapters import libraries
from stepcheck_implementations.adapters.adapter import Adapter
from stepcheck_implementations.driver import memory_limit
from stepcheck_implementations.driver.error_text import printable
from stepcheck_implementations.driver.target import MAIN_GUARD_HINT, TargetError
from stepcheck_implementations.matching import description
from stepcheck_implementations.matching.claim import PROBE_GRADIENTS, Claim
from stepcheck_implementations.matching.hyper_matching import NoMatch
from stepcheck_implementations.workers import checked_answers as answers
from stepcheck_implementations.workers import wire
from stepcheck_implementations.workers.inside.programs import FAILS
from stepcheck_implementations.workers.interpreter import Interpreter
from stepcheck_implementations.workers.live_workers import Key, LiveWorkers, can_fork
from stepcheck_implementations.workers.transport import (
    START_TIMEOUT,
    Answer,
    Transport,
    WorkerDied,
    WorkerError,
    WorkerTimeout,
    WrongAnswer,
)
from stepcheck_reference import dataclass_codec

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

SPAWNED: Key = ("spawned",)
_WITHOUT_CELL: Key = ("without cell",)
_PROGRAM: Key = ("program",)


class TargetRequests:
    """Open workers, and what they say of targets and of their environment; see ``Workers``."""

    isolated = True
    """Whether what a target does is left behind in a process of its own."""

    def __init__(self, interpreter: Interpreter, address: str | None, deadline: float, memory: int | None) -> None:
        self.interpreter, self.deadline = interpreter, deadline
        self.memory = memory_limit.default_limit() if memory is None else memory
        self._borrowed = address
        self._environment: dict[str, Any] | None = None

    def __enter__(self) -> Self:
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

    def environment(self) -> dict[str, Any]:
        """Return the workers' versions ("torch", "python", "platform") and "devices"; requested once.

        Forked workers see no accelerator, so where torch is built for one, a spawned worker answers instead; where
        that dies, the CPU is the only device.
        """
        if self._environment is None:
            answer = self._request_without_cell({"ask": "environment"}, {"torch": str, "accelerator": str})
            if answer["accelerator"] and can_fork():
                try:
                    worker = self.live.get(SPAWNED, spawned=True)
                    answer, _ = self.request(worker, {"ask": "environment"}, START_TIMEOUT)
                except (WorkerTimeout, WorkerDied):
                    self.live.drop(SPAWNED)
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
        key, timeout = key_without_cell(), min(self.deadline, TRIAL_TIMEOUT)
        try:
            worker = self.live.get(key, spawned=not can_fork())
            worker.file = answers.source_file(target)
            answer, _ = self.request(worker, message, timeout)
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

    def read(
        self, target: str, *, configuration: str, mode: str, options: Mapping[str, Any], dtype: str = "float32"
    ) -> dict[str, Any]:
        """Return the equations of ``target`` as plain data; see ``reader.answer``. Raises TargetError.

        It runs in a process that is discarded afterwards.
        """
        message = {"ask": "read", "target": target, "configuration": configuration, "mode": mode}
        answer = self._request_apart({**message, "dtype": dtype, "options": dict(options)}, "reading it")
        return dict(answers.checked(answer, {"reading": dict})["reading"])

    def observe(
        self,
        target: str,
        *,
        configuration: str,
        mode: str,
        options: Mapping[str, Any],
        experiments: Sequence[Mapping[str, Any]],
    ) -> list[list[list[float]]]:
        """Return where ``target`` takes its parameter in ``experiments``; see ``observed_run``. Raises TargetError.

        It runs in a process that is discarded afterwards.
        """
        message = {"ask": "observe", "target": target, "configuration": configuration, "mode": mode}
        given = {"options": dict(options), "experiments": [dict(experiment) for experiment in experiments]}
        answer = self._request_apart({**message, **given}, "observing its steps")
        return list(answers.checked(answer, {"theta": list})["theta"])

    def _request_apart(self, message: Mapping[str, Any], doing: str) -> dict[str, Any]:
        """Return the answer of a process that is discarded afterwards; raises TargetError where there is none."""
        target, timeout = message["target"], self.deadline
        self.live.drop(key_without_cell())
        try:
            worker = self.live.get(key_without_cell(), spawned=not can_fork())
            worker.file = answers.source_file(target)
            if can_fork():  # the import may take seconds, as JAX' does, but no step of what is imported
                self.request(worker, {"ask": "signature", "target": target}, timeout)
                timeout = min(self.deadline, TRIAL_TIMEOUT)
            return self.request(worker, message, timeout)[0]
        except WorkerTimeout as error:
            raise TargetError(f"{target}: {doing}: no answer within {timeout:g} s") from error
        except WorkerDied as error:
            raise TargetError(f"{target}: {doing}: {error.reason}") from error
        except WorkerError as error:
            raise TargetError(f"{target}: {doing}: {answers.last_line(error)}") from error
        finally:
            self.live.drop(key_without_cell())

    def run_program(self, text: str) -> str:
        """Return what the program ``text`` does in a process of its own: "passes", "fails" or "raises ...".

        The process has imported torch and nothing of a subject. One that dies "fails"; "" where the program does not
        end within the deadline or where processes cannot be forked.
        """
        if not can_fork():
            return ""
        timeout = min(self.deadline, TRIAL_TIMEOUT)
        try:
            answer, _ = self.request(self.live.get(_PROGRAM, spawned=False), {"ask": "program", "text": text}, timeout)
            return str(answers.checked(answer, {"status": str})["status"])
        except (WorkerTimeout, WorkerError):
            return ""
        except WorkerDied:
            return FAILS
        finally:
            self.live.drop(_PROGRAM)

    def refusal(self, adapter: Adapter, mode: str, dtype: str, device: str) -> str | None:
        """Return why a cell is refused; see ``description.Source``."""
        message = {"ask": "refusal", "adapter": dataclass_codec.encode(adapter), "mode": mode, "dtype": dtype}
        spawned = device != "cpu" or not can_fork()
        key = SPAWNED if spawned else _WITHOUT_CELL
        timeout = self.deadline if spawned else min(self.deadline, TRIAL_TIMEOUT)
        try:
            worker = self.live.get(key, spawned=spawned)
            if spawned:
                self.initialize(worker, device)
            answer, _ = self.request(worker, {**message, "device": device}, timeout)
            return printable(answers.checked(answer, {"reason": str})["reason"])
        except (WorkerTimeout, WorkerDied):
            self.live.drop(key)
        except (WorkerError, ValueError):
            self.live.drop(key)
            if adapter.declared:
                raise
        return None

    def describe(self, target: str, claim: Claim | None = None) -> dict[str, Any]:
        """Return what ``target`` offers; see ``description.describe``. Raises TargetError and NoMatch."""
        return description.describe(self, target, claim)

    def _request_without_cell(self, message: Mapping[str, Any], kinds: answers.Kinds) -> dict[str, Any]:
        key = key_without_cell()
        try:
            worker = self.live.get(key, spawned=not can_fork())
            worker.file = answers.source_file(message.get("target", ""))
            answer, _ = self.request(worker, message, self.deadline)
            return answers.checked(answer, kinds)
        except (WorkerTimeout, WorkerDied) as error:
            self.live.drop(key)
            late = f"no answer within {self.deadline:g} s; {MAIN_GUARD_HINT}"
            reason = error.reason if isinstance(error, WorkerDied) else late
        except WorkerError as error:
            self.live.drop(key)
            reason = f"its process cannot go on: {answers.last_line(error)}"
            if "target" not in message or libraries.find(message["target"]) is not None:
                raise
        if "target" in message:
            raise TargetError(f"{message['target']}: importing it: {reason}")
        raise WorkerError(reason)

    def request(
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

    def initialize(self, worker: Transport, device: str) -> None:
        """Wait until a spawned worker has imported torch and started ``device``, which counts for no script's time."""
        if (id(worker), device) in self.live.initialized:
            return
        message = {"ask": "wake", "device": device, "memory": self.memory if device == "cpu" else 0}
        try:
            self.request(worker, message, START_TIMEOUT)
        except (WorkerTimeout, WorkerDied) as error:
            reason = error.reason if isinstance(error, WorkerDied) else f"no answer within {START_TIMEOUT:g} s"
            raise WorkerError(f"a worker for {device} did not start: {reason}") from error
        self.live.initialized.add((id(worker), device))


def key_without_cell() -> Key:
    """Return the key of the worker for requests that are about no cell."""
    return _WITHOUT_CELL if can_fork() else SPAWNED
