"""A worker's loop: one request in, one answer out, until the other end is gone."""

from __future__ import annotations

import mmap
import struct
import traceback
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_implementations.driver import execution, memory_limit
from stepcheck_implementations.driver.target import TargetError, load
from stepcheck_implementations.matching import inspection
from stepcheck_implementations.matching.claim import Claim
from stepcheck_implementations.matching.hyper_matching import NoMatch
from stepcheck_implementations.reader import read_target
from stepcheck_implementations.reader.observing import observed_run
from stepcheck_implementations.recorder import api, recorder, scheduler_runs
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_implementations.workers import wire
from stepcheck_implementations.workers.inside import programs
from stepcheck_reference import dataclass_codec
from stepcheck_reference.scripts.script_json import from_json
from stepcheck_reference.scripts.trajectory import Trajectory

_STEP = struct.Struct("<q")

_script = lru_cache(maxsize=128)(from_json)
"""Modes of one configuration are put through the same scripts, one mode after another."""

Answer = tuple[dict[str, Any], list[Any]]


def serve(read: wire.Read, send: wire.Send) -> None:
    """Answer requests until ``read`` raises EOFError.

    A request is {"ask": ...}: "open" (adapter, cell, reached: the path of 8 bytes that hold the step being taken; it
    has no answer), "run" (script), "wake" (device, memory), "environment", "optimizers" (library), "signature"
    (target), "fit" (target, claim, steps), "read" (target, configuration, mode, options, dtype), "observe" (target,
    configuration, mode, options, experiments), "refusal" (adapter, mode, dtype, device), "program" (text). Of the cell
    that is open: "record" (scripts, unread), "checkpoint" (script, at), "resume" (script, saved, and the arrays of what
    was saved). Of no cell: "surface" (target), "library_surface" (library), "schedule" (recipe), "schedulers". The last
    seven are answered by a recording; guard's baselines hold their requests, so that their names and keys stay. An
    answer holds "error" (its kind and message) where the request could not be served.
    """
    session = _Session()
    while True:
        try:
            message, arrays = wire.unpack(read)
        except EOFError:
            return
        answer, answered = _answer(session, message, arrays)
        if message["ask"] != "open" or "error" in answer:
            send(wire.pack(answer, answered))
        del answer, answered


class _Session:
    """The cell that is open, and the memory in which its steps are counted."""

    def __init__(self) -> None:
        self.cell: tuple[Adapter, Cell] | None = None
        self.reached: mmap.mmap | None = None

    def open(self, message: Mapping[str, Any]) -> None:
        """Let the requests that follow be about the cell of ``message``."""
        adapter = dataclass_codec.decode(Adapter, message["adapter"])
        self.cell = (adapter, dataclass_codec.decode(Cell, message["cell"]))
        if self.reached is None:
            with open(message["reached"], "r+b") as file:
                self.reached = mmap.mmap(file.fileno(), _STEP.size)

    def opened(self) -> tuple[Adapter, Cell]:
        """Return the cell that is open, at step 0."""
        if self.cell is None:
            raise ValueError("a request about a cell before any was opened")
        self.note(0)
        return self.cell

    def note(self, step: int) -> None:
        """Write down which step is taken, where the parent reads it if this process does not survive the step."""
        if self.reached is not None:
            _STEP.pack_into(self.reached, 0, step)


def _answer(session: _Session, message: Mapping[str, Any], arrays: wire.Arrays) -> Answer:
    """Return the answer to ``message``, which is an error where it raises one."""
    try:
        name = message["ask"]
        if name == "open":
            session.open(message)
            return {}, []
        result: Trajectory | Recording | dict[str, Any]
        if name in _OF_CELL:
            result = _OF_CELL[name](session, message, arrays)
        elif name in _OF_NO_CELL:
            result = _OF_NO_CELL[name](message)
        else:
            raise ValueError(f"ask={name!r}")
        answered: list[Any] = []
        return (result if isinstance(result, dict) else dataclass_codec.encode(result, answered)), answered
    except NoMatch as error:
        return {"error": ["nomatch", str(error), list(error.missing), error.left]}, []
    except TargetError as error:
        return {"error": ["target", str(error)]}, []
    except ValueError as error:
        return {"error": ["value", str(error)]}, []
    except BaseException:
        return {"error": ["internal", traceback.format_exc()]}, []


def _run(session: _Session, message: Mapping[str, Any], _: wire.Arrays) -> Trajectory:
    adapter, cell = session.opened()
    return execution.run(adapter, cell, _script(message["script"]), reached=session.note)


def _record(session: _Session, message: Mapping[str, Any], _: wire.Arrays) -> Recording:
    scripts = [_script(text) for text in message["scripts"]]
    return recorder.record(*session.opened(), scripts, unread=message["unread"], reached=session.note)


def _checkpoint(session: _Session, message: Mapping[str, Any], _: wire.Arrays) -> Recording:
    script = _script(message["script"])
    return recorder.checkpoint(*session.opened(), script, message["at"], reached=session.note)


def _resume(session: _Session, message: Mapping[str, Any], arrays: wire.Arrays) -> Recording:
    script = _script(message["script"])
    return recorder.resume(*session.opened(), script, message["saved"], arrays, reached=session.note)


def _initialize_device(message: Mapping[str, Any]) -> dict[str, Any]:
    memory_limit.limit(message["memory"])
    execution.initialize_device(message["device"])
    return {}


def _fit(message: Mapping[str, Any]) -> dict[str, Any]:
    claim = dataclass_codec.decode(Claim, message["claim"])
    return inspection.fit(load(message["target"]), message["target"], claim, message["steps"])


def _read(message: Mapping[str, Any]) -> dict[str, Any]:
    target = message["target"]
    options = {name: message[name] for name in ("configuration", "mode", "options", "dtype") if name in message}
    return {"reading": read_target.read(load(target), target, **options)}


def _observe(message: Mapping[str, Any]) -> dict[str, Any]:
    target = message["target"]
    given = {name: message[name] for name in ("configuration", "mode", "options", "experiments")}
    return observed_run.observe(load(target), target, **given)


def _refusal(message: Mapping[str, Any]) -> dict[str, Any]:
    adapter = dataclass_codec.decode(Adapter, message["adapter"])
    return {"reason": inspection.refusal(adapter, message["mode"], message["dtype"], message["device"])}


def _program(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"status": programs.run(message["text"])}


def _scheduler_apis(_: Mapping[str, Any]) -> Recording:
    return Recording({name: scheduler_runs.scheduler_api(name) for name in scheduler_runs.schedulers()}, {})


_OF_CELL: Mapping[str, Callable[[_Session, Mapping[str, Any], wire.Arrays], Trajectory | Recording]] = {
    "run": _run,
    "record": _record,
    "checkpoint": _checkpoint,
    "resume": _resume,
}
_OF_NO_CELL: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any] | Recording]] = {
    "wake": _initialize_device,
    "environment": lambda _: inspection.environment(),
    "optimizers": lambda message: {"names": inspection.optimizers(message["library"])},
    "program": _program,
    "signature": lambda message: inspection.signature(message["target"]),
    "fit": _fit,
    "read": _read,
    "observe": _observe,
    "refusal": _refusal,
    "surface": lambda message: Recording(api.target_api(message["target"]), {}),
    "library_surface": lambda message: Recording(api.library_api(message["library"]), {}),
    "schedule": lambda message: Recording(*scheduler_runs.schedule(message["recipe"])),
    "schedulers": _scheduler_apis,
}
