"""Identification: a reading compared with every variant and rule, first by value, then by proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from stepcheck_reference.identify.assignment import Assignment
from stepcheck_reference.identify.conclusion import (
    EQUAL,
    NONE,
    PROVED,
    UNDECIDED,
    UNREAD,
    Identification,
    Nearest,
    Part,
)
from stepcheck_reference.identify.evaluation.agreement import defined, long_trials
from stepcheck_reference.identify.evaluation.branches_taken import both_ways
from stepcheck_reference.identify.evaluation.compiled_step import NotEvaluable
from stepcheck_reference.identify.evaluation.reading_runs import Runs
from stepcheck_reference.identify.lifting import Lifted, lifted
from stepcheck_reference.identify.matches import Match, matches, takes_the_same_steps, trajectories
from stepcheck_reference.identify.nearest import nearest
from stepcheck_reference.identify.proving.correspondence import Relation, correspondence, proved
from stepcheck_reference.identify.variants.equations import Equations
from stepcheck_reference.identify.variants.remarks import remarks
from stepcheck_reference.identify.writing import written
from stepcheck_reference.reading.reading import Reading


def identify_reading(reading: Reading) -> Identification:
    """Return which rule ``reading`` is; never a rule that takes other steps."""
    if not reading.complete:
        return _without_name(reading, UNREAD)
    try:
        plain = lifted(reading)
        runs = Runs(plain)
    except NotEvaluable as error:
        return _without_name(reading, UNREAD, (error.function,))
    found = sorted(matches(plain, runs), key=lambda match: match.name.cost)
    named = _named(reading, plain, runs, found) if found else None
    if named is not None:
        return named
    made, traces = runs.for_assignment({})
    return _without_name(reading, NONE, close=nearest(plain, made[0], traces[0]) if traces else None)


ALIKE = 6
"""How many matches are tried to be proved."""


def takes_them_at_length(found: Equations, given: Assignment, runs: Runs) -> bool:
    """Return whether ``found`` also takes the steps of long runs; it has to where equality is not proved."""
    return takes_the_same_steps(found, given, runs, long_trials)


def _named(reading: Reading, plain: Lifted, runs: Runs, found: Sequence[Match]) -> Identification | None:
    """Return the answer: the first match that is proved, else the first that holds at length; None without one."""
    alike = _alike(found, len(plain.init))
    tried: list[tuple[Match, Relation | None, bool]] = []
    for match in alike:
        relation, is_proved = proof(plain, match, runs)
        if is_proved or takes_them_at_length(match.equations, match.given, runs):
            tried.append((match, relation, is_proved))
        if is_proved:
            break
    if not tried:
        return None
    best, relation, is_proved = tried[-1] if tried[-1][2] else tried[0]
    made, traces = runs.for_assignment(best.given)
    if not is_proved and not both_ways(plain.step, runs.start, made, traces):
        return replace(_without_name(reading, UNDECIDED), base=best.name.text, points=defined(traces))
    others = [
        match.name.text
        for match in alike[alike.index(tried[-1][0]) + 1 :]
        if match.name.rule and best.name.rule and proof(plain, match, runs)[1]
    ]
    return Identification(
        reading.target,
        reading.configuration,
        name=best.name.text,
        rule=best.name.rule,
        base=best.name.base,
        verdict=PROVED if is_proved else EQUAL,
        points=defined(traces),
        differences=tuple(Part(part.name, part.sentence) for part in best.name.differences),
        remarks=remarks(best.name, best.variant),
        hyper=hyper_said(plain, best),
        states={str(state): written(value) for state, value in (relation or {}).items()},
        also=tuple(name for name in dict.fromkeys(others) if name != best.name.text),
    )


def _alike(found: Sequence[Match], states: int) -> list[Match]:
    """Return the matches, the best names first, and of equally good ones those that keep as many states as the code."""
    names: dict[str, Match] = {}
    for match in sorted(found, key=lambda match: (match.name.cost[:2], abs(len(match.equations.init) - states))):
        names.setdefault(match.name.text, match)
    return list(names.values())[:ALIKE]


def proof(plain: Lifted, match: Match, runs: Runs) -> tuple[Relation | None, bool]:
    """Return how the states of ``match`` correspond to the code's, and whether that is proved at every step."""
    made, traces = runs.for_assignment(match.given)
    own = trajectories(match.equations, match.given, made)
    relation = correspondence(plain, match.equations, match.given, made, traces, own or [])
    return relation, relation is not None and proved(plain, match.equations, match.given, relation)


def hyper_said(plain: Lifted, match: Match) -> Mapping[str, str]:
    """Return the rule's hyper-parameters that have another name in the code, or are a number in it."""
    said = {}
    for slot, symbol in match.equations.hyper.items():
        mine = match.given[slot]
        if mine in plain.constants:
            said[str(symbol)] = f"fixed at {plain.constants[mine]!r}"
        elif mine != symbol:
            said[str(symbol)] = str(mine)
    return said | {name: f"fixed at {value}" for name, value in match.name.fixed.items()}


def _without_name(
    reading: Reading, verdict: str, opaque: tuple[str, ...] = (), close: Nearest | None = None
) -> Identification:
    lines = tuple(f"{symbol} ← {written(value)}" for symbol, value in reading.step.items())
    return Identification(
        reading.target,
        reading.configuration,
        name=None,
        rule=None,
        base=None,
        verdict=verdict,
        equations=lines,
        opaque=opaque or reading.opaque,
        nearest=close,
    )


__all__ = ["identify_reading"]
