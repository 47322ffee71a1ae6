"""Exact checks: step counts, initial states, and tensors that a step must leave alone; their radius is 0."""

from __future__ import annotations

import numpy as np

from stepcheck_reference.formats import BINARY32, is_complex
from stepcheck_reference.oracle.judged_run import JudgedRun
from stepcheck_reference.oracle.judgement import CountBreak, Deviation
from stepcheck_reference.oracle.starting_points import steps_of


def check_untouched(run: JudgedRun, index: int) -> None:
    """Record where a step without a gradient for tensor ``index`` changed its parameter or an observed state."""
    trace, tensor = run.trajectory.traces[index], run.script.tensors[index]
    idle = sorted(set(range(1, run.trajectory.steps + 1)) - set(steps_of(run, index)))
    if not idle or not tensor.size:
        return
    at = np.array(idle)
    pairs = {"theta": (trace.before[at - 1], trace.theta[at - 1])}
    for name in (*run.observed, *run.observed_scalars):
        if name in trace.states:
            both = trace.present[name][at - 1] & trace.present[name][at]
            pairs[name] = (
                np.where(both[:, None], trace.states[name][at - 1], 0.0),
                np.where(both[:, None], trace.states[name][at], 0.0),
            )
    for name, (before, after) in pairs.items():
        changed = ~((before == after) | (np.isnan(before) & np.isnan(after)))
        if changed.any():
            row, column = np.argwhere(changed)[0]
            run.record(
                Deviation(name, index, idle[row], int(column), float(after[row, column]),
                          float(before[row, column]), 0.0, float("inf"), {"t": float("nan")}),
                int(changed.sum()),
            )  # fmt: skip
    run.judgement.compared += tensor.size // (2 if is_complex(tensor.dtype) else 1) * len(idle)


def check_counts_and_initials(run: JudgedRun) -> None:
    """Record step counters that are not the number of gradients so far, and states that do not start as they should."""
    counts: list[CountBreak] = []
    initials: list[Deviation] = []
    done = run.script.steps[: run.trajectory.steps]
    for index in run.judged:
        trace, group = run.trajectory.traces[index], run.group_of(index)
        expected = np.cumsum([0, *(step.applied[index] is not None for step in done)])
        observed = np.asarray(trace.count, dtype=np.float64)
        wrong = np.flatnonzero((observed != -1) & (observed != expected[: len(observed)]))
        if wrong.size:
            row = int(wrong[0])
            counts.append(CountBreak(index, row, float(observed[row]), int(expected[row])))
        for name in (*run.observed, *run.observed_scalars):
            if name not in trace.states or not trace.present[name][0]:
                continue
            start = run.initial(name, group)
            arithmetic = run.arithmetics[run.script.tensors[index].dtype]
            elementwise = name in run.observed
            storage = arithmetic.storage if elementwise else arithmetic.scalar_states or arithmetic.counted
            first = np.asarray(trace.states[name][0], dtype=np.float64)
            once, narrow = storage.round(np.asarray(start)), BINARY32.round(np.asarray(start))
            # Code that makes a narrow tensor of a Python float may round it to binary32 on the way.
            deviating = np.flatnonzero((first != once) & (first != storage.round(narrow)) & (first != start))
            if deviating.size:
                value = float(first[deviating[0]])
                initials.append(Deviation(name, index, 0, int(deviating[0]), value, start, 0.0, float("inf"), {}))
    run.judgement.counts, run.judgement.initials = tuple(counts), tuple(initials)
