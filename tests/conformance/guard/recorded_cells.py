"""Real recordings of single cells, and their numbers altered as another torch might have left them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stepcheck.guard.comparison.compare import compare
from stepcheck.guard.comparison.difference import Difference
from stepcheck.guard.comparison.number_diff import arithmetics_of
from stepcheck.guard.comparison.run_pair import RunPair
from stepcheck.guard.corpus.cell_spec import CellSpec
from stepcheck.guard.corpus.corpus import corpus
from stepcheck.guard.corpus.record_cell import record_cell
from stepcheck.guard.corpus.selection import Selection
from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_implementations.recorder.recording import Recording, to_recording, to_trajectory
from stepcheck_implementations.workers.pool import Workers
from stepcheck_reference import dataclass_codec, rules
from stepcheck_reference.oracle.judge import judge_all
from stepcheck_reference.oracle.judgement import Field
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.script_json import from_json
from stepcheck_reference.scripts.trajectory import Trace, Trajectory

Change = Callable[[Trajectory], Trajectory]


@dataclass(frozen=True, slots=True)
class RecordedCell:
    """A cell and its recording."""

    spec: CellSpec
    recording: Recording

    def script(self, label: str) -> Script:
        """Return the script with a label."""
        return next(s for s in map(from_json, self.spec.request["scripts"]) if s.label == label)

    def trajectory(self, label: str) -> Trajectory:
        """Return the trajectory of the script with a label."""
        return to_trajectory(self.script(label), self.run(label))

    def run(self, label: str) -> Recording:
        """Return the recording of one script."""
        tensors = self.recording.tensors.items()
        own = {name.partition("/")[2]: values for name, values in tensors if name.partition("/")[0] == label}
        return Recording(self.recording.facts["runs"][label], own)

    def altered(self, label: str, *changes: Change) -> Recording:
        """Return the recording with the run of one script changed."""
        run, trajectory = self.run(label), self.trajectory(label)
        for change in changes:
            trajectory = change(trajectory)
        changed_run = to_recording(self.script(label), trajectory)
        facts = {**self.recording.facts["runs"], label: {**changed_run.facts, "warnings": run.facts["warnings"]}}
        others = {name: v for name, v in self.recording.tensors.items() if name.partition("/")[0] != label}
        unmapped = {name: values for name, values in run.tensors.items() if name.startswith("beside ")}
        own = {f"{label}/{name}": values for name, values in {**changed_run.tensors, **unmapped}.items()}
        return Recording({**self.recording.facts, "runs": facts}, {**others, **own})

    def with_facts(self, label: str, **facts: Any) -> Recording:
        """Return the recording with other facts of one run."""
        runs = self.recording.facts["runs"]
        return replace(
            self.recording, facts={**self.recording.facts, "runs": {**runs, label: {**runs[label], **facts}}}
        )

    def compared(self, new: Recording, old: Recording | None = None) -> Difference:
        """Return how ``new`` differs."""
        return compare(self.spec, self.recording if old is None else old, new)

    def field(self, label: str, output: str, tensor: int) -> Field:
        """Return ratio and radius of every number of one output."""
        script, adapter = self.script(label), dataclass_codec.decode(Adapter, self.spec.adapter)
        trajectory, rule = self.trajectory(label), rules.find(self.spec.rule)
        runs = [RunPair(script, trajectory, trajectory)]
        arithmetics = arithmetics_of(rule, adapter, dataclass_codec.decode(Cell, self.spec.cell), runs)
        (judgement,) = judge_all(rule, [(script, trajectory)], arithmetics, fields=True)
        return judgement.fields[output, tensor]


def record_one(workers: Workers, target: str, cell: str) -> RecordedCell:
    """Record one cell of a class."""
    _, mode, dtype, _ = cell.removeprefix(target.rpartition(".")[2]).rsplit(" ", 3)
    selection = Selection(((target, None),), (mode,), (dtype,))
    (spec,) = [entry for entry in corpus(selection, workers) if entry.id == cell]
    return RecordedCell(spec, record_cell(workers, spec))


def trace(tensor: int, change: Callable[[Trace], Trace]) -> Change:
    """Change the trace of one tensor."""

    def changed(trajectory: Trajectory) -> Trajectory:
        traces = [change(one) if index == tensor else one for index, one in enumerate(trajectory.traces)]
        return replace(trajectory, traces=tuple(traces))

    return changed


def put(output: str, tensor: int, step: int, index: int, value: Callable[[float], float]) -> Change:
    """Put another number where one is after a step; the next step starts from it unless it is a state's."""

    def changed(one: Trace) -> Trace:
        if output != "theta":
            rows = one.states[output].copy()
            rows[step, index] = value(rows[step, index])
            return replace(one, states={**one.states, output: rows})
        theta, before = one.theta.copy(), one.before.copy()
        follows = step < len(theta) and np.array_equal(before[step], theta[step - 1])
        theta[step - 1, index] = value(theta[step - 1, index])
        if follows:
            before[step] = theta[step - 1]
        return replace(one, theta=theta, before=before)

    return trace(tensor, changed)
