"""Comparison: two recordings of one cell, and how they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from stepcheck.guard.comparison.difference import Change, Difference, Point, difference
from stepcheck.guard.comparison.rounding import Course, Moved, moved, same
from stepcheck.guard.comparison.ulps import farthest
from stepcheck.guard.comparison.value_diff import shown, told
from stepcheck.guard.corpus.spec import CHECKPOINT, SCHEDULE, STEPS, Asked
from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_implementations.recorder.recording import Recording, concatenate, to_trajectory, truncate
from stepcheck_reference import dataclass_codec
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.script_json import from_json
from stepcheck_reference.scripts.trajectory import Trajectory


def compare(asked: Asked, old: Recording, new: Recording) -> Difference:
    """Return how ``new`` differs from ``old``, both of what was ``asked``.

    A checkpoint's ``new`` is what came of going on from the state dict in ``old``; see ``resumed``.
    """
    absent = [str(facts["absent"]) if "absent" in facts else None for facts in (old.facts, new.facts)]
    if absent[0] is not None or absent[1] is not None:
        return _there_or_not(asked, *absent)
    if asked.kind in (STEPS, CHECKPOINT):
        found = _Steps(asked, old, new)
        points = found.points()
        return difference(asked.id, asked.kind, asked.target, points, numbers(new), found.moved)
    if asked.kind == SCHEDULE:
        return _schedule(asked, old, new)
    return difference(asked.id, asked.kind, asked.target, told(old.facts, new.facts))


def resumed(asked: Asked, old: Recording) -> Asked | None:
    """Return what to ask so that a run goes on from the checkpoint in ``old``; None where there is none in it."""
    from stepcheck_reference.scripts.script import Group, Literal
    from stepcheck_reference.scripts.script_json import to_json

    if "saved" not in old.facts:
        return None
    script, at = from_json(asked.request["script"]), int(old.facts["at"])
    course = to_trajectory(script, old)
    if course.steps <= at:
        return None
    tensors = tuple(
        _starting(tensor, Literal(tuple(trace.theta[at - 1].astype(float).tolist())))
        for tensor, trace in zip(script.tensors, course.traces, strict=True)
    )
    groups = tuple(Group(group.tensors, hyper) for group, hyper in zip(script.groups, script.hyper_at(at), strict=True))
    tail = Script(
        tensors, groups, script.steps[at:], script.objective, script.invocation, script.box, label=script.label
    )
    names = [name for name in old.tensors if name.startswith("saved ")]
    arrays = [old.tensors[name] for name in sorted(names, key=lambda name: int(name.split()[1]))]
    request = {"ask": "resume", "script": to_json(tail), "saved": old.facts["saved"]}
    return Asked(asked.id, asked.kind, asked.target, request, asked.adapter, asked.cell, asked.rule, tuple(arrays))


def numbers(recording: Recording) -> int:
    """Return how many numbers of a recording are compared, without counts of steps and what was saved."""
    return sum(
        values.size
        for name, values in recording.tensors.items()
        if not name.startswith("saved ") and not name.rpartition("/")[2].startswith("count.")
    )


def _starting(tensor: Any, values: Any) -> Any:
    from dataclasses import replace

    return replace(tensor, initial=values) if tensor.size else tensor


def _there_or_not(asked: Asked, old: str | None, new: str | None) -> Difference:
    if old is not None and new is not None:
        return difference(asked.id, asked.kind, asked.target, ())
    change, why = (Change.NEW, old) if new is None else (Change.GONE, new)
    what = f"{'it was refused' if change is Change.NEW else 'refused'}: {shown(why)}"
    return difference(asked.id, asked.kind, asked.target, [Point(change, what, api=True)])


class _Steps:
    """The runs of one cell, compared script by script."""

    def __init__(self, asked: Asked, old: Recording, new: Recording) -> None:
        self.asked = asked
        self.moved = 0
        self.refused: list[Point] = []
        self.pairs: list[tuple[Script, Mapping[str, Any], Mapping[str, Any], Recording, Recording]] = []
        self.tail: Asked | None = None
        if asked.kind == CHECKPOINT:
            script = from_json(asked.request["script"])
            self.tail = resumed(asked, old)
            self.pairs.append((script, old.facts, new.facts, old, new))
            return
        for text in asked.request["scripts"]:
            script = from_json(text)
            label = script.label
            both = [recording.facts["runs"].get(label) for recording in (old, new)]
            if all(facts is not None for facts in both):
                self.pairs.append((script, *both, _run(old, label), _run(new, label)))
            elif any(facts is not None for facts in both):
                way = "is refused, and was not" if both[1] is None else "was refused, and is not"
                self.refused.append(Point(Change.CHANGED, f"{label}: {way}", way, law="SC201"))

    def points(self) -> list[Point]:
        found: list[Point] = self.refused
        courses: list[Course] = []
        for script, one, other, old, new in self.pairs:
            found += _told(script.label, one, other, 0 if self.tail is None else int(one["at"]))
            before, after = to_trajectory(script, old), self._course(script, old, new)
            if steps := min(before.steps, after.steps):
                courses.append(Course(script.until(steps), truncate(before, steps), truncate(after, steps)))
            found += _beside(script.label, old, new)
        found += self._numbers(courses)
        return _once(found)

    def _course(self, script: Script, old: Recording, new: Recording) -> Trajectory:
        if self.tail is None:
            return to_trajectory(script, new)
        head = truncate(to_trajectory(script, old), int(old.facts["at"]))
        return concatenate(head, to_trajectory(from_json(self.tail.request["script"]), new))

    def _numbers(self, courses: list[Course]) -> Iterator[Point]:
        asked = self.asked
        assert asked.adapter is not None
        assert asked.cell is not None
        found: Moved = moved(
            asked.rule,
            dataclass_codec.decode(Adapter, asked.adapter),
            dataclass_codec.decode(Cell, asked.cell),
            courses,
        )
        self.moved = found.moved
        yield from found.points


def _told(label: str, old: Mapping[str, Any], new: Mapping[str, Any], at: int = 0) -> Iterator[Point]:
    """Yield what differs in what a run was seen to do beside its numbers; the new one began after step ``at``."""
    one, other = old["fault"], new["fault"]
    unread = other is not None and at and not other[2]
    if other is not None and at:
        other = [*other[:2], other[2] + at]
    ends_elsewhere = (one and [one[0], one[2]]) != (other and [other[0], other[2]])
    if one != other:
        if not ends_elsewhere and one[1].partition(":")[0] == other[1].partition(":")[0]:
            yield Point(Change.CHANGED, f"says {shown(other[1])}, and said {shown(one[1])}", api=True)
        else:
            way = f"cannot be loaded ({shown(other[1])})" if unread else f"{_ending(other)}, and {_ended(one)}"
            yield Point(Change.CHANGED, f"{label}: {way}", way, law="SC201")
    for what, law in () if ends_elsewhere else (("wrote", "SC203"), ("calls", "SC233")):
        before, after = old.get(what, []), new.get(what, [])
        before = before[at:] if what == "calls" else before
        if before != after:
            told = f"{label}: {_SAYS[what]} {after}, and were {before}"
            yield Point(Change.CHANGED, told, f"other {_SAYS[what].removesuffix(' are')}", law=law)
    if not ends_elsewhere and _held(old) != _held(new):
        yield from _held_points(_held(old), _held(new))
    for line in new.get("warnings", []):
        if line not in old.get("warnings", []):
            yield Point(Change.CHANGED, f"warns now: {shown(line)}", api=True)
    for line in old.get("warnings", []):
        if line not in new.get("warnings", []):
            yield Point(Change.CHANGED, f"no longer warns: {shown(line)}", api=True)


_SAYS = {"wrote": "tensors whose gradient a step writes into are", "calls": "calls of the closure are"}


def _held(facts: Mapping[str, Any]) -> list[dict[str, list[Any]]]:
    """Return what the optimizer holds for each tensor at the end, by key."""
    kinds, places = facts["held"]
    return [{key: [dtype, device, shape] for key, dtype, device, shape in kinds[place]} for place in places]


def _held_points(old: list[dict[str, list[Any]]], new: list[dict[str, list[Any]]]) -> Iterator[Point]:
    for one, other in zip(old, new, strict=False):
        for key in dict.fromkeys((*one, *other)):
            if key not in other:
                yield Point(Change.CHANGED, f"state {key!r} is gone, it was {_kind(one[key])}", api=True)
            elif key not in one:
                yield Point(Change.CHANGED, f"state {key!r} is new, {_kind(other[key])}", api=True)
            elif one[key] != other[key]:
                yield Point(
                    Change.CHANGED, f"state {key!r} is {_kind(other[key])}, and was {_kind(one[key])}", api=True
                )


def _kind(value: list[Any]) -> str:
    dtype, device, shape = value
    return f"a {dtype} tensor of shape {tuple(shape)} on {device}" if dtype else "a number"


def _beside(label: str, old: Recording, new: Recording) -> Iterator[Point]:
    """Yield what differs in numbers that no envelope is said of: unmapped states, and what steps return."""
    for name in sorted({*old.tensors, *new.tensors}):
        if not name.startswith(("beside ", "returned.", "losses.")):
            continue
        one, other = old.tensors.get(name), new.tensors.get(name)
        if one is None or other is None or one.shape != other.shape:
            continue  # what is held differs, which is told elsewhere
        if not same(one, other).all():
            what = name.removeprefix("beside ").partition(" ")[2] or f"what steps return ({name.partition('.')[0]})"
            way = f"{what} differs, and has no envelope"
            yield Point(Change.CHANGED, f"{label}: {way}", way, ulps=farthest(one, other), radii=np.nan)


def _once(points: list[Point]) -> list[Point]:
    """Return ``points`` without those that say what another says."""
    return list({(point.law, point.common): point for point in reversed(points)}.values())[::-1]


def _run(recording: Recording, label: str) -> Recording:
    prefix = f"{label}/"
    tensors = {name[len(prefix) :]: values for name, values in recording.tensors.items() if name.startswith(prefix)}
    return Recording(recording.facts["runs"][label], tensors)


def _schedule(asked: Asked, old: Recording, new: Recording) -> Difference:
    from stepcheck.guard.comparison.schedules import points

    found, reals, count = points(asked, old, new)
    facts = told(*(_without_rates(recording.facts) for recording in (old, new)))
    return difference(asked.id, asked.kind, asked.target, [*found, *facts], reals, count)


def _without_rates(value: Any) -> Any:
    """Return a scheduler's facts without the rates in its state, which are told of as a sequence."""
    if isinstance(value, dict):
        return {key: _without_rates(entry) for key, entry in value.items() if key != "_last_lr"}
    return [_without_rates(entry) for entry in value] if isinstance(value, list) else value


def _ending(fault: list[Any] | None) -> str:
    return "finishes" if fault is None else f"{fault[0]} at step {fault[2]} ({shown(fault[1])})"


def _ended(fault: list[Any] | None) -> str:
    return "finished before" if fault is None else f"before it {fault[0]} at step {fault[2]} ({shown(fault[1])})"
