"""A worker's loop: one request in, one answer out, until the other end is gone."""

from __future__ import annotations

import mmap
import struct
import traceback
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_implementations.driver.target import TargetError, load
from stepcheck_implementations.matching.claim import Claim
from stepcheck_implementations.matching.generic import NoMatch
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_implementations.workers import wire
from stepcheck_reference import dataclass_codec
from stepcheck_reference.scripts.script_json import from_json

_STEP = struct.Struct("<q")

_script = lru_cache(maxsize=128)(from_json)
"""Modes of one configuration are put through the same scripts, one mode after another."""

Send = Callable[[bytes], None]
Read = Callable[[int], bytearray | bytes]


def serve(read: Read, send: Send) -> None:
    """Answer requests until ``read`` raises EOFError.

    A request is {"ask": ...}: "open" (adapter, cell, reached: the path of 8 bytes that hold the step being
    taken), "run" (script), "wake" (device), "environment", "optimizers" (library), "signature" (target), "fit"
    (target, claim, steps), "refusal" (adapter, mode, dtype, device). Of the cell that is open: "record" (scripts,
    unread), "checkpoint" (script, at), "resume" (script, saved, and the arrays of what was saved). Of no cell:
    "surface" (target), "library_surface" (library), "schedule" (recipe), "schedulers". The last seven are answered by
    "facts", and "names" of the arrays. An answer holds "error" (its kind and message) where the request could not be
    served.
    """
    from stepcheck_implementations.driver import execution
    from stepcheck_implementations.matching import inspection
    from stepcheck_implementations.recorder import api, scheduler_runs

    adapter: Adapter | None = None
    cell: Cell | None = None
    reached: mmap.mmap | None = None

    def note(step: int) -> None:
        if reached is not None:
            _STEP.pack_into(reached, 0, step)

    while True:
        try:
            request, given = wire.unpack(read)
        except EOFError:
            return
        ask = request["ask"]
        arrays: list[Any] = []
        answer: dict[str, Any]
        try:
            if ask == "open":
                adapter = dataclass_codec.decode(Adapter, request["adapter"])
                cell = dataclass_codec.decode(Cell, request["cell"])
                if reached is None:
                    with open(request["reached"], "r+b") as file:
                        reached = mmap.mmap(file.fileno(), _STEP.size)
                continue
            if ask == "run":
                if adapter is None or cell is None:
                    raise ValueError("a script before any cell")
                note(0)
                script = _script(request["script"])
                trajectory = execution.run(adapter, cell, script, reached=note)
                answer = dataclass_codec.encode(trajectory, arrays)
            elif ask in ("record", "checkpoint", "resume"):
                if adapter is None or cell is None:
                    raise ValueError("a recording before any cell")
                note(0)
                answer = dataclass_codec.encode(_recording(request, given, adapter, cell, note), arrays)
            elif ask == "wake":
                execution.initialize_device(request["device"])
                answer = {}
            elif ask == "environment":
                answer = inspection.environment()
            elif ask == "optimizers":
                answer = {"names": inspection.optimizers(request["library"])}
            elif ask == "signature":
                answer = inspection.signature(request["target"])
            elif ask == "fit":
                kind, claim = load(request["target"]), dataclass_codec.decode(Claim, request["claim"])
                answer = inspection.fit(kind, request["target"], claim, request["steps"])
            elif ask == "refusal":
                answer = {
                    "reason": inspection.refusal(
                        dataclass_codec.decode(Adapter, request["adapter"]),
                        request["mode"],
                        request["dtype"],
                        request["device"],
                    )
                }
            elif ask == "surface":
                answer = dataclass_codec.encode(Recording(api.target_api(request["target"]), {}))
            elif ask == "library_surface":
                answer = dataclass_codec.encode(Recording(api.library_api(request["library"]), {}))
            elif ask == "schedule":
                answer = dataclass_codec.encode(Recording(*scheduler_runs.schedule(request["recipe"])), arrays)
            elif ask == "schedulers":
                found = {name: scheduler_runs.scheduler_api(name) for name in scheduler_runs.schedulers()}
                answer = dataclass_codec.encode(Recording(found, {}))
            else:
                raise ValueError(f"ask={ask!r}")
        except NoMatch as error:
            answer = {"error": ["nomatch", str(error), list(error.missing), error.left]}
        except TargetError as error:
            answer = {"error": ["target", str(error)]}
        except ValueError as error:
            answer = {"error": ["value", str(error)]}
        except Exception:
            answer = {"error": ["internal", traceback.format_exc()]}
        send(wire.pack(answer, arrays))
        del arrays, answer


def _recording(
    request: Mapping[str, Any], given: wire.Arrays, adapter: Adapter, cell: Cell, note: Callable[[int], None]
) -> Recording:
    from stepcheck_implementations.recorder import recorder

    if request["ask"] == "record":
        scripts = [_script(text) for text in request["scripts"]]
        return recorder.record(adapter, cell, scripts, unread=request["unread"], reached=note)
    script = _script(request["script"])
    if request["ask"] == "checkpoint":
        return recorder.checkpoint(adapter, cell, script, request["at"], reached=note)
    return recorder.resume(adapter, cell, script, request["saved"], given, reached=note)
