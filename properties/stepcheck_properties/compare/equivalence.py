"""Equivalence of two runs that should do the same: bit by bit, or each within its own envelope."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck_properties.compare.breaches import divergence, unfinished
from stepcheck_properties.law import COUNT, THETA, Breach, CheckOutcome, Counterpart, Evidence
from stepcheck_reference.scripts.trajectory import Trace


@dataclass(frozen=True, slots=True)
class TensorPair:
    """The index of a tensor in the first run, and that of its equivalent in the second."""

    first: int
    second: int


def same_tensors(evidence: Evidence) -> list[TensorPair]:
    """Return every tensor paired with itself."""
    return [TensorPair(index, index) for index in range(len(evidence.script.tensors))]


def equivalence(
    evidence: Evidence,
    other: str,
    *,
    exact: bool,
    pairs: Sequence[TensorPair] | None = None,
    steps: Sequence[tuple[int, int]] | None = None,
    factors: Mapping[str, float] | None = None,
) -> CheckOutcome:
    """Return where the run of ``evidence`` differs from its reference run, which ``other`` names in messages.

    Parameters, states that both runs show, and step counts are compared, for each of ``pairs`` (default: every tensor
    with itself) after each of ``steps`` (of the first run, of the second; default: those that both have finished); the
    outcome counts reals of parameters. With ``exact`` they should be equal. Without, they may differ if both runs stay
    inside their envelopes: from equal parameters and states they are then as close as rounding allows, and after the
    first difference the envelopes have different centres, so that only the oracle can tell. If neither run conforms,
    the fault is not one of the second run's variant, and nothing is compared. Outputs of the second run are multiplied
    by their entry in ``factors``. A fault that only the first run has is a breach; nothing is compared with a second
    run that is rejected at construction.
    """
    assert evidence.reference is not None
    first, second = evidence.trajectory, evidence.reference.trajectory
    faults = unfinished(evidence, other)
    if faults:
        return CheckOutcome(0, faults)
    pairs = same_tensors(evidence) if pairs is None else pairs
    multiplied = factors or {}
    done = steps if steps is not None else [(s, s) for s in range(1, min(first.steps, second.steps) + 1)]
    done = [(one, two) for one, two in done if one <= first.steps and two <= second.steps]
    compared, breaches = 0, dict[str, Breach]()
    for pair in pairs:
        one, two = first.traces[pair.first], second.traces[pair.second]
        if steps is None and not multiplied and first.steps == second.steps and _identical(one, two):
            compared += one.theta.size
            continue
        for name, observed, rows in _rows(one, two, done):
            factor = multiplied.get(name, 1.0)
            expected = rows * factor
            compared += observed.size if name == THETA else 0
            differs = ~((observed == expected) | (np.isnan(observed) & np.isnan(expected)))
            if name not in breaches and differs.any():
                row, column = (int(at) for at in np.argwhere(differs)[0])
                values = float(observed[row, column]), float(expected[row, column])
                counterpart = Counterpart(pair.second, done[row][1], column, factor)
                breaches[name] = divergence(name, pair.first, done[row][0], column, *values, other, counterpart)
    if breaches and not exact:
        conforms = evidence.judgement.conforms
        if conforms is evidence.reference.judgement.conforms:
            return CheckOutcome(compared if conforms else 0)
    return CheckOutcome(compared, tuple(breaches.values()))


def _identical(one: Trace, other: Trace) -> bool:
    """Whether two traces have the same bits, as nearly all have: comparing bytes is faster than comparing numbers."""
    pairs: list[tuple[NDArray[Any], NDArray[Any]]] = [(one.theta, other.theta), (one.count, other.count)]
    for name in one.states.keys() & other.states.keys():
        pairs += [(one.states[name], other.states[name]), (one.present[name], other.present[name])]
    return all(
        left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
        for left, right in pairs
    )


def _rows(
    one: Trace, other: Trace, steps: Sequence[tuple[int, int]]
) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
    """Yield each output that both traces show, with its rows after ``steps`` in the first and in the second."""
    if not steps:
        return
    rows, other_rows = np.array([s for s, _ in steps]), np.array([s for _, s in steps])
    yield THETA, np.asarray(one.theta, np.float64)[rows - 1], np.asarray(other.theta, np.float64)[other_rows - 1]
    for name in one.states:
        if name not in other.states:
            continue
        left = np.asarray(one.states[name], np.float64)[rows]
        right = np.asarray(other.states[name], np.float64)[other_rows]
        both = one.present[name][rows] & other.present[name][other_rows]
        if left.shape == right.shape and both.any():
            yield name, np.where(both[:, None], left, 0.0), np.where(both[:, None], right, 0.0)
    counts = np.asarray(one.count)[rows], np.asarray(other.count)[other_rows]
    if all(bool((count >= 0).all()) for count in counts):
        yield COUNT, counts[0][:, None], counts[1][:, None]
