"""The oracle: a rule, a script and a trajectory in; how far every element landed from where it had to, out.

Conformance is inductive: each step starts from the subject's observed parameters and state, so the check
is as sharp at step 300 as at step 1. State that cannot be observed keeps a running ball instead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.formats import BINARY32, BINARY64, FORMATS, is_complex
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.envelope import OUTWARD, Ball, Bound, evaluate, everywhere, prepare
from stepcheck_reference.oracle.extended import Backend, Extended, backend
from stepcheck_reference.oracle.histogram import histogram
from stepcheck_reference.oracle.judgement import (
    DIVISOR,
    INPUT,
    MISSING,
    RANGE,
    UNKNOWN,
    CountBreak,
    Deviation,
    Field,
    Judgement,
    Real,
)
from stepcheck_reference.oracle.program import Program, compile_rule
from stepcheck_reference.oracle.scalars import Reals, evaluate_scalars
from stepcheck_reference.oracle.series import Mask, Segment, Series, SeriesSlice, batches, places, runs, segments
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.expansion import expand_all
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trace, Trajectory

CHUNK, WIDE_CHUNK = 16384, 5120
"""Elements evaluated at once, and for float64, so that the arrays of one operation stay in the cache."""

MOST_WIDENED = 2_000_000
"""Element-steps of one tensor up to which its values are kept in 113 bits, 16 bytes each."""


@lru_cache(maxsize=256)
def program_of(rule: Rule) -> Program:
    """Return the rule's program, compiled once."""
    return compile_rule(rule)


@lru_cache(maxsize=4)
def _backend(name: str | None) -> Backend:
    return backend(name)


def judge(
    rule: Rule,
    script: Script,
    trajectory: Trajectory,
    arithmetics: Mapping[str, Arithmetic],
    *,
    only: str | None = None,
    wide: str | None = None,
    watch: Collection[Real] = (),
) -> Judgement:
    """Return how ``trajectory`` compares with ``rule`` on ``script``.

    ``arithmetics`` maps each dtype of the script to the arithmetic its subject declares; ``only`` restricts
    the judgement to tensors of one dtype, those of others being company; ``wide`` names the 113-bit backend
    (default: the fastest installed). The judgement holds the courses of the reals in ``watch``, too. Raises
    KeyError for a judged dtype without arithmetic.
    """
    run = _Run(rule, script, trajectory, arithmetics, only, _backend(wide), watch)
    _judge([run], arithmetics)
    return run.judgement


def judge_all(
    rule: Rule,
    scripts: Sequence[tuple[Script, Trajectory]],
    arithmetics: Mapping[str, Arithmetic],
    *,
    only: str | None = None,
    wide: str | None = None,
    fields: bool = False,
) -> list[Judgement]:
    """Return what ``judge`` says of each of ``scripts`` with its trajectory, in less time.

    Elements of all of them are evaluated together; none depends on which others are. With ``fields`` each judgement
    holds the ratio and radius of every real.
    """
    backend = _backend(wide)
    runs = [_Run(rule, script, trajectory, arithmetics, only, backend, (), fields) for script, trajectory in scripts]
    _judge(runs, arithmetics)
    return [run.judgement for run in runs]


def _judge(runs: Sequence[_Run], arithmetics: Mapping[str, Arithmetic]) -> None:
    """Write into each run's judgement what the oracle finds."""
    for run in runs:
        run.check_counts_and_initials()
    dtypes = dict.fromkeys(run.script.tensors[index].dtype for run in runs for index in run.judged)
    for dtype in dtypes:
        _Evaluating(runs, dtype, arithmetics[dtype]).judge()


class _Run:
    """One script with its trajectory: what each step starts from, and the judgement so far."""

    def __init__(
        self,
        rule: Rule,
        script: Script,
        trajectory: Trajectory,
        arithmetics: Mapping[str, Arithmetic],
        only: str | None,
        wide: Backend,
        watch: Collection[Real] = (),
        fields: bool = False,
    ) -> None:
        self.fields = fields
        asked = None if script.objective is None or not script.objective.by_closure else script.objective
        if program_of(rule).needs_objective != (asked is not None):
            needs = (
                "needs a script with an objective"
                if program_of(rule).needs_objective
                else "takes gradients, not an objective"
            )
            raise ValueError(f"rule {rule.name} {needs}")
        self.curvature = () if asked is None else (asked.curvature,)
        self.watch = watch
        self.rule, self.program = rule, program_of(rule)
        self.script, self.trajectory, self.arithmetics, self.wide = script, trajectory, arithmetics, wide
        self.judged = [i for i, tensor in enumerate(script.tensors) if only in (None, tensor.dtype)]
        stepped = [trajectory.traces[i] for i in self.judged if self._stepped(i)]
        self.observed = tuple(
            name
            for name in self.program.states
            if name in trajectory.observed and all(self._ever(trace, name) for trace in stepped)
        )
        self.seen = tuple(
            name
            for name in self.program.scalar_states
            if name in trajectory.observed and all(self._ever(trace, name) for trace in stepped)
        )
        self.hypers = self._in_force()
        stepwise = set(self.observed) >= set(self.program.states)
        self.judgement = Judgement("stepwise" if stepwise else "theta_only")
        self.stepwise = stepwise

    @staticmethod
    def _ever(trace: Trace, name: str) -> bool:
        return name in trace.present and bool(np.any(trace.present[name]))

    def _stepped(self, tensor: int) -> bool:
        done = self.script.steps[: self.trajectory.steps]
        return any(step.applied[tensor] is not None for step in done)

    # What a step starts from.

    def _in_force(self) -> list[tuple[dict[str, float], ...]]:
        """Return each group's hyper-parameters at each finished step."""
        groups = tuple(dict(group.hyper) for group in self.script.groups)
        if not any(step.hyper for step in self.script.steps):
            return [groups] * self.trajectory.steps
        return [self.script.hyper_at(number) for number in range(1, self.trajectory.steps + 1)]

    def _rows(
        self,
        group: int,
        steps: list[int],
        tables: dict[tuple[float, ...], int],
        scalars: Sequence[tuple[float, ...]],
    ) -> NDArray[np.int64]:
        """Return which row of scalars each of ``steps`` uses; ``tables`` numbers the rows, and takes new ones.

        A row holds the hyper-parameters in force, what ``scalars`` holds for the step, an objective's curvature, and t.
        """
        rows = np.empty(len(steps), dtype=np.int64)
        known: dict[int, tuple[float, ...]] = {}
        for at, step in enumerate(steps):
            hyper = self.hypers[step - 1][group]
            if id(hyper) not in known:
                known[id(hyper)] = tuple(float(hyper[name]) for name in self.program.hyper)
            row = (*known[id(hyper)], *(scalars[at] if scalars else ()), *self.curvature, at + 1.0)
            rows[at] = tables.setdefault(row, len(tables))
        return rows

    def _scalars(self, trace: Trace, group: int, steps: list[int], arithmetic: Arithmetic) -> list[tuple[float, ...]]:
        """Return each step's old scalar states and their radii.

        One that the subject does not show is worked out from step to step: it depends on no element.
        """
        names = self.program.scalar_states
        if not names:
            return []
        keeping = arithmetic.kept or arithmetic.counted
        rows: list[tuple[float, ...]] = []
        carried: dict[str, tuple[float, float]] = {}
        for at, step in enumerate(steps):
            old: dict[str, tuple[float, float]] = {}
            for name in names:
                if name in self.seen and name in trace.states and trace.present[name][step - 1]:
                    old[name] = (float(trace.states[name][step - 1, 0]), 0.0)
                elif name in carried:
                    old[name] = carried[name]
                else:
                    start = self._initial(name, group, step)
                    exact = float(keeping.round(np.asarray(start))) == start
                    old[name] = (start, 0.0 if exact else keeping.unit_roundoff * abs(start))
            rows.append((*(old[name][0] for name in names), *(old[name][1] for name in names)))
            if set(names) - set(self.seen):
                hyper = self.hypers[step - 1][group]
                row = (*(float(hyper[name]) for name in self.program.hyper), *rows[-1], *self.curvature, at + 1.0)
                columns, spread = _columns(self.program, [row])
                with np.errstate(all="ignore"):
                    found = evaluate_scalars(self.program, columns, arithmetic, self.wide, spread)
                carried = {
                    name: (float(found[index].value[0]), float(found[index].radius[0]) * OUTWARD)
                    for name, index in self.program.kept.items()
                }
        return rows

    def track(self, number: int, index: int, tables: dict[tuple[float, ...], int]) -> Series:
        """Return tensor ``index`` of this run, which is called ``number``; ``tables`` numbers rows of scalars."""
        tensor, trace = self.script.tensors[index], self.trajectory.traces[index]
        done = self.script.steps[: self.trajectory.steps]
        steps = [number for number, step in enumerate(done, 1) if step.applied[index] is not None]
        self._check_untouched(index, trace, steps)
        group = next(i for i, g in enumerate(self.script.groups) if index in g.tensors)
        at = np.array(steps, dtype=np.int64)
        gradients = [data for step in steps if (data := done[step - 1].applied[index]) is not None]
        before = np.asarray(trace.before, dtype=np.float64)
        every = len(steps) == len(before)
        old = {
            "theta": before if every else before[at - 1],
            "g": expand_all(gradients, tensor.size, tensor.dtype),
        }
        if self.script.objective is not None and not self.script.objective.by_closure:
            old["g"] = self.script.objective.slopes(old["theta"], old["g"], tensor.dtype)
        after = np.asarray(trace.theta, dtype=np.float64)
        new = {"theta": after if every else after[at - 1]}
        held = {"theta": np.ones(len(steps), dtype=np.bool_)}
        arithmetic = self.arithmetics[tensor.dtype]
        spread: dict[str, Reals] = {}
        for name in self.observed:
            if name not in trace.states:
                start = np.full((len(steps), tensor.size), self._initial(name, group))
                old[name], new[name], held[name] = start, start, np.zeros(len(steps), dtype=np.bool_)
                continue
            values = np.asarray(trace.states[name], dtype=np.float64)
            before = values[:-1].copy() if every else values[at - 1]
            if steps and not trace.present[name][at[0] - 1]:
                first = self._initial(name, group, steps[0])
                before[0] = rounded = float(arithmetic.storage.round(np.asarray(first)))
                if rounded != first:
                    # A subject may have rounded it twice, by way of binary32.
                    spread[name] = np.zeros_like(before)
                    spread[name][0] = 2 * arithmetic.storage.unit_roundoff * abs(rounded)
            old[name], new[name] = before, values[1:] if every else values[at]
            known = trace.present[name][at]
            held[name] = known
        old_wide, new_wide = self._widened(old, new) if FORMATS[tensor.dtype] is BINARY64 else ({}, {})
        pairs = is_complex(tensor.dtype)
        rows = self._rows(group, steps, tables, self._scalars(trace, group, steps, arithmetic))
        return Series(number, index, at, rows, old, new, held, pairs, old_wide, new_wide, spread)

    def _widened(
        self, old: Mapping[str, Reals], new: Mapping[str, Reals]
    ) -> tuple[dict[str, Extended], dict[str, Extended]]:
        """Return ``old`` and ``new`` in 113 bits, where that is not too much to hold; else nothing.

        What a step starts from is mostly what the one before it left, and need not be widened twice.
        """
        before: dict[str, Extended] = {}
        after: dict[str, Extended] = {}
        if old["theta"].size > MOST_WIDENED:
            return before, after
        for name, values in new.items():
            if len(values) and np.array_equal(old[name][1:], values[:-1]):
                chain = self.wide.lift(np.concatenate([old[name][:1], values]))
                before[name], after[name] = chain[:-1], chain[1:]
            else:
                before[name], after[name] = self.wide.lift(old[name]), self.wide.lift(values)
        return before, after

    def _initial(self, name: str, group: int, step: int = 0) -> float:
        """Return the initial value of a state that is made at ``step``; 0: with the optimizer itself."""
        symbol = next(symbol for symbol in (*self.rule.states, *self.rule.scalars) if symbol.name == name)
        value: Any = {**self.rule.init, **self.rule.scalars}[symbol]
        hyper = self.hypers[step - 1][group] if step else self.script.groups[group].hyper
        free = getattr(value, "free_symbols", ())
        return float(value.subs({s: hyper[s.name] for s in free})) if free else float(value)

    # Checks outside the envelope: exact, so their radius is 0.

    def _check_untouched(self, index: int, trace: Trace, steps: list[int]) -> None:
        idle = sorted(set(range(1, self.trajectory.steps + 1)) - set(steps))
        if not idle or not self.script.tensors[index].size:
            return
        at = np.array(idle)
        pairs = {"theta": (trace.before[at - 1], trace.theta[at - 1])}
        for name in (*self.observed, *self.seen):
            if name in trace.states:
                both = trace.present[name][at - 1] & trace.present[name][at]
                pairs[name] = (
                    np.where(both[:, None], trace.states[name][at - 1], 0.0),
                    np.where(both[:, None], trace.states[name][at], 0.0),
                )
        for name, (before, after) in pairs.items():
            moved = ~((before == after) | (np.isnan(before) & np.isnan(after)))
            if moved.any():
                row, column = np.argwhere(moved)[0]
                self.record(
                    Deviation(name, index, idle[row], int(column), float(after[row, column]),
                              float(before[row, column]), 0.0, float("inf"), {"t": float("nan")}),
                    int(moved.sum()),
                )  # fmt: skip
        size = self.script.tensors[index].size // (2 if is_complex(self.script.tensors[index].dtype) else 1)
        self.judgement.compared += size * len(idle)

    def check_counts_and_initials(self) -> None:
        counts: list[CountBreak] = []
        initials: list[Deviation] = []
        for index in self.judged:
            trace = self.trajectory.traces[index]
            group = next(i for i, g in enumerate(self.script.groups) if index in g.tensors)
            done = self.script.steps[: self.trajectory.steps]
            expected = np.cumsum([0, *(step.applied[index] is not None for step in done)])
            observed = np.asarray(trace.count, dtype=np.float64)
            wrong = np.flatnonzero((observed != -1) & (observed != expected[: len(observed)]))
            if wrong.size:
                row = int(wrong[0])
                counts.append(CountBreak(index, row, float(observed[row]), int(expected[row])))
            for name in (*self.observed, *self.seen):
                if name not in trace.states or not trace.present[name][0]:
                    continue
                start = self._initial(name, group)
                arithmetic = self.arithmetics[self.script.tensors[index].dtype]
                storage = arithmetic.storage if name in self.observed else arithmetic.kept or arithmetic.counted
                first = np.asarray(trace.states[name][0], dtype=np.float64)
                once, narrow = storage.round(np.asarray(start)), BINARY32.round(np.asarray(start))
                # Code that makes a narrow tensor of a Python float may round it to binary32 on the way.
                other = np.flatnonzero((first != once) & (first != storage.round(narrow)) & (first != start))
                if other.size:
                    value = float(first[other[0]])
                    initials.append(Deviation(name, index, 0, int(other[0]), value, start, 0.0, float("inf"), {}))
        self.judgement.counts, self.judgement.initials = tuple(counts), tuple(initials)

    def record(self, deviation: Deviation, beyond: int) -> None:
        """Keep ``deviation`` if it is the worst of its output; count ``beyond`` as broken."""
        known = self.judgement.worst.get(deviation.output)
        if known is None or deviation.ratio > known.ratio:
            self.judgement.worst[deviation.output] = deviation
        if beyond:
            self.judgement.broken[deviation.output] = self.judgement.broken.get(deviation.output, 0) + beyond

    def field(self, name: str, tensor: int, size: int) -> Field:
        """Return where the ratios and radii of one output of a tensor with ``size`` reals are kept."""
        key = (name, tensor)
        if key not in self.judgement.fields:
            self.judgement.fields[key] = Field.blank(self.trajectory.steps, size)
        return self.judgement.fields[key]

    def started(self, name: str, group: int, track: Series, size: int, arithmetic: Arithmetic) -> Ball:
        """Return a hidden state before its first step, as the subject may have rounded it."""
        first = self._initial(name, group, int(track.steps[0]) if len(track.steps) else 0)
        rounded = float(arithmetic.storage.round(np.asarray(first)))
        spread = 0.0 if rounded == first else 2 * arithmetic.storage.unit_roundoff * abs(rounded)
        return _ball(np.full(size, rounded), arithmetic, self.wide, None, np.full(size, spread) if spread else None)


def _columns(program: Program, tables: Iterable[tuple[float, ...]]) -> tuple[dict[str, Reals], dict[str, Reals]]:
    """Return the rows of ``tables`` by symbol, and the radius of scalar states that were not seen."""
    scalars = program.scalar_states
    objective = ("curvature",) if program.needs_objective else ()
    names = (*program.hyper, *scalars, *(f"{name} radius" for name in scalars), *objective, "t")
    columns = {name: np.array(column) for name, column in zip(names, zip(*tables, strict=True), strict=True)}
    spread = {name: columns.pop(f"{name} radius") for name in scalars}
    return columns, spread


def _ball(
    values: Reals,
    arithmetic: Arithmetic,
    wide: Backend,
    centre: Extended | None = None,
    radius: Reals | None = None,
    nonnegative: Mask | bool = False,
) -> Ball:
    if centre is None and arithmetic.storage is BINARY64:
        centre = wide.lift(values)
    return Ball(values, radius, centre, nonnegative)


class _Evaluating:
    """Tensors of one dtype, of several runs: envelopes and comparison.

    What is found of an element depends on none that is evaluated beside it.
    """

    def __init__(self, runs: Sequence[_Run], dtype: str, arithmetic: Arithmetic) -> None:
        self.arithmetic, self.wide, self.program = arithmetic, runs[0].wide, runs[0].program
        self.pairs = is_complex(dtype)
        self.tables: dict[tuple[float, ...], int] = {}
        self.runs = runs
        self.tracks = [
            run.track(number, index, self.tables)
            for number, run in enumerate(runs)
            for index in run.judged
            if run.script.tensors[index].dtype == dtype
        ]

    def judge(self) -> None:
        if not self.tables:
            return
        self.columns, spread = _columns(self.program, self.tables)
        self.prepared = prepare(self.program, self.columns, self.arithmetic, self.wide, spread)
        for track in self.tracks:
            if self.runs[track.run].seen:
                self._judge_scalars(track)
        together: dict[object, list[Series]] = {}
        for track in self.tracks:
            if self.runs[track.run].stepwise:
                # What is not known exactly, or may be flushed, widens its neighbours' radii.
                key = (frozenset(track.spread), track.run if self.arithmetic.flush else -1)
                together.setdefault(key, []).append(track)
            else:
                self._judge_running(track)
        for tracks in together.values():
            for pieces in batches(tracks, WIDE_CHUNK if self.arithmetic.storage is BINARY64 else CHUNK):
                self._judge_pieces(pieces)

    def _judge_scalars(self, track: Series) -> None:
        """Compare the scalar states that were seen, one number a tensor and step."""
        run = self.runs[track.run]
        trace = run.trajectory.traces[track.tensor]
        for name in run.seen:
            if name not in trace.states or not len(track.steps):
                continue
            scalar = self.prepared.scalars[self.program.kept[name]]
            observed = np.asarray(trace.states[name], dtype=np.float64)[track.steps, 0]
            radius = scalar.radius[track.rows] * OUTWARD
            expected = scalar.centre[track.rows]
            with np.errstate(all="ignore"):
                error = np.abs(self.wide.lower(self.wide.lift(observed) - expected))
                ratio = np.where(error == 0.0, 0.0, error / radius)
            there = trace.present[name][track.steps] & np.isfinite(radius)
            ratio = np.where(there, np.where(np.isfinite(observed), ratio, np.inf), -1.0)
            if run.fields:
                field = run.field(name, track.tensor, 1)
                field.ratio[track.steps - 1, 0], field.radius[track.steps - 1, 0] = ratio, radius
            if there.any():
                run.judgement.count(name, histogram(ratio, float(ratio.max())))
            for at in np.flatnonzero(ratio >= 0):
                row = int(track.rows[at])
                found = Deviation(
                    output=name,
                    tensor=track.tensor,
                    step=int(track.steps[at]),
                    index=0,
                    observed=float(observed[at]),
                    expected=float(scalar.value[row]),
                    radius=float(radius[at]),
                    ratio=float(ratio[at]),
                    inputs={key: float(column[row]) for key, column in self.columns.items()},
                )
                run.record(found, int(ratio[at] > 1.0))
                if (name, track.tensor, 0) in run.watch:
                    run.judgement.watched.append(found)

    def _judge_pieces(self, pieces: list[SeriesSlice]) -> None:
        def gather(side: str, name: str) -> NDArray[Any]:
            parts = [p.cut(getattr(p.track, side)[name]) for p in pieces]
            return parts[0] if len(parts) == 1 else np.concatenate(parts)

        def widened(side: str, name: str) -> Extended | None:
            return gather(side, name) if all(name in getattr(p.track, side) for p in pieces) else None

        def old(name: str) -> Ball:
            values = gather("old", name)
            radius = gather("spread", name) if name in pieces[0].track.spread else None
            above = everywhere(values >= 0) if name in self.program.states else False
            return _ball(values, self.arithmetic, self.wide, widened("old_wide", name), radius, above)

        rows, lengths = runs(pieces)
        inputs = {name: old(name) for name in ("theta", "g", *self.program.states)}
        landings = evaluate(self.prepared, inputs, rows, lengths)
        new = {name: gather("new", name) for name in ("theta", *self.program.states)}
        held = np.concatenate([p.cut(p.track.all_held()) for p in pieces])
        wide = {name: widened("new_wide", name) for name in new}
        self._compare(pieces, inputs, landings, new, ~held, MISSING, wide)

    def _judge_running(self, track: Series) -> None:
        run, size = self.runs[track.run], track.old["theta"].shape[1]
        hidden = [name for name in self.program.states if name not in run.observed]
        group = next(i for i, g in enumerate(run.script.groups) if track.tensor in g.tensors)
        carried: dict[str, Ball] = {}
        if run.hypers:
            carried = {name: run.started(name, group, track, size, self.arithmetic) for name in hidden}
        lost = np.zeros(size, dtype=np.bool_)
        for at in range(len(track.steps)):
            piece = SeriesSlice(track, at * size, (at + 1) * size)
            inputs = {
                name: carried.get(name) or self._row(track, name, at) for name in ("theta", "g", *self.program.states)
            }
            landings = evaluate(self.prepared, inputs, track.rows[at : at + 1], [size])
            new = {name: track.new[name][at] for name in ("theta", *run.observed)}
            compared = self._compare([piece], inputs, landings, new, lost, UNKNOWN)
            carried = {name: landings[name].ball for name in hidden}
            lost = lost | ~compared

    def _row(self, track: Series, name: str, at: int) -> Ball:
        values = track.old[name][at]
        above = everywhere(values >= 0) if name in self.program.states else False
        return _ball(values, self.arithmetic, self.wide, nonnegative=above)

    def _compare(
        self,
        pieces: list[SeriesSlice],
        inputs: Mapping[str, Ball],
        landings: Mapping[str, Bound],
        new: Mapping[str, Reals],
        barred: Mask,
        why: str,
        wide: Mapping[str, Extended | None] | None = None,
    ) -> Mask:
        finite = ~barred
        for ball in inputs.values():
            finite = finite & np.isfinite(ball.value)
        usable = _paired(finite, self.pairs)
        parts = segments(pieces)
        theta: Mask = usable
        for name, landing in landings.items():
            if name not in new:
                continue
            radius = np.asarray(landing.ball.radius)
            mask = usable & _paired(~(landing.out_of_range | landing.edge) & np.isfinite(radius), self.pairs)
            if name == "theta":
                theta = mask
                outside = usable & ~mask
                divided = outside & _spread_pair(landing.edge, self.pairs)
                self._count(
                    parts, mask, {why: barred, INPUT: ~usable & ~barred, DIVISOR: divided, RANGE: outside & ~divided}
                )
            self._measure(name, landing, new[name], mask, parts, inputs, (wide or {}).get(name))
        return theta

    def _count(self, parts: Sequence[Segment], compared: Mask, others: Mapping[str, Mask]) -> None:
        """Count element-steps of each run: those that were compared, and those that were not, by reason."""
        reals = 2 if self.pairs else 1
        for part in parts:
            self.runs[part.run].judgement.compared += int(np.count_nonzero(compared[part.start : part.stop])) // reals
        for why, mask in others.items():
            if mask.any():
                for part in parts:
                    self.runs[part.run].judgement.add(why, int(np.count_nonzero(mask[part.start : part.stop])) // reals)

    def _measure(
        self,
        name: str,
        landing: Bound,
        observed: Reals,
        mask: Mask,
        parts: Sequence[Segment],
        inputs: Mapping[str, Ball],
        wide: Extended | None,
    ) -> None:
        radius = np.asarray(landing.ball.radius)
        with np.errstate(all="ignore"):
            if landing.ball.centre is not None:
                wide = self.wide.lift(observed) if wide is None else wide
                error = np.abs(self.wide.lower(wide - landing.ball.centre))
            else:
                error = np.abs(observed - landing.ball.value)
            ratio = error / radius
        if not radius.all():
            ratio = np.where(error == 0.0, 0.0, ratio)
        wild = ~np.isfinite(observed)
        if wild.any():
            admissible = wild & landing.domain & mask
            for part in parts:
                self.runs[part.run].judgement.nonfinite += int(np.count_nonzero(admissible[part.start : part.stop]))
            mask = mask & ~admissible
            ratio = np.where(wild, np.inf, ratio)
        if not mask.all():
            ratio = np.where(mask, ratio, -1.0)
        resting = inputs["theta"].value == 0.0 if name == "theta" else np.zeros(0, dtype=np.bool_)
        from_zero = np.where(resting, ratio, -1.0) if resting.any() else None
        for part in parts:
            run, within = self.runs[part.run], slice(part.start, part.stop)

            def deviation(at: int, part: Segment = part) -> Deviation:
                return self._deviation(name, at, observed, landing, ratio, part, inputs)

            for output, tensor, index in run.watch:
                if output == name:
                    where = places(part.pieces, tensor, index)
                    run.judgement.watched += [deviation(part.start + at) for at in where]
            mine = ratio[within]
            if not mine.size:
                continue
            if run.fields:
                self._keep(run, name, part, mine, np.broadcast_to(radius, ratio.shape)[within])
            best = part.start + int(np.argmax(mine))
            if ratio[best] < 0:
                continue
            judgement = run.judgement
            judgement.count(name, histogram(mine, float(ratio[best])))
            beyond = int(np.count_nonzero(mine > 1.0)) if ratio[best] > 1.0 else 0
            known = judgement.worst.get(name)
            if known is None or ratio[best] > known.ratio or beyond:
                run.record(deviation(best), beyond)
            if from_zero is not None:
                best = part.start + int(np.argmax(from_zero[within]))
                zero = judgement.worst_from_zero
                if from_zero[best] >= 0 and (zero is None or from_zero[best] > zero.ratio):
                    judgement.worst_from_zero = deviation(best)

    def _keep(self, run: _Run, name: str, part: Segment, ratio: Reals, radius: Reals) -> None:
        """Write the ratios and radii of one run's share of a lot into its judgement."""
        start = 0
        for piece in part.pieces:
            size = piece.track.old["theta"].shape[1]
            field = run.field(name, piece.track.tensor, size)
            rows, columns = np.divmod(np.arange(piece.start, piece.stop), size)
            stop = start + piece.size
            field.ratio[piece.track.steps[rows] - 1, columns] = ratio[start:stop]
            field.radius[piece.track.steps[rows] - 1, columns] = radius[start:stop]
            start = stop

    def _deviation(
        self,
        name: str,
        at: int,
        observed: Reals,
        landing: Bound,
        ratio: Reals,
        part: Segment,
        inputs: Mapping[str, Ball],
    ) -> Deviation:
        offset = at - part.start
        for piece in part.pieces:
            if offset < piece.size:
                break
            offset -= piece.size
        step, index = piece.place(offset)
        row = piece.track.rows[step]
        ball = landing.ball
        values = {key: float(source.value[at]) for key, source in inputs.items()}
        values |= {key: float(column[row]) for key, column in self.columns.items()}
        expected = ball.value[at] if ball.centre is None else self.wide.lower(ball.centre[at : at + 1])[0]
        return Deviation(
            output=name,
            tensor=piece.track.tensor,
            step=int(piece.track.steps[step]),
            index=index,
            observed=float(observed[at]),
            expected=float(expected),
            radius=float(np.asarray(ball.radius)[at]),
            ratio=float(ratio[at]),
            inputs=values,
        )


def _paired(mask: Mask, pairs: bool) -> Mask:
    """Return ``mask``, where for complex data both parts of an element need to be in it."""
    return np.repeat(mask.reshape(-1, 2).all(axis=1), 2) if pairs else mask


def _spread_pair(mask: Mask, pairs: bool) -> Mask:
    return np.repeat(mask.reshape(-1, 2).any(axis=1), 2) if pairs else mask
