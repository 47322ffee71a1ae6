"""Schedules compared: whether rates that moved stay inside the envelope of the scheduler's documented formula."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck.guard.comparison.difference import Change, Point
from stepcheck.guard.comparison.ulps import between
from stepcheck.guard.corpus.spec import Asked
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_reference.formats import BINARY64
from stepcheck_reference.schedules.rate_envelope import Envelope, envelope, envelope_of_jumps, envelope_of_momenta

_SAYS = {
    "lr": "the rate",
    "last_lr": "get_last_lr()",
    "closed": "the closed form",
    "resumed": "the rate after a reload",
    "jumped": "the rate after step(epoch)",
    "momentum": "the momentum",
    "beta1": "beta1",
}


def points(asked: Asked, old: Recording, new: Recording) -> tuple[list[Point], int, int]:
    """Return how the sequences of two recordings differ, how many numbers they have, and how many of those moved."""
    found: list[Point] = []
    moved = 0
    before, after = ({name: values.reshape(-1) for name, values in each.tensors.items()} for each in (old, new))
    for name, one in before.items():
        other = after.get(name)
        says = _SAYS.get(name, name)
        if other is None:
            found.append(Point(Change.CHANGED, f"{says} is gone", api=True))
        elif len(one) != len(other):
            found.append(Point(Change.CHANGED, f"{says} has {len(other)} numbers, and had {len(one)}"))
        else:
            apart = between(one, other, BINARY64)
            if apart.any():
                moved += int(np.count_nonzero(apart))
                found.append(_point(asked.request["recipe"], name, one, other, apart))
    found += [
        Point(Change.CHANGED, f"{_SAYS.get(name, name)} is new", api=True) for name in after if name not in before
    ]
    return found, sum(values.size for values in new.tensors.values()), moved


def _point(
    recipe: Mapping[str, Any], name: str, old: NDArray[Any], new: NDArray[Any], apart: NDArray[np.float64]
) -> Point:
    """Return what the envelope says of one sequence; ``apart`` counts units in the last place."""
    groups = len(recipe["groups"])

    def told(at: int) -> str:
        return (
            f"{_SAYS.get(name, name)} of group {at % groups} in row {at // groups} is {float(new[at])!r}, and was "
            f"{float(old[at])!r}"
        )

    around, farthest = _envelope(recipe, name), float(apart.max())
    if around is None:
        way = "moved, and the documentation defines no such sequence"
        return Point(Change.CHANGED, f"{told(int(np.argmax(apart)))}: {way}", way, ulps=farthest, radii=np.nan)
    first = (int(recipe["steps"]) // 2) * groups if name == "resumed" else 0
    centre, radius = (values.reshape(-1)[first : first + len(old)] for values in around)
    with np.errstate(all="ignore"):
        before, after = (np.abs(values - centre) / radius for values in (old, new))
        radii = np.where(apart > 0, np.abs(new - old) / radius, 0.0)
        left = (apart > 0) & ~(after <= 1.0)
    if left.any():
        at = int(np.argmax(np.where(left, apart, -1.0)))
        way = "moved outside the envelope" if before[at] > 1.0 else "leaves the envelope"
        return Point(Change.CHANGED, f"{told(at)}: {way}", way, ulps=farthest, radii=float(radii[at]))
    at = int(np.argmax(radii))
    if (before[apart > 0] > 1.0).any():
        way = "was outside the envelope, and is inside"
        return Point(Change.CHANGED, f"{told(at)}: {way}", way, ulps=farthest, radii=float(radii[at]))
    return Point(Change.ROUNDING, told(at), "moved within the envelope", ulps=farthest, radii=float(radii[at]))


def _envelope(recipe: Mapping[str, Any], name: str) -> Envelope | None:
    """Return the centre and radius of a sequence from its scheduler's construction on."""
    if name == "jumped":
        return envelope_of_jumps(recipe)
    if name in ("momentum", "beta1"):
        return envelope_of_momenta(recipe, int(recipe["steps"]))
    return envelope(recipe, int(recipe["steps"]))
