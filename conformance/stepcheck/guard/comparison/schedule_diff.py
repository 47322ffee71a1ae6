"""Schedules compared: whether rates that changed stay inside the envelope of the scheduler's documented formula."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck.guard.comparison.difference import Change, Difference, Point, difference
from stepcheck.guard.comparison.ulps import ulps_between
from stepcheck.guard.comparison.value_diff import value_diff
from stepcheck.guard.corpus.cell_spec import CellSpec
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_reference.formats import BINARY64
from stepcheck_reference.schedules.rate_envelope import Envelope, envelope, envelope_of_jumps, envelope_of_momenta

_NAMES = {
    "lr": "the rate",
    "last_lr": "get_last_lr()",
    "closed": "the closed form",
    "resumed": "the rate after a reload",
    "jumped": "the rate after step(epoch)",
    "momentum": "the momentum",
    "beta1": "beta1",
}
"""Sequences of a recording in words."""


def compare_schedules(spec: CellSpec, old: Recording, new: Recording) -> Difference:
    """Return how two recordings of a schedule differ."""
    points: list[Point] = []
    differing = 0
    before, after = ({name: values.reshape(-1) for name, values in each.tensors.items()} for each in (old, new))
    for name, one in before.items():
        other = after.get(name)
        title = _NAMES.get(name, name)
        if other is None:
            points.append(Point(Change.CHANGED, f"{title} is gone", api=True))
        elif len(one) != len(other):
            points.append(Point(Change.CHANGED, f"{title} has {len(other)} values instead of {len(one)}"))
        else:
            apart = ulps_between(one, other, BINARY64)
            if apart.any():
                differing += int(np.count_nonzero(apart))
                points.append(_point(spec.request["recipe"], name, one, other, apart))
    points += [
        Point(Change.CHANGED, f"{_NAMES.get(name, name)} is new", api=True) for name in after if name not in before
    ]
    points += value_diff(*(_without_rates(recording.facts) for recording in (old, new)))
    compared = sum(values.size for values in new.tensors.values())
    return difference(spec.id, spec.kind, spec.target, points, compared, differing)


def _without_rates(value: Any) -> Any:
    """Return a scheduler's facts without the rates in its state, which are compared as a sequence."""
    if isinstance(value, dict):
        return {key: _without_rates(entry) for key, entry in value.items() if key != "_last_lr"}
    return [_without_rates(entry) for entry in value] if isinstance(value, list) else value


def _point(
    recipe: Mapping[str, Any], name: str, old: NDArray[Any], new: NDArray[Any], apart: NDArray[np.float64]
) -> Point:
    """Return the point of one sequence that differs, judged by its envelope; ``apart`` counts ulps."""
    groups = len(recipe["groups"])

    def location(at: int) -> str:
        return (
            f"{_NAMES.get(name, name)} of group {at % groups} in row {at // groups} is {float(new[at])!r}, was "
            f"{float(old[at])!r}"
        )

    around, largest = _envelope(recipe, name), float(apart.max())
    if around is None:
        summary = "changed, and the documentation defines no such sequence"
        at = int(np.argmax(apart))
        return Point(Change.CHANGED, f"{location(at)}: {summary}", summary, ulps=largest, radii=np.nan)
    # an envelope starts at the scheduler's construction, "resumed" in the middle of the run
    first = (int(recipe["steps"]) // 2) * groups if name == "resumed" else 0
    centre, radius = (values.reshape(-1)[first : first + len(old)] for values in around)
    with np.errstate(all="ignore"):
        before, after = (np.abs(values - centre) / radius for values in (old, new))
        radii = np.where(apart > 0, np.abs(new - old) / radius, 0.0)
        left = (apart > 0) & ~(after <= 1.0)
    if left.any():
        at = int(np.argmax(np.where(left, apart, -1.0)))
        summary = "changed outside the envelope" if before[at] > 1.0 else "leaves the envelope"
        return Point(Change.CHANGED, f"{location(at)}: {summary}", summary, ulps=largest, radii=float(radii[at]))
    at = int(np.argmax(radii))
    if (before[apart > 0] > 1.0).any():
        summary = "was outside the envelope, and is inside"
        return Point(Change.CHANGED, f"{location(at)}: {summary}", summary, ulps=largest, radii=float(radii[at]))
    return Point(Change.ROUNDING, location(at), "changed within the envelope", ulps=largest, radii=float(radii[at]))


def _envelope(recipe: Mapping[str, Any], name: str) -> Envelope | None:
    """Return the centre and radius of a sequence from its scheduler's construction on."""
    if name == "jumped":
        return envelope_of_jumps(recipe)
    if name in ("momentum", "beta1"):
        return envelope_of_momenta(recipe, int(recipe["steps"]))
    return envelope(recipe, int(recipe["steps"]))
