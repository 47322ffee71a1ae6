"""What two runs of one script differ in apart from numbers: errors, writes, closures, states and warnings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from stepcheck.guard.comparison.difference import Change, Point
from stepcheck.guard.comparison.run_pair import same
from stepcheck.guard.comparison.ulps import largest_ulps
from stepcheck.guard.comparison.value_diff import shown
from stepcheck_implementations.recorder.recording import Recording

_SIDE_EFFECTS = (
    ("wrote", "SC203", "tensors whose gradient a step overwrites"),
    ("calls", "SC233", "calls of the closure"),
)
"""Fact of a run, the law concerned, and the fact in words."""


def fact_points(label: str, old: Mapping[str, Any], new: Mapping[str, Any], at: int = 0) -> Iterator[Point]:
    """Yield how the facts of two runs differ; the new one was resumed after step ``at``."""
    one, other = old["fault"], new["fault"]
    not_loaded = other is not None and at and not other[2]
    if other is not None and at:
        other = [*other[:2], other[2] + at]
    ends_elsewhere = (one and [one[0], one[2]]) != (other and [other[0], other[2]])
    if one != other:
        if not ends_elsewhere and one[1].partition(":")[0] == other[1].partition(":")[0]:
            yield Point(Change.CHANGED, f"the error is {shown(other[1])}, was {shown(one[1])}", api=True)
        else:
            summary = f"cannot be loaded ({shown(other[1])})" if not_loaded else f"{_ending(other)}, {_was(one)}"
            yield Point(Change.CHANGED, f"{label}: {summary}", summary, law="SC201")
    if not ends_elsewhere:
        for name, law, noun in _SIDE_EFFECTS:
            before, after = old.get(name, []), new.get(name, [])
            before = before[at:] if name == "calls" else before
            if before != after:
                message = f"{label}: {noun} are {after}, were {before}"
                yield Point(Change.CHANGED, message, f"other {noun}", law=law)
        if _entries(old) != _entries(new):
            yield from _entry_points(_entries(old), _entries(new))
    for line in new.get("warnings", []):
        if line not in old.get("warnings", []):
            yield Point(Change.CHANGED, f"new warning: {shown(line)}", api=True)
    for line in old.get("warnings", []):
        if line not in new.get("warnings", []):
            yield Point(Change.CHANGED, f"no longer warns: {shown(line)}", api=True)


def unmapped_points(label: str, old: Recording, new: Recording) -> Iterator[Point]:
    """Yield how numbers without an envelope differ: states that no adapter maps, and what steps return."""
    for name in sorted({*old.tensors, *new.tensors}):
        if not name.startswith(("beside ", "returned.", "losses.")):
            continue
        one, other = old.tensors.get(name), new.tensors.get(name)
        if one is None or other is None or one.shape != other.shape:
            continue  # then the state's dtype or shape differs, which ``fact_points`` reports
        if not same(one, other).all():
            noun = name.removeprefix("beside ").partition(" ")[2] or f"the return value of steps ({_stem(name)})"
            summary = f"{noun} differs, and has no envelope"
            ulps = largest_ulps(one, other)
            yield Point(Change.CHANGED, f"{label}: {summary}", summary, ulps=ulps, radii=np.nan)


def _stem(name: str) -> str:
    return name.partition(".")[0]


def _entries(facts: Mapping[str, Any]) -> list[dict[str, list[Any]]]:
    """Return dtype, device and shape of each tensor's states at the end, by key."""
    kinds, kind_numbers = facts["held"]
    return [{key: [dtype, device, shape] for key, dtype, device, shape in kinds[number]} for number in kind_numbers]


def _entry_points(old: list[dict[str, list[Any]]], new: list[dict[str, list[Any]]]) -> Iterator[Point]:
    for one, other in zip(old, new, strict=False):
        for key in dict.fromkeys((*one, *other)):
            before, after = one.get(key), other.get(key)
            if after is None:
                yield Point(Change.CHANGED, f"state {key!r} is gone, was {_kind(one[key])}", api=True)
            elif before is None:
                yield Point(Change.CHANGED, f"state {key!r} is new, {_kind(after)}", api=True)
            elif before != after:
                yield Point(Change.CHANGED, f"state {key!r} is {_kind(after)}, was {_kind(before)}", api=True)


def _kind(entry: list[Any]) -> str:
    dtype, device, shape = entry
    return f"a {dtype} tensor of shape {tuple(shape)} on {device}" if dtype else "a number"


def _ending(fault: list[Any] | None) -> str:
    """Return how the new run ends; a fault is [kind, message, step]."""
    return "finishes" if fault is None else f"{fault[0]} at step {fault[2]} ({shown(fault[1])})"


def _was(fault: list[Any] | None) -> str:
    """Return how the old run ended."""
    return "finished before" if fault is None else f"before it {_ending(fault)}"
