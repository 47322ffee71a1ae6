"""Observed: the rule whose steps code takes that cannot be read, or those that no experiment tells apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from stepcheck_reference.alphabet import beta1, beta2, eps, theta
from stepcheck_reference.identify.conclusion import OBSERVED, TOO_ALIKE, UNREAD, Identification, Part
from stepcheck_reference.identify.evaluation.agreement import same
from stepcheck_reference.identify.evaluation.operations import CONTEXT
from stepcheck_reference.identify.identification import hyper_said
from stepcheck_reference.identify.lifting import Lifted
from stepcheck_reference.identify.matches import Match, matches, trajectories
from stepcheck_reference.identify.observation.experiment import (
    ROUNDING,
    Experiment,
    Observe,
    OutOfSteps,
    separating,
    usual,
)
from stepcheck_reference.identify.observation.observed_runs import Laboratory, ObservedRuns
from stepcheck_reference.identify.variants.remarks import remarks
from stepcheck_reference.reading.reading import Reading

BAKED_IN = {beta1: 0.9, beta2: 0.999, eps: 1e-8}
"""Numbers that code may have for averaging factors and for what is added to a divisor, where it takes none."""
CANDIDATES = 60
"""Experiments among which the one is chosen that separates rules best."""
APART = 2.0**10
"""How many radii rules have to be apart in an experiment that is to tell them apart."""
ROUNDS = 4
"""Experiments that are made to tell the last rules apart."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The rules that are left, each another function, and the steps that were compared."""

    left: tuple[Match, ...]
    points: int
    exhausted: bool = False


def identify_observed(reading: Reading, observe: Observe) -> Identification:
    """Return which rule code steps as, of which ``reading`` has the hyper-parameters and no complete equations.

    ``observe`` carries an experiment out. Code is asked for at most 300 steps. Numbers that it has instead of arguments
    are taken for the usual ones, and only where those fit.
    """
    laboratory = Laboratory(observe)
    taken = tuple(sorted((s for s, value in reading.hyper.items() if isinstance(value, float)), key=str))
    plain = Lifted({}, {}, taken, {}, reading.hyper)
    outcome = _outcome(plain, ObservedRuns(plain, laboratory))
    numbers = {symbol: number for symbol, number in BAKED_IN.items() if symbol not in taken}
    if numbers and not outcome.left and not outcome.exhausted:
        plain = Lifted({}, {}, (*taken, *numbers), numbers, reading.hyper)
        outcome = _outcome(plain, ObservedRuns(plain, laboratory))
    answer = _answer(reading, plain, outcome, laboratory)
    return replace(answer, opaque=reading.opaque)


def _outcome(plain: Lifted, runs: ObservedRuns) -> _Outcome:
    found: list[Match] = []
    try:
        found.extend(sorted(matches(plain, runs), key=lambda match: match.name.cost))
        left = _functions(plain, found)
        for _ in range(ROUNDS):
            experiment = _separating(plain, runs, left)
            if experiment is None:
                break
            runs.more.append(experiment)
            left = [match for match in left if _takes(match, runs)]
    except OutOfSteps:
        return _Outcome(tuple(_functions(plain, found)), 0, exhausted=True)
    points = sum(len(trace) for trace in runs.for_assignment(left[0].given)[1]) if left else 0
    return _Outcome(tuple(left), points)


def _takes(match: Match, runs: ObservedRuns) -> bool:
    made, seen = runs.for_assignment(match.given)
    own = trajectories(match.equations, match.given, made)
    return own is not None and all(
        runs.agrees(values[theta], entry)
        for trace, other in zip(seen, own, strict=True)
        for entry, values in zip(trace, other, strict=True)
    )


def _functions(plain: Lifted, found: Sequence[Match]) -> list[Match]:
    """Return the best name of each function among ``found``: those are one that take the same steps at 200 bits.

    They start at t = 1, as all that is observed does: what differs only in a state that no run has is one.
    """
    kept: list[tuple[Match, list[Any]]] = []
    for match in found:
        rate = match.given.get("lr")
        own = [value for experiment in usual(plain.hyper, rate) for value in _path(match, plain, experiment)]
        if not any(other.given.get("lr") == rate and all(map(same, own, others)) for other, others in kept):
            kept.append((match, own))
    return [match for match, _ in kept]


def _separating(plain: Lifted, runs: ObservedRuns, left: Sequence[Match]) -> Experiment | None:
    """Return an experiment in which the two rules of ``left`` that are most alike are furthest apart; None if none."""
    best: tuple[float, Experiment] | None = None
    if len(left) < 2:
        return None
    rates = {match.given.get("lr") for match in left}
    rate = rates.pop() if len(rates) == 1 else None
    for number in range(CANDIDATES):
        experiment = separating(number, runs.given, rate if rate not in plain.constants else None)
        ways = [list(_path(match, plain, experiment)) for match in left]
        apart = max(_apart(one, other) for one, other in combinations(ways, 2))
        if apart > APART and (best is None or apart > best[0]):
            best = apart, experiment
    return best[1] if best is not None else None


def _path(match: Match, plain: Lifted, experiment: Experiment) -> Iterator[Any]:
    made = experiment.trials(plain.constants)
    for trace in trajectories(match.equations, match.given, made) or []:
        yield from (values[theta] for values in trace)


def _apart(one: Sequence[Any], other: Sequence[Any]) -> float:
    """Return how many radii two paths are apart at most."""
    largest, apart = CONTEXT.mpf(1), 0.0
    for left, right in zip(one, other, strict=True):
        if not (CONTEXT.isfinite(left) and CONTEXT.isfinite(right)):
            return apart
        largest = max(largest, abs(left), abs(right))
        apart = max(apart, float(abs(left - right) / (ROUNDING * largest)))
    return apart


def _answer(reading: Reading, plain: Lifted, outcome: _Outcome, laboratory: Laboratory) -> Identification:
    base = Identification(
        reading.target, reading.configuration, name=None, rule=None, base=None, verdict=OBSERVED, steps=laboratory.steps
    )
    if outcome.exhausted:
        return replace(base, verdict=UNREAD)
    if not outcome.left:
        return base
    if len(outcome.left) > 1:
        return replace(base, verdict=TOO_ALIKE, also=tuple(match.name.text for match in outcome.left))
    match = outcome.left[0]
    return replace(
        base,
        name=match.name.text,
        rule=match.name.rule,
        base=match.name.base,
        points=outcome.points,
        differences=tuple(Part(part.name, part.sentence) for part in match.name.differences),
        remarks=remarks(match.name, match.variant),
        hyper=hyper_said(plain, match),
    )
