"""Stillness: reals that a step should leave as they are, and the first that it has moved."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from stepcheck_properties.compare.equivalence import divergence
from stepcheck_properties.law import Breach, CheckOutcome, Evidence
from stepcheck_properties.scripts.baseline_scripts import GUARDS
from stepcheck_reference.formats import FORMATS


def is_guarded(values: Mapping[str, float], dtype: str) -> bool:
    """Whether nothing divides by what ``dtype`` rounds to 0."""
    return all(values[name] >= FORMATS[dtype].unit_roundoff for name in GUARDS if name in values)


def unchanged(evidence: Evidence, held: Mapping[int, NDArray[np.bool_]], what: str) -> CheckOutcome:
    """Return the first real that a step has moved where ``held`` says that none does; ``what`` names those.

    ``held`` maps tensors to the reals that stay where they are at each step, in shape (steps, size).
    """
    compared, breaches = 0, list[Breach]()
    for index, mask in held.items():
        trace = evidence.trajectory.traces[index]
        compared += int(mask.sum())
        moved = mask & (trace.before != trace.theta)
        if moved.any() and not breaches:
            row, at = (int(place) for place in np.argwhere(moved)[0])
            values = float(trace.theta[row, at]), float(trace.before[row, at])
            breaches.append(divergence("theta", index, row + 1, at, *values, what))
    return CheckOutcome(compared, tuple(breaches))
