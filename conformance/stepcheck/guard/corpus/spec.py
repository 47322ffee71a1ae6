"""What a worker is asked about one cell, as plain data that can be written down and asked again elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.recorder.recording import Recording, to_recording
from stepcheck_implementations.workers import wire
from stepcheck_implementations.workers.pool import failed_trajectory
from stepcheck_implementations.workers.transport import WorkerDied, WorkerTimeout
from stepcheck_reference import dataclass_codec
from stepcheck_reference.scripts.script_json import from_json
from stepcheck_reference.scripts.trajectory import Fault

STEPS, CHECKPOINT, SURFACE, SCHEDULE = "steps", "checkpoint", "api", "schedule"
"""Kinds of cells: an optimizer's steps, going on from a saved state dict, what a class offers, a scheduler's rates."""

OTHER_WAYS = "other ways"
"""What the name of a cell ends with that is driven in other ways than plainly."""

KINDS = (STEPS, CHECKPOINT, SCHEDULE, SURFACE)


@dataclass(frozen=True, slots=True)
class Asked:
    """One cell and what a worker is asked about it.

    ``target`` is the class, or the library, that it is about; ``request`` is what the worker's loop gets (see
    ``serve``), and ``adapter`` and ``cell`` what is opened before, None where nothing is. ``rule`` names the update
    rule that its steps are held to, "" where there is none. ``arrays`` go with the request.
    """

    id: str
    kind: str
    target: str
    request: Mapping[str, Any]
    adapter: Mapping[str, Any] | None = None
    cell: Mapping[str, Any] | None = None
    rule: str = ""
    arrays: wire.Arrays = ()


class Recorder(Protocol):
    """Whoever has workers: see ``Workers``."""

    def record_cell(
        self, adapter: Adapter, cell: Cell, request: Mapping[str, Any], arrays: wire.Arrays = ()
    ) -> Recording | Fault:
        """Return what a cell did, or how its process ended."""

    def record_library(self, request: Mapping[str, Any]) -> Recording:
        """Return what is said without a cell."""


def record(workers: Recorder, asked: Asked) -> Recording:
    """Return what ``asked`` comes to; what ends the worker's process is a fault of the script that did."""
    if asked.adapter is None or asked.cell is None:
        try:
            return workers.record_library(asked.request)
        except TargetError as error:
            return Recording({"absent": str(error)}, {})
        except (WorkerDied, WorkerTimeout) as error:
            return Recording({"absent": error.reason if isinstance(error, WorkerDied) else "no answer in time"}, {})
    adapter, cell = dataclass_codec.decode(Adapter, asked.adapter), dataclass_codec.decode(Cell, asked.cell)
    try:
        found = workers.record_cell(adapter, cell, asked.request, asked.arrays)
        if isinstance(found, Recording):
            return found
        if asked.kind != STEPS or len(asked.request["scripts"]) == 1:
            return _ended(asked, adapter, found)
    except TargetError as error:
        return Recording({"absent": str(error)}, {})
    alone = [
        record(workers, replace(asked, request={**asked.request, "scripts": [s]})) for s in asked.request["scripts"]
    ]
    if all("absent" in one.facts for one in alone):
        return alone[0]
    runs = {label: facts for one in alone for label, facts in one.facts.get("runs", {}).items()}
    return Recording({"runs": runs}, {name: values for one in alone for name, values in one.tensors.items()})


def _ended(asked: Asked, adapter: Adapter, fault: Fault) -> Recording:
    """Return the recording of a run whose process ended with it; no step of it is known."""
    steps = asked.kind == STEPS
    script = from_json(asked.request["scripts"][0] if steps else asked.request["script"])
    found = to_recording(script, failed_trajectory(adapter, script, fault))
    facts = {**found.facts, "warnings": []}
    if not steps:
        return Recording(facts, found.tensors)
    tensors = {f"{script.label}/{name}": values for name, values in found.tensors.items()}
    return Recording({"runs": {script.label: facts}}, tensors)
