"""Unchanged parameters: reals that a step should not move, and the first that it has moved."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from stepcheck_properties.compare.breaches import wrong_real
from stepcheck_properties.law import THETA, Breach, CheckOutcome, Evidence
from stepcheck_properties.scripts.baseline_scripts import EPSILONS
from stepcheck_reference.formats import FORMATS


def has_representable_eps(hyper: Mapping[str, float], dtype: str) -> bool:
    """Whether every eps is at least the unit roundoff of ``dtype``; float16 rounds 1e-8 to 0, and 0/0 is nan."""
    return all(hyper[name] >= FORMATS[dtype].unit_roundoff for name in EPSILONS if name in hyper)


def unchanged(evidence: Evidence, masks: Mapping[int, NDArray[np.bool_]], subject: str) -> CheckOutcome:
    """Return the first real that a step has moved although ``masks`` says that none does.

    ``masks`` maps tensors to the reals that should not move at each step, in shape (steps, size); ``subject`` says in
    the message what these are.
    """
    compared, breaches = 0, list[Breach]()
    for index, mask in masks.items():
        trace = evidence.trajectory.traces[index]
        compared += int(mask.sum())
        changed = mask & (trace.before != trace.theta)
        if changed.any() and not breaches:
            row, at = (int(number) for number in np.argwhere(changed)[0])
            observed, before = float(trace.theta[row, at]), float(trace.before[row, at])
            message = f"theta={observed!r}, but should be {before!r}, as before the step: {subject}"
            breaches.append(wrong_real(THETA, index, row + 1, at, observed, before, message))
    return CheckOutcome(compared, tuple(breaches))
