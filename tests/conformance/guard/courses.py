"""Real recordings of single cells, and their numbers altered as another torch might have left them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stepcheck.guard.comparison.compare import compare
from stepcheck.guard.comparison.difference import Difference
from stepcheck.guard.comparison.rounding import Course, _arithmetics
from stepcheck.guard.corpus import spec as asking
from stepcheck.guard.corpus.corpus import Wanted, corpus
from stepcheck.guard.corpus.spec import Asked
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
class Made:
    """A cell and what it did."""

    asked: Asked
    recording: Recording

    def script(self, label: str) -> Script:
        """Return the script with a label."""
        return next(s for s in map(from_json, self.asked.request["scripts"]) if s.label == label)

    def course(self, label: str) -> Trajectory:
        """Return what came of the script with a label."""
        return to_trajectory(self.script(label), self.run(label))

    def run(self, label: str) -> Recording:
        """Return the recording of one script."""
        tensors = self.recording.tensors.items()
        mine = {name.partition("/")[2]: values for name, values in tensors if name.partition("/")[0] == label}
        return Recording(self.recording.facts["runs"][label], mine)

    def altered(self, label: str, *changes: Change) -> Recording:
        """Return the recording with the run of one script changed."""
        run, course = self.run(label), self.course(label)
        for change in changes:
            course = change(course)
        made = to_recording(self.script(label), course)
        facts = {**self.recording.facts["runs"], label: {**made.facts, "warnings": run.facts["warnings"]}}
        others = {name: v for name, v in self.recording.tensors.items() if name.partition("/")[0] != label}
        beside = {name: values for name, values in run.tensors.items() if name.startswith("beside ")}
        mine = {f"{label}/{name}": values for name, values in {**made.tensors, **beside}.items()}
        return Recording({**self.recording.facts, "runs": facts}, {**others, **mine})

    def told(self, label: str, **facts: Any) -> Recording:
        """Return the recording with other facts of one run."""
        runs = self.recording.facts["runs"]
        return replace(
            self.recording, facts={**self.recording.facts, "runs": {**runs, label: {**runs[label], **facts}}}
        )

    def compared(self, new: Recording, old: Recording | None = None) -> Difference:
        """Return how ``new`` differs."""
        return compare(self.asked, self.recording if old is None else old, new)

    def field(self, label: str, output: str, tensor: int) -> Field:
        """Return what the oracle says of every number of one output."""
        script, adapter = self.script(label), dataclass_codec.decode(Adapter, self.asked.adapter)
        course, rule = self.course(label), rules.find(self.asked.rule)
        runs = [Course(script, course, course)]
        arithmetics = _arithmetics(rule, adapter, dataclass_codec.decode(Cell, self.asked.cell), runs)
        (found,) = judge_all(rule, [(script, course)], arithmetics, fields=True)
        return found.fields[output, tensor]


def made(workers: Workers, target: str, cell: str) -> Made:
    """Record one cell of a class."""
    _, mode, dtype, _ = cell.removeprefix(target.rpartition(".")[2]).rsplit(" ", 3)
    wanted = Wanted(((target, None),), (mode,), (dtype,))
    (asked,) = [entry for entry in corpus(wanted, workers) if entry.id == cell]
    return Made(asked, asking.record(workers, asked))


def trace(tensor: int, change: Callable[[Trace], Trace]) -> Change:
    """Change what happened to one tensor."""

    def changed(course: Trajectory) -> Trajectory:
        traces = [change(one) if index == tensor else one for index, one in enumerate(course.traces)]
        return replace(course, traces=tuple(traces))

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
