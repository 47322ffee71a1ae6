"""Agreement of two runs that should come to the same: bit by bit, or each within its own envelope."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck_properties.law import Breach, CheckOutcome, Counterpart, Evidence
from stepcheck_reference.oracle.judgement import Deviation
from stepcheck_reference.scripts.trajectory import Trace

COUNT = "count"


@dataclass(frozen=True, slots=True)
class Same:
    """A tensor of the first run, by its index, and the one of the second that should go where it goes."""

    first: int
    second: int


def all_of(evidence: Evidence) -> list[Same]:
    """Return every tensor paired with itself."""
    return [Same(index, index) for index in range(len(evidence.script.tensors))]


def equivalence(
    evidence: Evidence,
    pairs: Sequence[Same],
    what: str,
    *,
    exact: bool,
    steps: Sequence[tuple[int, int]] | None = None,
    factors: dict[str, float] | None = None,
) -> CheckOutcome:
    """Return how the run of ``evidence`` agrees with its twin's; ``what`` names that one in messages.

    Compared are parameters, states that both runs show, and step counts, after each of ``steps`` (of the first run, of
    the second; default: those that both have finished), in reals of parameters. With ``exact`` they should be equal.
    Without, they may differ where both runs keep to their envelopes: from equal parameters and states they then lie as
    near to each other as rounding allows, and once they have parted the oracle alone can tell. Where neither does,
    what is wrong is not what the second run does otherwise, and nothing is compared. An output in ``factors``
    is multiplied by what stands there, in the second run, before it is compared. A fault that only the first run has is
    a breach; a second run that is refused at its construction is compared with nothing.
    """
    assert evidence.reference is not None
    first, second = evidence.trajectory, evidence.reference.trajectory
    fault = first.fault
    if fault is not None and second.fault is None:
        told = f"step {fault.step}={fault.kind}, but should be finished, as {what} is ({fault.message})"
        return CheckOutcome(0, (Breach(fault.kind, 0, fault.step, float("inf"), told),))
    done = steps if steps is not None else [(s, s) for s in range(1, min(first.steps, second.steps) + 1)]
    done = [(one, other) for one, other in done if one <= first.steps and other <= second.steps]
    compared, parted = 0, dict[str, Breach]()
    for pair in pairs:
        one, other = first.traces[pair.first], second.traces[pair.second]
        if steps is None and not factors and first.steps == second.steps and _identical(one, other):
            compared += one.theta.size
            continue
        for name, ours, theirs in _rows(one, other, done):
            wanted = theirs * (factors or {}).get(name, 1.0)
            compared += ours.size if name == "theta" else 0
            apart = ~((ours == wanted) | (np.isnan(ours) & np.isnan(wanted)))
            if name not in parted and apart.any():
                row, column = (int(at) for at in np.argwhere(apart)[0])
                values = float(ours[row, column]), float(wanted[row, column])
                there = Counterpart(pair.second, done[row][1], column, (factors or {}).get(name, 1.0))
                parted[name] = divergence(name, pair.first, done[row][0], column, *values, what, there)
    if parted and not exact:
        conforming = evidence.judgement.conforms
        if conforming is evidence.reference.judgement.conforms:
            return CheckOutcome(compared if conforming else 0)
    return CheckOutcome(compared, tuple(parted.values()))


def _identical(one: Trace, other: Trace) -> bool:
    """Whether two traces are the same bits, as they nearly always are; it takes less time than comparing numbers."""
    pairs: list[tuple[NDArray[Any], NDArray[Any]]] = [(one.theta, other.theta), (one.count, other.count)]
    for name in one.states.keys() & other.states.keys():
        pairs += [(one.states[name], other.states[name]), (one.present[name], other.present[name])]
    return all(
        left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
        for left, right in pairs
    )


def divergence(
    name: str,
    tensor: int,
    step: int,
    index: int,
    ours: float,
    theirs: float,
    what: str,
    counterpart: Counterpart | None = None,
) -> Breach:
    """Return the breach of a real that is not what ``what`` has there, at its ``counterpart`` in the twin's run."""
    told = f"{name}={ours!r}, but should be {theirs!r}, as {what} has it"
    deviation = Deviation(name, tensor, step, index, ours, theirs, 0.0, float("inf"), {})
    return Breach(name, tensor, step, float("inf"), told, None if name == COUNT else deviation, counterpart)


def _rows(
    one: Trace, other: Trace, steps: Sequence[tuple[int, int]]
) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
    """Yield each output that both traces show, with its rows after ``steps`` in the first and in the second."""
    if not steps:
        return
    ours, theirs = np.array([s for s, _ in steps]), np.array([s for _, s in steps])
    yield "theta", np.asarray(one.theta, np.float64)[ours - 1], np.asarray(other.theta, np.float64)[theirs - 1]
    for name in one.states:
        if name not in other.states:
            continue
        left, right = np.asarray(one.states[name], np.float64)[ours], np.asarray(other.states[name], np.float64)[theirs]
        there = one.present[name][ours] & other.present[name][theirs]
        if left.shape == right.shape and there.any():
            yield name, np.where(there[:, None], left, 0.0), np.where(there[:, None], right, 0.0)
    counts = np.asarray(one.count)[ours], np.asarray(other.count)[theirs]
    if all(bool((count >= 0).all()) for count in counts):
        yield COUNT, counts[0][:, None], counts[1][:, None]
