"""Within rounding: whether two runs differ by no more than rounding can make up in one step.

Both reals come from the same inputs, and the rule has one exact value for both. Each run that computes the rule lies
within its radius of that value, so they are no further apart than the sum of the radii. The test needs no more than
that: two runs of another formula, equal in both, are as close, however far they are from the rule's value. Their
distance is then compared with the radii plus the distance of the two centres, which differ where the inputs of the
step are not the same numbers (a factor, shrunk parameters).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stepcheck_properties.law import Breach, Evidence
from stepcheck_reference.oracle.judgement import Deviation

StepReal = tuple[str, int, int, int]
"""One real at one step: an output, a tensor, an index and a step."""


def beyond_rounding(evidence: Evidence, divergences: Sequence[Breach]) -> list[Breach]:
    """Return those of ``divergences`` that are larger than rounding in one step allows.

    Each is of two reals, in the run of ``evidence`` and in its reference run, whose steps start from equal parameters
    and states. A real that the oracle does not compare is left out; where the oracle has nothing on a step, there was
    nothing to round, and the divergence stays.
    """
    assert evidence.reference is not None
    if not divergences:
        return []
    observed = _deviations(evidence, [_real(breach) for breach in divergences])
    expected = _deviations(evidence.reference, [_counterpart(breach) for breach in divergences])
    return [
        breach
        for breach in divergences
        if _is_beyond(breach, observed.get(_real(breach)), expected.get(_counterpart(breach)))
    ]


def _is_beyond(breach: Breach, one: Deviation | None, two: Deviation | None) -> bool:
    if one is None or two is None:
        return True
    if one.ratio < 0 or two.ratio < 0:  # the oracle's mark of a real that it did not compare
        return False
    assert breach.deviation is not None
    assert breach.counterpart is not None
    factor = breach.counterpart.factor
    distance = abs(breach.deviation.observed - breach.deviation.expected)
    centres = abs(one.expected - factor * two.expected)
    return not distance <= one.radius + abs(factor) * two.radius + centres


def _deviations(evidence: Evidence, reals: Iterable[StepReal]) -> dict[StepReal, Deviation]:
    deviations = evidence.watch(frozenset(real[:3] for real in reals))
    return {(one.output, one.tensor, one.index, one.step): one for one in deviations}


def _real(breach: Breach) -> StepReal:
    assert breach.deviation is not None
    return breach.output, breach.tensor, breach.deviation.index, breach.step


def _counterpart(breach: Breach) -> StepReal:
    counterpart = breach.counterpart
    assert counterpart is not None
    return breach.output, counterpart.tensor, counterpart.index, counterpart.step
