"""One cell recorded by a worker, whatever becomes of the worker's process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from stepcheck.guard.corpus.cell_spec import STEPS, CellSpec
from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.recorder.recording import Recording, to_recording
from stepcheck_implementations.workers import wire
from stepcheck_implementations.workers.transport import WorkerDied, WorkerTimeout
from stepcheck_reference import dataclass_codec
from stepcheck_reference.scripts.script_json import from_json
from stepcheck_reference.scripts.trajectory import Fault, unobserved


class Recorder(Protocol):
    """The part of ``Workers`` that recording needs."""

    def record_cell(
        self, adapter: Adapter, cell: Cell, request: Mapping[str, Any], arrays: wire.Arrays = ()
    ) -> Recording | Fault:
        """Return the recording of a cell, or how its process ended."""

    def record_library(self, request: Mapping[str, Any]) -> Recording:
        """Return the answer to a request that opens no cell."""


def record_cell(workers: Recorder, spec: CellSpec) -> Recording:
    """Return the recording of a cell.

    Where a run ends the worker's process, every script runs again in a process of its own: the one that ends it has a
    fault, and the others are recorded as ever.
    """
    if spec.adapter is None or spec.cell is None:
        try:
            return workers.record_library(spec.request)
        except TargetError as error:
            return Recording({"absent": str(error)}, {})
        except (WorkerDied, WorkerTimeout) as error:
            return Recording({"absent": error.reason if isinstance(error, WorkerDied) else "no answer in time"}, {})
    adapter, cell = dataclass_codec.decode(Adapter, spec.adapter), dataclass_codec.decode(Cell, spec.cell)
    try:
        result = workers.record_cell(adapter, cell, spec.request, spec.arrays)
        if isinstance(result, Recording):
            return result
        if spec.kind != STEPS or len(spec.request["scripts"]) == 1:
            return _faulted(spec, adapter, result)
    except TargetError as error:
        return Recording({"absent": str(error)}, {})
    alone = [
        record_cell(workers, replace(spec, request={**spec.request, "scripts": [script]}))
        for script in spec.request["scripts"]
    ]
    if all("absent" in one.facts for one in alone):
        return alone[0]
    runs = {label: facts for one in alone for label, facts in one.facts.get("runs", {}).items()}
    return Recording({"runs": runs}, {name: values for one in alone for name, values in one.tensors.items()})


def _faulted(spec: CellSpec, adapter: Adapter, fault: Fault) -> Recording:
    """Return the recording of a run whose process ended with ``fault``; none of its steps is known."""
    steps = spec.kind == STEPS
    script = from_json(spec.request["scripts"][0] if steps else spec.request["script"])
    recording = to_recording(script, unobserved(script, adapter.states, fault))
    facts = {**recording.facts, "warnings": []}
    if not steps:
        return Recording(facts, recording.tensors)
    tensors = {f"{script.label}/{name}": values for name, values in recording.tensors.items()}
    return Recording({"runs": {script.label: facts}}, tensors)
