"""Likeness of two runs: what one holds is a known multiple of what the other does, element by element."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from stepcheck_properties.compare.equivalence import divergence
from stepcheck_properties.compare.within_rounding import beyond_rounding
from stepcheck_properties.law import Breach, CheckOutcome, Counterpart, Evidence
from stepcheck_reference.oracle.extended import Mask
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trace

THETA = "theta"

Factors = Callable[[int, int], Mapping[str, float]]
"""Returns, for a tensor and a step, what each output of the second run is multiplied by; an output it leaves out is not
compared."""


def equivariance(
    evidence: Evidence,
    what: str,
    factors: Factors,
    *,
    order: Callable[[int], NDArray[np.intp]] | None = None,
    loosely: Collection[str] = (),
) -> CheckOutcome:
    """Return how the run of ``evidence`` is like its twin's; ``what`` names that one in messages.

    Every real should be its factor times the twin's, where ``order`` tells of a tensor which real of the twin's stands
    for each. Outputs in ``loosely`` may be otherwise by as much as rounding can make it in one step, and are not
    compared where states, or parameters that no script sets, were otherwise before the step. Neither asks whether the
    runs keep to their envelopes: a wrong formula can have the law's symmetry. A fault that only the first run has
    is a breach; counted are the reals compared.
    """
    assert evidence.reference is not None
    first, second = evidence.trajectory, evidence.reference.trajectory
    if first.fault is not None and second.fault is None:
        fault = first.fault
        told = f"step {fault.step}={fault.kind}, but should be finished, as {what} is ({fault.message})"
        return CheckOutcome(0, (Breach(fault.kind, 0, fault.step, float("inf"), told),))
    compared, parted, near = 0, list[Breach](), list[Breach]()
    for tensor, (one, other) in enumerate(zip(first.traces, second.traces, strict=True)):
        alike = np.ones(one.theta.shape[1], np.bool_)
        for step in range(1, min(first.steps, second.steps) + 1):
            before, alike = alike, np.ones_like(alike)
            for name, factor in factors(tensor, step).items():
                ours, theirs = _held(one, name, step), _held(other, name, step)
                if ours is None or theirs is None or ours.shape != theirs.shape:
                    continue
                places = np.arange(ours.size) if order is None or ours.size == 1 else order(tensor)
                wanted = theirs[places] * factor
                compared += ours.size
                apart = ~((ours == wanted) | (np.isnan(ours) & np.isnan(wanted)))
                if name != THETA or not _is_set(evidence.script, tensor, step + 1):
                    alike &= ~_each(apart, alike, any)
                if name in loosely:
                    apart &= _each(before, apart, all)
                found = near if name in loosely else parted
                for at in np.flatnonzero(apart):
                    there = Counterpart(tensor, step, int(places[at]), factor)
                    found.append(
                        divergence(name, tensor, step, int(at), float(ours[at]), float(wanted[at]), what, there)
                    )
    parted += beyond_rounding(evidence, near)
    return CheckOutcome(compared, tuple({breach.output: breach for breach in reversed(parted)}.values()))


def _is_set(script: Script, tensor: int, step: int) -> bool:
    """Whether the parameters of ``tensor`` are written before ``step``, whatever they were."""
    return step <= len(script.steps) and tensor in dict(script.steps[step - 1].overwrite)


def _each(mask: Mask, like: Mask, whole: Callable[[Mask], object]) -> Mask:
    """Return ``mask`` with a value an element of ``like``: what ``whole`` says of it where it has another size."""
    return mask if mask.size == like.size else np.full(like.shape, bool(whole(mask)))


def _held(trace: Trace, name: str, step: int) -> NDArray[np.float64] | None:
    """Return what ``trace`` holds of an output after ``step``, None where it does not show it."""
    if name == THETA:
        return np.asarray(trace.theta[step - 1], np.float64)
    if name not in trace.states or not trace.present[name][step]:
        return None
    return np.asarray(trace.states[name][step], np.float64)
