"""Likeness of two runs: what one holds is a known multiple of what the other does, element by element."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from stepcheck_properties.agreement import parting
from stepcheck_properties.law import Breach, Checked, Counterpart, Evidence
from stepcheck_reference.trajectory import Trace

THETA = "theta"

Factors = Callable[[int, int], Mapping[str, float]]
"""Returns, for a tensor and a step, what each output of the second run is multiplied by; an output it leaves out is not
compared."""


def likeness(
    evidence: Evidence,
    what: str,
    factors: Factors,
    *,
    order: Callable[[int], NDArray[np.intp]] | None = None,
    loosely: Collection[str] = (),
) -> Checked:
    """Return how the run of ``evidence`` is like its twin's; ``what`` names that one in messages.

    Every real should be its factor times the twin's, where ``order`` tells of a tensor which real of the twin's stands
    for each. Outputs in ``loosely`` may be otherwise where both runs keep to their envelopes. A fault that only the
    first run has is a breach; counted are the reals compared.
    """
    assert evidence.twin is not None
    first, second = evidence.trajectory, evidence.twin.trajectory
    if first.fault is not None and second.fault is None:
        fault = first.fault
        told = f"step {fault.step}={fault.kind}, but should be finished, as {what} is ({fault.message})"
        return Checked(0, (Breach(fault.kind, 0, fault.step, float("inf"), told),))
    compared, parted = 0, dict[str, Breach]()
    for tensor, (one, other) in enumerate(zip(first.traces, second.traces, strict=True)):
        for step in range(1, min(first.steps, second.steps) + 1):
            for name, factor in factors(tensor, step).items():
                ours, theirs = _held(one, name, step), _held(other, name, step)
                if ours is None or theirs is None or ours.shape != theirs.shape:
                    continue
                places = np.arange(ours.size) if order is None or ours.size == 1 else order(tensor)
                wanted = theirs[places] * factor
                compared += ours.size
                apart = np.flatnonzero(~((ours == wanted) | (np.isnan(ours) & np.isnan(wanted))))
                if apart.size and name not in parted:
                    at = int(apart[0])
                    there = Counterpart(tensor, step, int(places[at]), factor)
                    parted[name] = parting(name, tensor, step, at, float(ours[at]), float(wanted[at]), what, there)
    if parted.keys() & set(loosely) and evidence.judgement.conforms and evidence.twin.judgement.conforms:
        parted = {name: breach for name, breach in parted.items() if name not in loosely}
    return Checked(compared, tuple(parted.values()))


def _held(trace: Trace, name: str, step: int) -> NDArray[np.float64] | None:
    """Return what ``trace`` holds of an output after ``step``, None where it does not show it."""
    if name == THETA:
        return np.asarray(trace.theta[step - 1], np.float64)
    if name not in trace.states or not trace.present[name][step]:
        return None
    return np.asarray(trace.states[name][step], np.float64)
