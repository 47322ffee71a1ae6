"""Comparison: two recordings of one cell, and how they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stepcheck.guard.comparison.checkpoint import resume_spec
from stepcheck.guard.comparison.difference import Change, Difference, Point, difference
from stepcheck.guard.comparison.number_diff import number_diff
from stepcheck.guard.comparison.run_facts import fact_points, unmapped_points
from stepcheck.guard.comparison.run_pair import RunPair
from stepcheck.guard.comparison.value_diff import shown, value_diff
from stepcheck.guard.corpus.cell_spec import CHECKPOINT, SCHEDULE, STEPS, CellSpec
from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_implementations.recorder.recording import Recording, concatenate, to_trajectory, truncate
from stepcheck_reference import dataclass_codec
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.script_json import from_json
from stepcheck_reference.scripts.trajectory import Trajectory


def compare(spec: CellSpec, old: Recording, new: Recording) -> Difference:
    """Return how ``new`` differs from ``old``, both recorded of the cell ``spec``.

    Of a checkpoint ``new`` is the recording of its ``recheck_spec``, which resumes from the state dict in ``old``.
    """
    absent = [str(facts["absent"]) if "absent" in facts else None for facts in (old.facts, new.facts)]
    if absent[0] is not None or absent[1] is not None:
        return _availability(spec, *absent)
    if spec.kind in (STEPS, CHECKPOINT):
        return _compare_runs(spec, old, new)
    if spec.kind == SCHEDULE:
        from stepcheck.guard.comparison.schedule_diff import compare_schedules

        return compare_schedules(spec, old, new)
    return difference(spec.id, spec.kind, spec.target, value_diff(old.facts, new.facts))


def identical_cell(spec: CellSpec, recording: Recording) -> Difference:
    """Return the difference of a cell whose recording has the same bits: none."""
    return difference(spec.id, spec.kind, spec.target, (), _compared(recording))


def new_cell(spec: CellSpec, recording: Recording) -> Difference:
    """Return the difference of a cell without an old recording: it is new, unless it is refused."""
    if "absent" in recording.facts:
        return difference(spec.id, spec.kind, spec.target, ())
    point = Point(Change.NEW, "the baseline has no such cell", api=True)
    return difference(spec.id, spec.kind, spec.target, [point])


def _availability(spec: CellSpec, old: str | None, new: str | None) -> Difference:
    """Return the difference of a cell that is refused on one side or both; each is the reason, None where it runs."""
    if old is not None and new is not None:
        return difference(spec.id, spec.kind, spec.target, ())
    change, why = (Change.NEW, old) if new is None else (Change.GONE, new)
    message = f"{'was refused' if change is Change.NEW else 'is refused'}: {shown(why)}"
    return difference(spec.id, spec.kind, spec.target, [Point(change, message, api=True)])


def _compared(recording: Recording) -> int:
    """Return how many numbers of a recording are compared, without step counts and saved states."""
    return sum(
        values.size
        for name, values in recording.tensors.items()
        if not name.startswith("saved ") and not name.rpartition("/")[2].startswith("count.")
    )


def _compare_runs(spec: CellSpec, old: Recording, new: Recording) -> Difference:
    """Return how the runs of one cell differ, script by script."""
    assert spec.adapter is not None
    assert spec.cell is not None
    resumed = resume_spec(spec, old) if spec.kind == CHECKPOINT else None
    points: list[Point] = []
    pairs: list[RunPair] = []
    for script, one, other in _runs(spec, old, new, points):
        points += fact_points(script.label, one.facts, other.facts, int(one.facts["at"]) if resumed else 0)
        before = to_trajectory(script, one)
        after = to_trajectory(script, other) if resumed is None else _whole_run(script, resumed, one, other)
        if steps := min(before.steps, after.steps):
            pairs.append(RunPair(script.until(steps), truncate(before, steps), truncate(after, steps)))
        points += unmapped_points(script.label, one, other)
    numbers = number_diff(
        spec.rule, dataclass_codec.decode(Adapter, spec.adapter), dataclass_codec.decode(Cell, spec.cell), pairs
    )
    points = _without_repetitions([*points, *numbers.points])
    return difference(spec.id, spec.kind, spec.target, points, _compared(new), numbers.differing)


def _runs(
    spec: CellSpec, old: Recording, new: Recording, refused: list[Point]
) -> Iterator[tuple[Script, Recording, Recording]]:
    """Yield each script with its two runs; one that only one side refuses is added to ``refused``."""
    if spec.kind == CHECKPOINT:
        yield from_json(spec.request["script"]), old, new
        return
    for text in spec.request["scripts"]:
        script = from_json(text)
        label = script.label
        ran = [label in recording.facts["runs"] for recording in (old, new)]
        if all(ran):
            yield script, _run(old, label), _run(new, label)
        elif any(ran):
            summary = "was refused, and runs now" if ran[1] else "is refused, and ran before"
            refused.append(Point(Change.CHANGED, f"{label}: {summary}", summary, law="SC201"))


def _whole_run(script: Script, resumed: CellSpec, old: Recording, new: Recording) -> Trajectory:
    """Return the new trajectory of a checkpoint: the old one up to where it was saved, and ``new`` from there on."""
    head = truncate(to_trajectory(script, old), int(old.facts["at"]))
    return concatenate(head, to_trajectory(from_json(resumed.request["script"]), new))


def _run(recording: Recording, label: str) -> Recording:
    """Return the part of ``recording`` that is the run of one script."""
    prefix = f"{label}/"
    tensors = {name[len(prefix) :]: values for name, values in recording.tensors.items() if name.startswith(prefix)}
    facts: Mapping[str, Any] = recording.facts["runs"][label]
    return Recording(facts, tensors)


def _without_repetitions(points: list[Point]) -> list[Point]:
    """Return ``points`` with the first of each law and headline."""
    return list({(point.law, point.headline): point for point in reversed(points)}.values())[::-1]
