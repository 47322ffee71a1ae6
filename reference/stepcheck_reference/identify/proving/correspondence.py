"""Correspondence: how a rule's states are made from those that code keeps, found by value and proved by induction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any

from sympy import Dummy, Eq, Expr, Integer, Rational, Symbol, false, nan, oo, zoo

from stepcheck_reference.alphabet import t, theta
from stepcheck_reference.identify.assignment import Assignment
from stepcheck_reference.identify.evaluation.agreement import Trial, same
from stepcheck_reference.identify.evaluation.compiled_step import compiled
from stepcheck_reference.identify.evaluation.operations import CONTEXT, NUMBERS
from stepcheck_reference.identify.lifting import Lifted
from stepcheck_reference.identify.proving.proof import equal
from stepcheck_reference.identify.variants.equations import Equations

Trace = Sequence[Mapping[Symbol, Any]]
Relation = Mapping[Symbol, Expr]
"""A rule's state after step t, in the symbols of a reading after step t, and in t."""


def correspondence(
    reading: Lifted,
    found: Equations,
    given: Assignment,
    runs: Sequence[Trial],
    traces: Sequence[Trace],
    found_traces: Sequence[Trace],
) -> Relation | None:
    """Return the relation that gives each state of ``found`` in all runs; None where one has none."""
    states = [symbol for symbol in reading.step if symbol != theta]
    sources = list(_sources(states))
    factors = list(_factors(found, given))
    scales = compiled({Symbol(f"c{index}"): factor for index, factor in enumerate(factors)})
    bases = compiled({Symbol(f"b{index}"): source for index, source in enumerate(sources)})
    points = []
    for trial, trace, found_trace in zip(runs, traces, found_traces, strict=True):
        for index, (values, found_values) in enumerate(zip(trace, found_trace, strict=True)):
            if any(CONTEXT.isnan(value) for value in (*values.values(), *found_values.values())):
                continue
            known = {**trial.hyper[index], t: trial.at + index}
            scale = list(scales(NUMBERS, known).values())
            base = list(bases(NUMBERS, {**values, **known}).values())
            points.append((scale, base, found_values))
    if not points:
        return None
    relation = {}
    for state in found.step:
        if state == theta:
            continue
        match = next(
            (
                (which, factor)
                for which, factor in product(range(len(sources)), range(len(factors)))
                if all(same(scale[factor] * base[which], values[state]) for scale, base, values in points)
            ),
            None,
        )
        if match is None:
            return None
        relation[state] = factors[match[1]] * sources[match[0]]
    return relation


def _sources(states: Sequence[Symbol]) -> Iterator[Expr]:
    """Yield what a state may be a multiple of."""
    yield from states
    for state in states:
        yield state**2
        yield state - theta
    for first, second in combinations(states, 2):
        yield first - second
        yield first + second


def _factors(found: Equations, given: Assignment) -> Iterator[Expr]:
    """Yield the multiples: 1, and products of up to two weights and corrections or their reciprocals, and -1 times."""
    yield Integer(1)
    yield Integer(-1)
    singles: list[Expr] = []
    for slot, symbol in given.items():
        if slot in found.hyper and slot not in ("lr", "eps", "eps_root", "weight_decay", "lr_decay", "start"):
            for weight in (1 - symbol, 1 - symbol**t, symbol):
                singles += [weight, 1 / weight]
    for single in singles:
        yield single
        yield -single
    for first, second in combinations(singles, 2):
        if first * second != 1:
            yield first * second
            yield -first * second


def proved(reading: Lifted, found: Equations, given: Assignment, relation: Relation) -> bool:
    """Return whether theta and all states correspond after step 1, and after a later step if before it.

    Where a step is undefined in both, nothing is left to prove of it.
    """
    numbers = {symbol: Rational(value) for symbol, value in reading.constants.items() if symbol not in given.values()}
    hyper = {symbol: given[slot] for slot, symbol in found.hyper.items() if slot in given}
    letters = {state: Dummy(str(state), real=True) for state in reading.step if state != theta}
    own = {symbol: value.xreplace({**letters, **numbers}) for symbol, value in reading.step.items()}
    own = {letters.get(symbol, symbol): value for symbol, value in own.items()}
    starts = {letters[state]: value for state, value in reading.init.items() if state in letters}
    after = {state: value.xreplace(letters) for state, value in relation.items()}
    before = {state: value.xreplace({t: t - 1}) for state, value in after.items()}
    their_starts = {state: value.xreplace(hyper) for state, value in found.init.items()}
    for symbol, equation in found.step.items():
        other = equation.xreplace({**hyper, t: Integer(1)}).xreplace(their_starts)
        mine = own[theta] if symbol == theta else after[symbol].xreplace(own)
        if not _holds(mine.xreplace({t: Integer(1)}).xreplace(starts), other):
            return False
        later = {Eq(t, 1): false}
        other = equation.xreplace(hyper).xreplace(before).xreplace(later)
        if not _holds(mine.xreplace(later), other):
            return False
    return True


def _holds(left: Expr, right: Expr) -> bool:
    undefined = [side.has(nan, zoo, oo) for side in (left, right)]
    if any(undefined):
        return all(undefined)
    return equal(left, right)


__all__ = ["Relation", "correspondence", "proved"]
