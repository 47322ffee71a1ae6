"""Comparison: tensors of one dtype, of several runs, evaluated together and compared with their envelopes.

The result for an element is independent of the other elements in its batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.formats import BINARY64, is_complex
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.envelope.ball import Ball, Bound, everywhere
from stepcheck_reference.oracle.envelope.envelope import evaluate
from stepcheck_reference.oracle.envelope.scalar_parts import prepare
from stepcheck_reference.oracle.exact_checks import check_untouched
from stepcheck_reference.oracle.extended import Extended, Mask, Reals
from stepcheck_reference.oracle.histogram import histogram
from stepcheck_reference.oracle.judged_run import JudgedRun
from stepcheck_reference.oracle.judgement import DIVISOR, INPUT, MISSING, RANGE, UNKNOWN, Deviation, Hazard
from stepcheck_reference.oracle.scalar_states import Row, columns_of, judge_scalar_states
from stepcheck_reference.oracle.series import Segment, Series, SeriesSlice, batches, offsets, scalar_rows, segments
from stepcheck_reference.oracle.starting_points import as_ball, hidden_start, series_of

BATCH, WIDE_BATCH = 16384, 5120
"""Elements evaluated at once, and for float64, so that the arrays of one operation stay in the cache."""


class Comparison:
    """All judged tensors of one dtype, of several runs."""

    def __init__(self, runs: Sequence[JudgedRun], dtype: str, arithmetic: Arithmetic) -> None:
        self.arithmetic, self.wide, self.program = arithmetic, runs[0].wide, runs[0].program
        if arithmetic.order is not None and arithmetic.order.rule is runs[0].rule:
            self.program = arithmetic.order.program
        self.complex = is_complex(dtype)
        self.runs = runs
        self.series: list[Series] = []
        table: dict[Row, int] = {}
        for number, run in enumerate(runs):
            for index in run.judged:
                if run.script.tensors[index].dtype == dtype:
                    check_untouched(run, index)
                    self.series.append(series_of(run, number, index, table))
        if table:
            self.columns, radii = columns_of(self.program, table)
            self.prepared = prepare(self.program, self.columns, arithmetic, self.wide, radii)

    def judge(self) -> None:
        """Write into each run's judgement how its tensors compare."""
        if not any(len(series.steps) for series in self.series):
            return
        for series in self.series:
            if self.runs[series.run].observed_scalars:
                judge_scalar_states(self.runs[series.run], series, self.prepared, self.columns)
        together: dict[object, list[Series]] = {}
        for series in self.series:
            if self.runs[series.run].stepwise:
                # Inexact old states, and values that may be flushed, widen the radii of the whole batch.
                key = (frozenset(series.old_radii), series.wider, series.run if self.arithmetic.flush else -1)
                together.setdefault(key, []).append(series)
            else:
                self._judge_running(series)
        for group in together.values():
            for batch in batches(group, WIDE_BATCH if self.arithmetic.storage is BINARY64 else BATCH):
                self._judge_stepwise(batch)

    def _judge_stepwise(self, batch: list[SeriesSlice]) -> None:
        """Compare elements whose every state was observed: each step by itself."""

        def gather(side: str, name: str) -> NDArray[Any]:
            parts = [part.cut(getattr(part.series, side)[name]) for part in batch]
            return parts[0] if len(parts) == 1 else np.concatenate(parts)

        def widened(side: str, name: str) -> Extended | None:
            return gather(side, name) if all(name in getattr(part.series, side) for part in batch) else None

        def old(name: str) -> Ball:
            values = gather("old", name)
            radius = gather("old_radii", name) if name in batch[0].series.old_radii else None
            return self._input(name, values, widened("old_wide", name), radius)

        rows, lengths = scalar_rows(batch)
        inputs = {name: old(name) for name in ("theta", "g", *self.program.states)}
        bounds = evaluate(self.prepared, inputs, rows, lengths, dict(batch[0].series.wider))
        new = {name: gather("new", name) for name in ("theta", *self.program.states)}
        present = np.concatenate([part.cut(part.series.all_present()) for part in batch])
        wide = {name: widened("new_wide", name) for name in new}
        self._compare(batch, inputs, bounds, new, ~present, MISSING, wide)

    def _judge_running(self, series: Series) -> None:
        """Compare a tensor with states that were not observed: these carry their ball from step to step."""
        run, size = self.runs[series.run], series.size
        hidden = [name for name in self.program.states if name not in run.observed]
        carried: dict[str, Ball] = {}
        if run.hyper:
            carried = {name: hidden_start(run, name, series, self.arithmetic) for name in hidden}
        excluded = np.zeros(size, dtype=np.bool_)
        for at in range(len(series.steps)):
            part = SeriesSlice(series, at * size, (at + 1) * size)
            inputs = {
                name: carried.get(name) or self._input(name, series.old[name][at])
                for name in ("theta", "g", *self.program.states)
            }
            bounds = evaluate(self.prepared, inputs, series.rows[at : at + 1], [size])
            new = {name: series.new[name][at] for name in ("theta", *run.observed)}
            compared = self._compare([part], inputs, bounds, new, excluded, UNKNOWN)
            carried = {name: bounds[name].ball for name in hidden}
            excluded = excluded | ~compared

    def _input(self, name: str, values: Reals, centre: Extended | None = None, radius: Reals | None = None) -> Ball:
        nonnegative = everywhere(values >= 0) if name in self.program.states else False
        return as_ball(values, self.arithmetic, self.wide, centre, radius, nonnegative)

    def _compare(
        self,
        batch: list[SeriesSlice],
        inputs: Mapping[str, Ball],
        bounds: Mapping[str, Bound],
        new: Mapping[str, Reals],
        barred: Mask,
        reason: str,
        wide: Mapping[str, Extended | None] | None = None,
    ) -> Mask:
        """Compare every output in ``new``; return where theta was. ``barred`` is not compared, for ``reason``."""
        finite = ~barred
        for ball in inputs.values():
            finite = finite & np.isfinite(ball.value)
        usable = self._both(finite)
        parts = segments(batch)
        theta: Mask = usable
        for name, bound in bounds.items():
            if name not in new:
                continue
            radius = np.asarray(bound.ball.radius)
            mask = usable & self._both(~(bound.out_of_range | bound.edge) & np.isfinite(radius))
            if name == "theta":
                theta = mask
                outside = usable & ~mask
                divided = outside & self._either(bound.edge)
                self._count(
                    parts, mask, {reason: barred, INPUT: ~usable & ~barred, DIVISOR: divided, RANGE: outside & ~divided}
                )
            self._measure(name, bound, new[name], mask, parts, inputs, (wide or {}).get(name))
        return theta

    def _both(self, mask: Mask) -> Mask:
        """Return ``mask``, where for complex data both parts of an element need to be in it."""
        return np.repeat(mask.reshape(-1, 2).all(axis=1), 2) if self.complex else mask

    def _either(self, mask: Mask) -> Mask:
        """Return ``mask``, where for complex data one part of an element brings the other with it."""
        return np.repeat(mask.reshape(-1, 2).any(axis=1), 2) if self.complex else mask

    def _count(self, parts: Sequence[Segment], compared: Mask, masks: Mapping[str, Mask]) -> None:
        """Count element-steps of each run: those that were compared, and those that were not, by reason."""
        reals = 2 if self.complex else 1
        for part in parts:
            self.runs[part.run].judgement.compared += int(np.count_nonzero(compared[part.start : part.stop])) // reals
        for reason, mask in masks.items():
            if mask.any():
                for part in parts:
                    count = int(np.count_nonzero(mask[part.start : part.stop])) // reals
                    self.runs[part.run].judgement.add(reason, count)

    def _measure(
        self,
        name: str,
        bound: Bound,
        observed: Reals,
        mask: Mask,
        parts: Sequence[Segment],
        inputs: Mapping[str, Ball],
        wide: Extended | None,
    ) -> None:
        """Write the ratios of error to radius of one output into the judgement of each run."""
        radius = np.asarray(bound.ball.radius)
        with np.errstate(all="ignore"):
            if bound.ball.centre is not None:
                wide = self.wide.lift(observed) if wide is None else wide
                error = np.abs(self.wide.lower(wide - bound.ball.centre))
            else:
                error = np.abs(observed - bound.ball.value)
            ratio = error / radius
        if not radius.all():
            ratio = np.where(error == 0.0, 0.0, ratio)
        nonfinite = ~np.isfinite(observed)
        if nonfinite.any():
            admissible = nonfinite & bound.domain & mask
            if admissible.any():
                for part in parts:
                    self._note_hazard(name, admissible, observed, bound, ratio, part, inputs)
            mask = mask & ~admissible
            ratio = np.where(nonfinite, np.inf, ratio)
        if not mask.all():
            ratio = np.where(mask, ratio, -1.0)
        resting = inputs["theta"].value == 0.0 if name == "theta" else np.zeros(0, dtype=np.bool_)
        from_zero = np.where(resting, ratio, -1.0) if resting.any() else None
        for part in parts:
            run, within = self.runs[part.run], slice(part.start, part.stop)

            def deviation(at: int, part: Segment = part) -> Deviation:
                return self._deviation(name, at, observed, bound, ratio, part, inputs)

            for output, tensor, index in run.watch:
                if output == name:
                    at_each_step = offsets(part.slices, tensor, index)
                    run.judgement.watched += [deviation(part.start + at) for at in at_each_step]
            own = ratio[within]
            if not own.size:
                continue
            if run.fields:
                self._write_fields(run, name, part, own, np.broadcast_to(radius, ratio.shape)[within])
            best = part.start + int(np.argmax(own))
            if ratio[best] < 0:
                continue
            judgement = run.judgement
            judgement.count(name, histogram(own, float(ratio[best])))
            beyond = int(np.count_nonzero(own > 1.0)) if ratio[best] > 1.0 else 0
            worst = judgement.worst.get(name)
            if worst is None or ratio[best] > worst.ratio or beyond:
                run.record(deviation(best), beyond)
            if from_zero is not None:
                best = part.start + int(np.argmax(from_zero[within]))
                zero = judgement.worst_from_zero
                if from_zero[best] >= 0 and (zero is None or from_zero[best] > zero.ratio):
                    judgement.worst_from_zero = deviation(best)

    def _note_hazard(
        self,
        name: str,
        admissible: Mask,
        observed: Reals,
        bound: Bound,
        ratio: Reals,
        part: Segment,
        inputs: Mapping[str, Ball],
    ) -> None:
        """Write the non-finite reals of one run that the envelope admits into its judgement."""
        judgement = self.runs[part.run].judgement
        start = part.start
        for piece in part.slices:  # of one tensor, its steps in order
            found = np.flatnonzero(admissible[start : start + piece.size])
            if found.size:
                first = self._deviation(name, start + int(found[0]), observed, bound, ratio, part, inputs)
                judgement.nonfinite += int(found.size)
                judgement.hazards[name] = Hazard(int(found.size), first).joined(judgement.hazards.get(name))
            start += piece.size

    def _write_fields(self, run: JudgedRun, name: str, segment: Segment, ratio: Reals, radius: Reals) -> None:
        """Write the ratios and radii of one run's segment of a batch into its judgement."""
        start = 0
        for part in segment.slices:
            size = part.series.size
            field = run.field(name, part.series.tensor, size)
            rows, columns = np.divmod(np.arange(part.start, part.stop), size)
            stop = start + part.size
            field.ratio[part.series.steps[rows] - 1, columns] = ratio[start:stop]
            field.radius[part.series.steps[rows] - 1, columns] = radius[start:stop]
            start = stop

    def _deviation(
        self,
        name: str,
        at: int,
        observed: Reals,
        bound: Bound,
        ratio: Reals,
        segment: Segment,
        inputs: Mapping[str, Ball],
    ) -> Deviation:
        """Return the deviation of the real at flat position ``at`` of the batch."""
        offset = at - segment.start
        for part in segment.slices:
            if offset < part.size:
                break
            offset -= part.size
        step, index = part.position(offset)
        row = part.series.rows[step]
        ball = bound.ball
        values = {key: float(source.value[at]) for key, source in inputs.items()}
        values |= {key: float(column[row]) for key, column in self.columns.items()}
        expected = ball.value[at] if ball.centre is None else self.wide.lower(ball.centre[at : at + 1])[0]
        return Deviation(
            output=name,
            tensor=part.series.tensor,
            step=int(part.series.steps[step]),
            index=index,
            observed=float(observed[at]),
            expected=float(expected),
            radius=float(np.asarray(ball.radius)[at]),
            ratio=float(ratio[at]),
            inputs=values,
        )
