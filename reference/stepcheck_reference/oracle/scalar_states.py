"""Scalar states: states that are one number a tensor, before each step and compared after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.envelope.ball import OUTWARD
from stepcheck_reference.oracle.envelope.program import Program
from stepcheck_reference.oracle.envelope.scalar_parts import Prepared
from stepcheck_reference.oracle.envelope.scalars import evaluate_scalars
from stepcheck_reference.oracle.extended import Reals
from stepcheck_reference.oracle.histogram import histogram
from stepcheck_reference.oracle.judged_run import JudgedRun
from stepcheck_reference.oracle.judgement import Deviation
from stepcheck_reference.oracle.series import Series
from stepcheck_reference.scripts.trajectory import Trace

Row = tuple[float, ...]
"""Hyper-parameters, old scalar states, their radii, an objective's curvature, and t: all that scalars depend on."""


def columns_of(program: Program, rows: Iterable[Row]) -> tuple[dict[str, Reals], dict[str, Reals]]:
    """Return ``rows`` by symbol, each of shape (rows,), and the radii of scalar states that were not observed."""
    scalars = program.scalar_states
    objective = ("curvature",) if program.needs_objective else ()
    names = (*program.hyper, *scalars, *(f"{name} radius" for name in scalars), *objective, "t")
    columns = {name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    radii = {name: columns.pop(f"{name} radius") for name in scalars}
    return columns, radii


def hyper_row(run: JudgedRun, group: int, step: int) -> Row:
    """Return the hyper-parameters that the rule uses, as in force for ``group`` at ``step``."""
    hyper = run.hyper[step - 1][group]
    return tuple(float(hyper[name]) for name in run.program.hyper)


def old_scalar_states(
    run: JudgedRun, trace: Trace, group: int, steps: Sequence[int], arithmetic: Arithmetic
) -> list[Row]:
    """Return each step's old scalar states and their radii.

    One that is not observed is computed from step to step: it depends on no element, so that its ball stays small.
    """
    names = run.program.scalar_states
    if not names:
        return []
    stored = arithmetic.scalar_states or arithmetic.counted
    rows: list[Row] = []
    carried: dict[str, tuple[float, float]] = {}
    for at, step in enumerate(steps):
        old: dict[str, tuple[float, float]] = {}
        for name in names:
            if name in run.observed_scalars and name in trace.states and trace.present[name][step - 1]:
                old[name] = (float(trace.states[name][step - 1, 0]), 0.0)
            elif name in carried:
                old[name] = carried[name]
            else:
                start = run.initial(name, group, step)
                exact = float(stored.round(np.asarray(start))) == start
                old[name] = (start, 0.0 if exact else stored.unit_roundoff * abs(start))
        rows.append((*(old[name][0] for name in names), *(old[name][1] for name in names)))
        if set(names) - set(run.observed_scalars):
            row = (*hyper_row(run, group, step), *rows[-1], *run.curvature, at + 1.0)
            columns, radii = columns_of(run.program, [row])
            with np.errstate(all="ignore"):
                new = evaluate_scalars(run.program, columns, arithmetic, run.wide, radii)
            carried = {
                name: (float(new[index].value[0]), float(new[index].radius[0]) * OUTWARD)
                for name, index in run.program.scalar_outputs.items()
            }
    return rows


def judge_scalar_states(run: JudgedRun, series: Series, prepared: Prepared, columns: Mapping[str, Reals]) -> None:
    """Compare the scalar states that were observed, one number a tensor and step."""
    trace, wide = run.trajectory.traces[series.tensor], prepared.wide
    for name in run.observed_scalars:
        if name not in trace.states or not len(series.steps):
            continue
        scalar = prepared.scalars[prepared.program.scalar_outputs[name]]
        observed = np.asarray(trace.states[name], dtype=np.float64)[series.steps, 0]
        radius = scalar.radius[series.rows] * OUTWARD
        expected = scalar.centre[series.rows]
        with np.errstate(all="ignore"):
            error = np.abs(wide.lower(wide.lift(observed) - expected))
            ratio = np.where(error == 0.0, 0.0, error / radius)
        compared = trace.present[name][series.steps] & np.isfinite(radius)
        ratio = np.where(compared, np.where(np.isfinite(observed), ratio, np.inf), -1.0)
        if run.fields:
            field = run.field(name, series.tensor, 1)
            field.ratio[series.steps - 1, 0], field.radius[series.steps - 1, 0] = ratio, radius
        if compared.any():
            run.judgement.count(name, histogram(ratio, float(ratio.max())))
        for at in np.flatnonzero(ratio >= 0):
            row = int(series.rows[at])
            deviation = Deviation(
                output=name,
                tensor=series.tensor,
                step=int(series.steps[at]),
                index=0,
                observed=float(observed[at]),
                expected=float(scalar.value[row]),
                radius=float(radius[at]),
                ratio=float(ratio[at]),
                inputs={key: float(column[row]) for key, column in columns.items()},
            )
            run.record(deviation, int(ratio[at] > 1.0))
            if (name, series.tensor, 0) in run.watch:
                run.judgement.watched.append(deviation)
