"""Nearness: whether rounding can be all that parts two runs, told by the oracle's radii where they part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stepcheck_properties.law import Breach, Evidence
from stepcheck_reference.oracle.judgement import Deviation

Place = tuple[str, int, int, int]
"""An output, a tensor, an index and a step."""


def beyond_rounding(evidence: Evidence, divergences: Sequence[Breach]) -> list[Breach]:
    """Return those of ``divergences`` where the run of ``evidence`` and its twin's are farther apart than by rounding.

    Each is of two reals whose runs come to the step from the same parameters and states, where the rule has one place
    for both: within their radii of it they are no farther apart than both radii together. So are two runs of
    another formula that is the same in both, however far that place is. Where the oracle compares nothing, nothing is
    known; where it sees no step, there is nothing to round.
    """
    assert evidence.reference is not None
    if not divergences:
        return []
    ours = _deviations(evidence, [_place(breach) for breach in divergences])
    theirs = _deviations(evidence.reference, [_counterpart(breach) for breach in divergences])
    return [
        breach
        for breach in divergences
        if _is_beyond(breach, ours.get(_place(breach)), theirs.get(_counterpart(breach)))
    ]


def _is_beyond(breach: Breach, ours: Deviation | None, theirs: Deviation | None) -> bool:
    if ours is None or theirs is None:
        return True
    if ours.ratio < 0 or theirs.ratio < 0:
        return False
    assert breach.deviation is not None
    assert breach.counterpart is not None
    factor = breach.counterpart.factor
    apart = abs(breach.deviation.observed - breach.deviation.expected)
    return not apart <= ours.radius + abs(factor) * theirs.radius + abs(ours.expected - factor * theirs.expected)


def _deviations(evidence: Evidence, places: Iterable[Place]) -> dict[Place, Deviation]:
    found = evidence.watch(frozenset(place[:3] for place in places))
    return {(one.output, one.tensor, one.index, one.step): one for one in found}


def _place(breach: Breach) -> Place:
    assert breach.deviation is not None
    return breach.output, breach.tensor, breach.deviation.index, breach.step


def _counterpart(breach: Breach) -> Place:
    there = breach.counterpart
    assert there is not None
    return breach.output, there.tensor, there.index, there.step
