"""Breaches as comparisons build them: a real that is not what it should be, or a run that does not finish."""

from __future__ import annotations

from stepcheck_properties.law import COUNT, Breach, Counterpart, Evidence
from stepcheck_reference.oracle.judgement import Deviation


def wrong_real(
    output: str,
    tensor: int,
    step: int,
    index: int,
    observed: float,
    expected: float,
    message: str = "",
    *,
    radius: float = 0.0,
    ratio: float = float("inf"),
    counterpart: Counterpart | None = None,
) -> Breach:
    """Return the breach of one real number; the default message says that it should be exactly ``expected``."""
    message = message or f"{output}={observed!r}, but should be {expected!r} exactly"
    deviation = Deviation(output, tensor, step, index, observed, expected, radius, ratio, {})
    return Breach(output, tensor, step, ratio, message, None if output == COUNT else deviation, counterpart)


def divergence(
    output: str,
    tensor: int,
    step: int,
    index: int,
    observed: float,
    expected: float,
    other: str,
    counterpart: Counterpart | None = None,
) -> Breach:
    """Return the breach of a real that differs from its ``counterpart`` in ``other``, which names a run or a time."""
    message = f"{output}={observed!r}, but should be {expected!r}, as in {other}"
    return wrong_real(output, tensor, step, index, observed, expected, message, counterpart=counterpart)


def unfinished(evidence: Evidence, other: str = "") -> tuple[Breach, ...]:
    """Return the breach of a run that has a fault where its reference run, which ``other`` names, has none."""
    assert evidence.reference is not None
    fault = evidence.trajectory.fault
    if fault is None or evidence.reference.trajectory.fault is not None:
        return ()
    as_in = f", as in {other}" if other else ""
    message = f"step {fault.step}={fault.kind}, but should be finished{as_in} ({fault.message})"
    return (Breach(fault.kind, 0, fault.step, float("inf"), message),)
