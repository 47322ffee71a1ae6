"""Equivariance of two runs: each real of one is a known multiple of a real of the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from stepcheck_properties.compare.breaches import divergence, unfinished
from stepcheck_properties.compare.within_rounding import beyond_rounding
from stepcheck_properties.law import THETA, Breach, CheckOutcome, Counterpart, Evidence
from stepcheck_reference.oracle.extended import Mask
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trace

Factors = Callable[[int, int], Mapping[str, float]]
"""Returns, for a tensor and a step, the factor of each output of the second run; other outputs are not compared."""


def equivariance(
    evidence: Evidence,
    other: str,
    factors: Factors,
    *,
    order: Callable[[int], NDArray[np.intp]] | None = None,
    rounded: Collection[str] = (),
) -> CheckOutcome:
    """Return where the run of ``evidence`` is not equivariant with its reference run, which ``other`` names.

    Every real should be its factor times its counterpart; ``order`` returns for a tensor the index of each real's
    counterpart. Outputs in ``rounded`` may differ by as much as rounding can make up in one step: kernels may round an
    element differently at another place of its tensor, and shrunk parameters differently from decayed ones. They are
    not compared where states, or parameters that the script does not overwrite, differed before the step. Neither
    comparison asks whether the runs stay inside their envelopes: a wrong formula can have the law's symmetry. A fault
    that only the first run has is a breach; the outcome counts the reals compared.
    """
    assert evidence.reference is not None
    first, second = evidence.trajectory, evidence.reference.trajectory
    faults = unfinished(evidence, other)
    if faults:
        return CheckOutcome(0, faults)
    compared, exact, close = 0, list[Breach](), list[Breach]()
    for tensor, (one, two) in enumerate(zip(first.traces, second.traces, strict=True)):
        equal = np.ones(one.theta.shape[1], np.bool_)
        for step in range(1, min(first.steps, second.steps) + 1):
            equal_before, equal = equal, np.ones_like(equal)
            for name, factor in factors(tensor, step).items():
                observed, values = _values(one, name, step), _values(two, name, step)
                if observed is None or values is None or observed.shape != values.shape:
                    continue
                indices = np.arange(observed.size) if order is None or observed.size == 1 else order(tensor)
                expected = values[indices] * factor
                compared += observed.size
                differs = ~((observed == expected) | (np.isnan(observed) & np.isnan(expected)))
                if name != THETA or not _is_overwritten(evidence.script, tensor, step + 1):
                    equal &= ~_elementwise(differs, equal, any)
                if name in rounded:
                    differs &= _elementwise(equal_before, differs, all)
                target = close if name in rounded else exact
                for at in np.flatnonzero(differs):
                    counterpart = Counterpart(tensor, step, int(indices[at]), factor)
                    pair = float(observed[at]), float(expected[at])
                    target.append(divergence(name, tensor, step, int(at), *pair, other, counterpart))
    breaches = [*exact, *beyond_rounding(evidence, close)]
    return CheckOutcome(compared, tuple({breach.output: breach for breach in reversed(breaches)}.values()))


def _is_overwritten(script: Script, tensor: int, step: int) -> bool:
    """Whether the parameters of ``tensor`` are overwritten before ``step``, whatever they were."""
    return step <= len(script.steps) and tensor in dict(script.steps[step - 1].overwrite)


def _elementwise(mask: Mask, like: Mask, reduce: Callable[[Mask], object]) -> Mask:
    """Return ``mask`` with the size of ``like``: where it has another (a scalar state), one ``reduce`` for all."""
    return mask if mask.size == like.size else np.full(like.shape, bool(reduce(mask)))


def _values(trace: Trace, name: str, step: int) -> NDArray[np.float64] | None:
    """Return an output after ``step``, None where ``trace`` does not show it."""
    if name == THETA:
        return np.asarray(trace.theta[step - 1], np.float64)
    if name not in trace.states or not trace.present[name][step]:
        return None
    return np.asarray(trace.states[name][step], np.float64)
