"""Moved numbers: whether rounding can be all that parts two runs of one cell, told by the rule's envelope.

Two runs part at an element where they still came to the step from the same parameters and states. There the rule has
one place for both, with one radius: within it they moved by rounding. After that each is held to its own envelope.
Where the old runs of a cell leave the envelope themselves, as known findings do, they are only compared where they
part, and both radii together are what rounding can do there. Where rounding may divide by zero, or leave the dtype's
range, the envelope has no bounds, and what moved there has moved by rounding, unless it is finite in one run alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck.guard.comparison.difference import Change, Point
from stepcheck.guard.comparison.ulps import between
from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_implementations.adapters.libraries import arithmetic_of
from stepcheck_reference.formats import BINARY32, FORMATS, Format
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.judgement import Field, Judgement
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trace, Trajectory

THETA = "theta"
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Course:
    """A script and what came of it before and now, over the steps that both finished."""

    script: Script
    old: Trajectory
    new: Trajectory


@dataclass(slots=True)
class Moved:
    """``moved`` numbers are others; ``points`` say which way."""

    moved: int = 0
    points: list[Point] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Output:
    """One output of one tensor where the two runs differ: rows are steps, columns reals."""

    course: int
    tensor: int
    name: str
    old: NDArray[np.float64]
    new: NDArray[np.float64]
    parts: Mask
    """Where the runs part: they differ, and came to the step alike."""
    later: Mask
    """Where they differ, and have parted before."""
    form: Format


def moved(rule: str, adapter: Adapter, cell: Cell, courses: Sequence[Course]) -> Moved:
    """Return how the numbers of a cell moved; without a ``rule`` those that did have no envelope."""
    found = Moved()
    outputs: list[_Output] = []
    for number, course in enumerate(courses):
        for tensor in range(len(course.script.tensors)):
            found.points += [*_starts(course, tensor), *_idle(course, tensor)]
            for output in _outputs(number, tensor, course):
                if output.parts.any() or output.later.any():
                    outputs.append(output)
            found.points += _counts(course, tensor)
    found.moved = sum(int(np.count_nonzero(output.parts | output.later)) for output in outputs)
    if not outputs:
        return found
    if not rule:
        apart = max(float(_apart(output)[output.parts | output.later].max()) for output in outputs)
        where = _where(outputs[0], courses)
        way = "moved, and there is no rule here to say whether by rounding"
        found.points.append(Point(Change.CHANGED, f"{where}: {way}", way, ulps=apart, radii=np.nan))
        return found
    from stepcheck_reference.oracle.judge import judge_all
    from stepcheck_reference.rules import find

    touched = sorted({output.course for output in outputs})
    arithmetics = _arithmetics(find(rule), adapter, cell, [courses[number] for number in touched])
    judged = {}
    for side in ("old", "new"):
        pairs = [(courses[number].script, getattr(courses[number], side)) for number in touched]
        results = judge_all(find(rule), pairs, arithmetics, fields=True)
        judged[side] = dict(zip(touched, results, strict=True))
    conform = _conform(judged["old"].values())
    found.points += [
        point
        for output in outputs
        for point in _judged(output, courses, judged["old"][output.course], judged["new"][output.course], conform)
    ]
    found.points = _gathered(found.points)
    return found


def _outputs(number: int, tensor: int, course: Course) -> Iterator[_Output]:
    """Yield theta and every state of a tensor, with where the two runs part."""
    old, new = course.old.traces[tensor], course.new.traces[tensor]
    form = FORMATS[course.script.tensors[tensor].dtype]
    theta = (np.asarray(old.theta, np.float64), np.asarray(new.theta, np.float64))
    states = {name: _states(old, new, name) for name in _names(old, new)}
    alike = same(np.asarray(old.before, np.float64), np.asarray(new.before, np.float64))
    for one, other in states.values():
        alike = alike & same(one[:-1], other[:-1])
    started = alike.copy()
    for row in range(1, len(started)):
        started[row] &= started[row - 1]
    for name, (one, other) in {THETA: theta, **{name: (a[1:], b[1:]) for name, (a, b) in states.items()}}.items():
        differs = ~same(one, other)
        here = started.all(axis=1, keepdims=True) if one.shape[1] != started.shape[1] else started
        yield _Output(number, tensor, name, one, other, differs & here, differs & ~here, _form(name, old, form))


def _names(old: Trace, new: Trace) -> list[str]:
    """Return the states that both show."""
    return [name for name in old.states if name in new.states]


def _states(old: Trace, new: Trace, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a state's rows of both, with as many columns where one holds a single number for all."""
    one, other = (np.asarray(trace.states[name], np.float64) for trace in (old, new))
    width = max(one.shape[1], other.shape[1])
    return (
        np.broadcast_to(one, (len(one), width)) if one.shape[1] != width else one,
        np.broadcast_to(other, (len(other), width)) if other.shape[1] != width else other,
    )


def _form(name: str, trace: Trace, form: Format) -> Format:
    """Return the format whose places are counted: a state that is one number a tensor may be wider than it."""
    scalar = name != THETA and trace.states[name].shape[1] == 1 != trace.theta.shape[1]
    return BINARY32 if scalar and form.precision < BINARY32.precision else form


def same(one: NDArray[Any], other: NDArray[Any]) -> Mask:
    """Return where two arrays hold the same bits, all nans being one."""
    with np.errstate(invalid="ignore"):
        return np.asarray(((one == other) & (np.signbit(one) == np.signbit(other))) | (np.isnan(one) & np.isnan(other)))


def _starts(course: Course, tensor: int) -> Iterator[Point]:
    """Yield where the new run comes to a step with other numbers than the old one, and no step has made them."""
    old, new, label = course.old.traces[tensor], course.new.traces[tensor], course.script.label
    moved_between = ~same(old.before, new.before)
    moved_between[1:] &= same(old.theta, new.theta)[:-1]
    if moved_between.any():
        row = int(np.flatnonzero(moved_between.any(axis=1))[0])
        yield Point(
            Change.CHANGED, f"{label}: p{tensor} comes to step {row + 1} with other numbers", "starts elsewhere"
        )
    for name in _names(old, new):
        if not np.array_equal(old.present[name], new.present[name]):
            way = f"state {name} is there at other steps than it was"
            yield Point(Change.CHANGED, f"{label}: p{tensor}: {way}", way, api=True)
        elif old.present[name][0]:
            one, other = (values[0] for values in _states(old, new, name))
            if not same(one, other).all():
                at = int(np.flatnonzero(~same(one, other))[0])
                what = f"state {name} of p{tensor}[{at}] starts at {float(other[at])!r}, and did at {float(one[at])!r}"
                yield Point(Change.CHANGED, f"{label}: {what}: has another initial state", _INITIAL, law="SC104")


_INITIAL = "has another initial state"


def _idle(course: Course, tensor: int) -> Iterator[Point]:
    """Yield where the new run moves a tensor at a step without a gradient, and the old one did not."""
    old, new = course.old.traces[tensor], course.new.traces[tensor]
    for row, step in enumerate(course.script.steps):
        if step.applied[tensor] is not None:
            continue
        for name in (THETA, *_names(old, new)):
            if not _moves(old, name, row) and _moves(new, name, row):
                what = name if name == THETA else f"state {name}"
                told = f"{course.script.label}: {what} of p{tensor} in step {row + 1}: {_WITHOUT}"
                yield Point(Change.CHANGED, told, _WITHOUT, law="SC204")
                return


_WITHOUT = "moves without a gradient, and did not"


def _moves(trace: Trace, name: str, row: int) -> bool:
    """Whether a step, counted from 0, changes a tensor or a state that was there before it."""
    if name == THETA:
        return not same(trace.before[row], trace.theta[row]).all()
    return bool(trace.present[name][row]) and not same(trace.states[name][row], trace.states[name][row + 1]).all()


def _counts(course: Course, tensor: int) -> Iterator[Point]:
    one, other = course.old.traces[tensor].count, course.new.traces[tensor].count
    wrong = np.flatnonzero(one != other)
    if wrong.size:
        row = int(wrong[0])
        yield Point(
            Change.CHANGED,
            f"{course.script.label}: after step {row} the counter of p{tensor} is {other[row]:g}, and was {one[row]:g}",
            "counts otherwise",
            law="SC103",
        )


def _arithmetics(rule: Rule, adapter: Adapter, cell: Cell, courses: Sequence[Course]) -> Mapping[str, Arithmetic]:
    """Return what the subject declares, or the first named arithmetic that its old runs keep; else the plain one."""
    from stepcheck.certification.undeclared.inference import CANDIDATES, PLAIN
    from stepcheck_reference.oracle.judge import judge_all

    if adapter.declared:
        dtypes = {tensor.dtype for course in courses for tensor in course.script.tensors}
        return {dtype: arithmetic_of(cell, dtype) for dtype in dtypes}
    old = [(course.script, course.old) for course in courses]
    for candidate in CANDIDATES:
        if all(judgement.conforms for judgement in judge_all(rule, old, candidate.arithmetics())):
            return candidate.arithmetics()
    return PLAIN.arithmetics()


def _conform(judgements: Iterable[Judgement]) -> set[str]:
    """Return the outputs that are inside their envelopes wherever they are compared."""
    worst: dict[str, float] = {}
    for judgement in judgements:
        for name, deviation in judgement.worst.items():
            worst[name] = max(worst.get(name, 0.0), deviation.ratio)
    return {name for name, ratio in worst.items() if ratio <= 1.0}


def _spread(judgement: Judgement, output: _Output) -> Field:
    """Return what the oracle says of each real of ``output``; one number for all of a tensor is spread over them."""
    found = judgement.fields.get((output.name, output.tensor))
    if found is None:
        return Field.blank(*output.new.shape)
    return Field(*(np.broadcast_to(values, output.new.shape) for values in (found.ratio, found.radius)))


def _apart(output: _Output) -> NDArray[np.float64]:
    return between(output.old, output.new, output.form)


def _judged(
    output: _Output, courses: Sequence[Course], old: Judgement, new: Judgement, conform: Collection[str]
) -> Iterator[Point]:
    """Yield what the envelope says of one output of one tensor; ``conform`` names outputs that old runs had inside."""
    before, after = (_spread(entry, output) for entry in (old, new))
    apart = _apart(output)
    with np.errstate(all="ignore"):
        distance = np.abs(output.new - output.old)
        radii = np.where(distance == 0.0, 0.0, distance / after.radius)
    known = (before.ratio >= 0) & (after.ratio >= 0)
    lost = ~known & (np.isfinite(output.old) != np.isfinite(output.new))
    unknown = ~known & ~lost & ~_zeros(output)
    barred = unknown & _stepped(output, courses) & ((output.name, output.tensor) in old.fields)
    bounded = np.isfinite(before.radius + after.radius) & np.isfinite(distance)
    within = distance <= before.radius + after.radius
    held = output.name in conform
    out = known & (after.ratio > 1.0) & np.where(output.parts, ~within | ((before.ratio <= 1.0) & held), held)
    torn = output.parts & ~within & ((known & (before.ratio > 1.0)) | (barred & bounded))
    law = _LAWS.get(output.name, "SC102")
    for mask, told in (
        (out & (output.parts | output.later), _LEFT),
        (torn & ~out, "moved by more than rounding"),
        (lost & (output.parts | output.later), "is finite in one and not in the other"),
        (unknown & ~barred & output.parts, "moved where the rule's envelope is not known"),
    ):
        if mask.any():
            at = _worst_at(mask, after.ratio, apart)
            what = _where(output, courses, at)
            if told == _LEFT:
                what += f", {after.ratio[at]:.3g} radii from its centre where it was {before.ratio[at]:.3g}"
            what += f": {told}"
            yield Point(Change.CHANGED, what, told, law=law, ulps=float(apart[mask].max()), radii=float(radii[at]))
    loose = output.parts & barred & ~bounded
    if loose.any():
        at = _worst_at(loose, apart, apart)
        ulps = float(apart[loose].max())
        yield Point(
            Change.ROUNDING, f"{_where(output, courses, at)}: {_LOOSE}", _LOOSE, law=law, ulps=ulps, radii=np.nan
        )
    inside = output.parts & ((known & ~out) | (barred & bounded)) & ~torn & ~_zeros(output)
    signs = (output.parts | output.later) & _zeros(output)
    later = output.later & known & ~out & ~_zeros(output)
    if inside.any():
        at = _worst_at(inside, np.where(np.isfinite(radii), radii, 0.0), apart)
        ulps, far = float(apart[inside].max()), float(radii[at])
        yield Point(Change.ROUNDING, _where(output, courses, at), _ROUNDED, law=law, ulps=ulps, radii=far)
    elif later.any():
        at = _worst_at(later, apart, apart)
        yield Point(Change.ROUNDING, f"{_where(output, courses, at)}, having started elsewhere", _ROUNDED, law=law)
    if signs.any():
        at = _worst_at(signs, apart, apart)
        yield Point(Change.ROUNDING, _where(output, courses, at), "zeros of the other sign", law=law)


_LAWS = {THETA: "SC101"}
_ROUNDED, _LEFT = "moved within the envelope", "leaves the envelope"
_LOOSE = "moved where the envelope has no bounds"


def _stepped(output: _Output, courses: Sequence[Course]) -> Mask:
    """Return, as a column, at which steps the tensor had a gradient."""
    steps = courses[output.course].script.steps
    return np.array([step.applied[output.tensor] is not None for step in steps])[:, None]


def _zeros(output: _Output) -> Mask:
    """Return where both are zeros, of other signs; no envelope tells them apart."""
    return np.asarray((output.old == 0) & (output.new == 0))


def _worst_at(mask: Mask, first: NDArray[np.float64], then: NDArray[np.float64]) -> tuple[int, int]:
    """Return the place in ``mask`` where ``first``, and among those ``then``, is largest."""
    rows, columns = np.nonzero(mask)
    order = np.lexsort((then[rows, columns], first[rows, columns]))
    return int(rows[order[-1]]), int(columns[order[-1]])


def _where(output: _Output, courses: Sequence[Course], at: tuple[int, int] | None = None) -> str:
    """Return which number moved, from what to what."""
    step, index = at if at is not None else _worst_at(output.parts | output.later, _apart(output), _apart(output))
    name = output.name if output.name == THETA else f"state {output.name}"
    return (
        f"{courses[output.course].script.label}: {name} of p{output.tensor}[{index}] after step {step + 1} is "
        f"{float(output.new[step, index])!r}, and was {float(output.old[step, index])!r}"
    )


def _gathered(points: list[Point]) -> list[Point]:
    """Return the worst of the points of each class, law and way, which are many where a cell moved at all."""
    found: dict[tuple[Change, str, str], Point] = {}
    for point in points:
        key = (point.change, point.law, point.common)
        known = found.get(key)
        if known is None or (point.radii, point.ulps) > (known.radii, known.ulps):
            found[key] = point
    return list(found.values())
