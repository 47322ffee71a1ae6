"""Starting points: the parameters, gradients, states and scalars that each step of a tensor starts from.

Conformance is inductive: a step starts from what the subject observably had before it, with radius 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.formats import BINARY64, FORMATS
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.envelope.ball import Ball
from stepcheck_reference.oracle.extended import Backend, Extended, Mask, Reals
from stepcheck_reference.oracle.judged_run import JudgedRun
from stepcheck_reference.oracle.scalar_states import Row, hyper_row, old_scalar_states
from stepcheck_reference.oracle.series import Series
from stepcheck_reference.scripts.expansion import expand_all

MOST_WIDENED = 2_000_000
"""Element-steps of one tensor up to which its values are stored in 113 bits, 16 bytes each."""


def steps_of(run: JudgedRun, tensor: int) -> list[int]:
    """Return the finished steps, counted from 1, in which ``tensor`` got a gradient."""
    done = run.script.steps[: run.trajectory.steps]
    return [number for number, step in enumerate(done, 1) if step.applied[tensor] is not None]


def series_of(run: JudgedRun, number: int, index: int, table: dict[Row, int]) -> Series:
    """Return the series of tensor ``index`` of run ``number``; ``table`` numbers rows of scalars, and gets new ones."""
    tensor, trace = run.script.tensors[index], run.trajectory.traces[index]
    steps, group = steps_of(run, index), run.group_of(index)
    at = np.array(steps, dtype=np.int64)
    gradients = [data for step in steps if (data := run.script.steps[step - 1].applied[index]) is not None]
    before, after = np.asarray(trace.before, dtype=np.float64), np.asarray(trace.theta, dtype=np.float64)
    every = len(steps) == len(before)
    old = {
        "theta": before if every else before[at - 1],
        "g": expand_all(gradients, tensor.size, tensor.dtype),
    }
    objective = run.script.objective
    if objective is not None and not objective.by_closure:
        old["g"] = objective.gradients_at(old["theta"], old["g"], tensor.dtype)
    new = {"theta": after if every else after[at - 1]}
    present = {"theta": np.ones(len(steps), dtype=np.bool_)}
    arithmetic = run.arithmetics[tensor.dtype]
    radii: dict[str, Reals] = {}
    for name in run.observed:
        if name not in trace.states:
            start = np.full((len(steps), tensor.size), run.initial(name, group))
            old[name], new[name], present[name] = start, start, np.zeros(len(steps), dtype=np.bool_)
            continue
        values = np.asarray(trace.states[name], dtype=np.float64)
        before = values[:-1].copy() if every else values[at - 1]
        if steps and not trace.present[name][at[0] - 1]:
            first = run.initial(name, group, steps[0])
            before[0] = rounded = float(arithmetic.storage.round(np.asarray(first)))
            if rounded != first:
                # A subject may have rounded it twice, through binary32.
                radii[name] = np.zeros_like(before)
                radii[name][0] = 2 * arithmetic.storage.unit_roundoff * abs(rounded)
        old[name], new[name] = before, values[1:] if every else values[at]
        present[name] = trace.present[name][at]
    old_wide, new_wide = _widened(run.wide, old, new) if FORMATS[tensor.dtype] is BINARY64 else ({}, {})
    rows = _rows(run, group, steps, table, old_scalar_states(run, trace, group, steps, arithmetic))
    # An arithmetic that says in which format states are kept, or what is read, says what may be rounded.
    known = arithmetic.states is not None or arithmetic.read is not None
    stored = {} if known else {name: dtype for name, dtype in sorted(trace.wider.items()) if name in run.observed}
    wider = tuple((name, FORMATS[dtype]) for name, dtype in stored.items())
    return Series(number, index, at, rows, old, new, present, old_wide, new_wide, radii, wider)


def _rows(
    run: JudgedRun, group: int, steps: Sequence[int], table: dict[Row, int], states: Sequence[Row]
) -> NDArray[np.int64]:
    """Return which row of scalars each of ``steps`` uses; ``table`` numbers the rows, and gets new ones.

    A row consists of the hyper-parameters in force, the step's entry of ``states``, an objective's curvature, and t.
    """
    rows = np.empty(len(steps), dtype=np.int64)
    cached: dict[int, Row] = {}
    for at, step in enumerate(steps):
        key = id(run.hyper[step - 1][group])
        if key not in cached:
            cached[key] = hyper_row(run, group, step)
        row = (*cached[key], *(states[at] if states else ()), *run.curvature, at + 1.0)
        rows[at] = table.setdefault(row, len(table))
    return rows


def _widened(
    wide: Backend, old: Mapping[str, Reals], new: Mapping[str, Reals]
) -> tuple[dict[str, Extended], dict[str, Extended]]:
    """Return ``old`` and ``new`` in 113 bits, where that is not too much memory; else nothing.

    What a step starts from is mostly what the one before it left, and need not be widened twice.
    """
    before: dict[str, Extended] = {}
    after: dict[str, Extended] = {}
    if old["theta"].size > MOST_WIDENED:
        return before, after
    for name, values in new.items():
        if len(values) and np.array_equal(old[name][1:], values[:-1]):
            chain = wide.lift(np.concatenate([old[name][:1], values]))
            before[name], after[name] = chain[:-1], chain[1:]
        else:
            before[name], after[name] = wide.lift(old[name]), wide.lift(values)
    return before, after


def hidden_start(run: JudgedRun, name: str, series: Series, arithmetic: Arithmetic) -> Ball:
    """Return a state that is not observed before its first step, as the subject may have rounded it."""
    step = int(series.steps[0]) if len(series.steps) else 0
    first = run.initial(name, run.group_of(series.tensor), step)
    rounded = float(arithmetic.storage.round(np.asarray(first)))
    radius = 0.0 if rounded == first else 2 * arithmetic.storage.unit_roundoff * abs(rounded)
    size = series.size
    return as_ball(np.full(size, rounded), arithmetic, run.wide, None, np.full(size, radius) if radius else None)


def as_ball(
    values: Reals,
    arithmetic: Arithmetic,
    wide: Backend,
    centre: Extended | None = None,
    radius: Reals | None = None,
    nonnegative: Mask | bool = False,
) -> Ball:
    """Return observed ``values`` as a ball, with a 113-bit centre where the arithmetic needs one."""
    if centre is None and arithmetic.storage is BINARY64:
        centre = wide.lift(values)
    return Ball(values, radius, centre, nonnegative)
