"""Branches taken: whether runs of a reading went both ways wherever it compares two numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from sympy import (
    Abs,
    Equality,
    Expr,
    GreaterThan,
    LessThan,
    Max,
    Min,
    StrictGreaterThan,
    StrictLessThan,
    Symbol,
    Unequality,
    sign,
)
from sympy.core.relational import Relational

from stepcheck_reference.alphabet import g, t, theta
from stepcheck_reference.identify.evaluation.agreement import Trial
from stepcheck_reference.identify.evaluation.compiled_step import NotEvaluable, Step, compiled
from stepcheck_reference.identify.evaluation.operations import NUMBERS

_TRUTH: Mapping[type, Callable[[Any], bool]] = {
    StrictGreaterThan: lambda difference: bool(difference > 0),
    GreaterThan: lambda difference: bool(difference >= 0),
    StrictLessThan: lambda difference: bool(difference < 0),
    LessThan: lambda difference: bool(difference <= 0),
    Equality: lambda difference: bool(difference == 0),
    Unequality: lambda difference: bool(difference != 0),
}
"""Whether a comparison is true where its sides differ by a number."""


def both_ways(
    step: Mapping[Symbol, Expr], start: Step, runs: Sequence[Trial], traces: Sequence[Sequence[Mapping[Symbol, Any]]]
) -> bool:
    """Return whether every comparison that ``step`` makes was true and false in ``runs``.

    Of a maximum, minimum, absolute value or sign, each of two numbers has to have been the larger.
    """
    compared = {part for value in step.values() for part in _comparisons(value)}
    if not compared:
        return True
    names = [Symbol(f"d{index}") for index in range(len(compared))]
    conditions = dict(zip(names, compared, strict=True))
    try:
        differences = compiled({name: part.lhs - part.rhs for name, part in conditions.items()})
    except NotEvaluable:
        return False
    seen: dict[Symbol, set[bool]] = {name: set() for name in names}
    for trial, trace in zip(runs, traces, strict=True):
        values: dict[Symbol, Any] = {theta: trial.begin}
        values |= start(NUMBERS, {theta: trial.begin, **trial.hyper[0]})
        for index, slope in enumerate(trial.gradients):
            known = {**values, **trial.hyper[index], g: slope, t: trial.at + index}
            for name, difference in differences(NUMBERS, known).items():
                seen[name].add(_TRUTH[type(conditions[name])](difference))
            values = dict(trace[index])
    return all(len(both) == 2 for both in seen.values())


def _comparisons(value: Expr) -> Iterator[Expr]:
    yield from value.atoms(Relational)
    for part in value.atoms(Max, Min):
        for one, other in combinations(part.args, 2):
            yield from _unless_decided(one > other)
    for part in value.atoms(Abs, sign):
        yield from _unless_decided(part.args[0] > 0)


def _unless_decided(comparison: Expr) -> Iterator[Expr]:
    if isinstance(comparison, Relational):
        yield comparison
