"""The old and the new run of one script: where they diverge, and what differs apart from single numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck.guard.comparison.difference import Change, Point
from stepcheck_reference.formats import BINARY32, FORMATS, Format
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trace, Trajectory

THETA = "theta"
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RunPair:
    """A script and its old and new trajectory, over the steps that both finished."""

    script: Script
    old: Trajectory
    new: Trajectory


@dataclass(frozen=True, slots=True)
class OutputPair:
    """Theta or one state of one tensor in both runs of pair ``pair``: rows are steps, columns reals.

    ``diverges`` marks numbers that differ although the runs came to the step from the same parameters and states,
    ``later`` those that differ after an earlier divergence. ``form`` is the format whose ulps are counted.
    """

    pair: int
    tensor: int
    name: str
    old: NDArray[np.float64]
    new: NDArray[np.float64]
    diverges: Mask
    later: Mask
    form: Format

    @property
    def differs(self) -> Mask:
        """Where the two runs differ."""
        return self.diverges | self.later

    @property
    def zeros(self) -> Mask:
        """Where both are zeros: those that differ do so in sign alone, which no envelope distinguishes."""
        return np.asarray((self.old == 0) & (self.new == 0))


def same(one: NDArray[Any], other: NDArray[Any]) -> Mask:
    """Return where two arrays hold the same bits, all nans being one."""
    with np.errstate(invalid="ignore"):
        return np.asarray(((one == other) & (np.signbit(one) == np.signbit(other))) | (np.isnan(one) & np.isnan(other)))


def output_pairs(number: int, tensor: int, pair: RunPair) -> Iterator[OutputPair]:
    """Yield theta and every state of a tensor of ``pair``, which is pair ``number`` of its cell."""
    old, new = pair.old.traces[tensor], pair.new.traces[tensor]
    form = FORMATS[pair.script.tensors[tensor].dtype]
    theta = (np.asarray(old.theta, np.float64), np.asarray(new.theta, np.float64))
    states = {name: _states(old, new, name) for name in _shared_states(old, new)}
    same_start = same(np.asarray(old.before, np.float64), np.asarray(new.before, np.float64))
    for one, other in states.values():
        same_start = same_start & same(one[:-1], other[:-1])
    # a step counts as started equally only if all steps before it did, so an element diverges at most once
    started = same_start.copy()
    for row in range(1, len(started)):
        started[row] &= started[row - 1]
    for name, (one, other) in {THETA: theta, **{name: (a[1:], b[1:]) for name, (a, b) in states.items()}}.items():
        differs = ~same(one, other)
        here = started.all(axis=1, keepdims=True) if one.shape[1] != started.shape[1] else started
        yield OutputPair(number, tensor, name, one, other, differs & here, differs & ~here, _form(name, old, form))


def pair_points(pair: RunPair, tensor: int) -> Iterator[Point]:
    """Yield what differs in a tensor's starting points, idle steps and step counts."""
    yield from _other_starts(pair, tensor)
    yield from _idle_changes(pair, tensor)
    yield from _other_counts(pair, tensor)


def _shared_states(old: Trace, new: Trace) -> list[str]:
    return [name for name in old.states if name in new.states]


def _states(old: Trace, new: Trace, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a state's rows in both runs, with equally many columns where one holds a single number for all."""
    one, other = (np.asarray(trace.states[name], np.float64) for trace in (old, new))
    width = max(one.shape[1], other.shape[1])
    return (
        np.broadcast_to(one, (len(one), width)) if one.shape[1] != width else one,
        np.broadcast_to(other, (len(other), width)) if other.shape[1] != width else other,
    )


def _form(name: str, trace: Trace, form: Format) -> Format:
    """Return the format whose ulps are counted: a state that is one number a tensor may be wider than the tensor."""
    scalar = name != THETA and trace.states[name].shape[1] == 1 != trace.theta.shape[1]
    return BINARY32 if scalar and form.precision < BINARY32.precision else form


def _other_starts(pair: RunPair, tensor: int) -> Iterator[Point]:
    """Yield where the new run starts a step from other numbers than the old one, and no step computed them."""
    old, new, label = pair.old.traces[tensor], pair.new.traces[tensor], pair.script.label
    differs = ~same(old.before, new.before)
    differs[1:] &= same(old.theta, new.theta)[:-1]
    if differs.any():
        row = int(np.flatnonzero(differs.any(axis=1))[0])
        summary = "starts from other values"
        yield Point(Change.CHANGED, f"{label}: p{tensor} at step {row + 1}: {summary}", summary)
    for name in _shared_states(old, new):
        if not np.array_equal(old.present[name], new.present[name]):
            summary = f"state {name} exists at other steps than before"
            yield Point(Change.CHANGED, f"{label}: p{tensor}: {summary}", summary, api=True)
        elif old.present[name][0]:
            one, other = (values[0] for values in _states(old, new, name))
            if not same(one, other).all():
                at = int(np.flatnonzero(~same(one, other))[0])
                summary = "has another initial value"
                values = f"starts at {float(other[at])!r}, was {float(one[at])!r}"
                message = f"{label}: state {name} of p{tensor}[{at}] {values}: {summary}"
                yield Point(Change.CHANGED, message, summary, law="SC104")


def _idle_changes(pair: RunPair, tensor: int) -> Iterator[Point]:
    """Yield the first step without a gradient in which the new run changes a tensor or state, and the old did not."""
    old, new = pair.old.traces[tensor], pair.new.traces[tensor]
    for row, step in enumerate(pair.script.steps):
        if step.applied[tensor] is not None:
            continue
        for name in (THETA, *_shared_states(old, new)):
            if not _updates(old, name, row) and _updates(new, name, row):
                output = name if name == THETA else f"state {name}"
                summary = "changes without a gradient, did not before"
                message = f"{pair.script.label}: {output} of p{tensor} in step {row + 1}: {summary}"
                yield Point(Change.CHANGED, message, summary, law="SC204")
                return


def _updates(trace: Trace, name: str, row: int) -> bool:
    """Whether a step, counted from 0, changes a tensor, or a state that existed before it."""
    if name == THETA:
        return not same(trace.before[row], trace.theta[row]).all()
    return bool(trace.present[name][row]) and not same(trace.states[name][row], trace.states[name][row + 1]).all()


def _other_counts(pair: RunPair, tensor: int) -> Iterator[Point]:
    one, other = pair.old.traces[tensor].count, pair.new.traces[tensor].count
    wrong = np.flatnonzero(one != other)
    if wrong.size:
        row = int(wrong[0])
        yield Point(
            Change.CHANGED,
            f"{pair.script.label}: the step count of p{tensor} after step {row} is {other[row]:g}, was {one[row]:g}",
            "counts steps differently",
            law="SC103",
        )
