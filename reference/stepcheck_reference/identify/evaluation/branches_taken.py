"""Branches taken: whether runs of a reading went both ways wherever it compares two numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from sympy import Abs, Expr, Max, Min, Symbol, sign
from sympy.core.relational import Relational

from stepcheck_reference.alphabet import g, t, theta
from stepcheck_reference.identify.evaluation.agreement import Trial
from stepcheck_reference.identify.evaluation.compiled_step import Step, compiled
from stepcheck_reference.identify.evaluation.operations import CONTEXT, NUMBERS


def both_ways(
    step: Mapping[Symbol, Expr], start: Step, runs: Sequence[Trial], traces: Sequence[Sequence[Mapping[Symbol, Any]]]
) -> bool:
    """Return whether every difference that ``step`` compares with 0 was positive and negative in ``runs``.

    What depends on t and hyper-parameters alone is left out.
    """
    inputs = {g, theta, *(symbol for symbol in step if symbol != theta)}
    compared = {part for value in step.values() for part in _differences(value) if part.free_symbols & inputs}
    if not compared:
        return True
    names = [Symbol(f"d{index}") for index in range(len(compared))]
    differences = compiled(dict(zip(names, compared, strict=True)))
    seen: dict[Symbol, set[int]] = {name: set() for name in names}
    for trial, trace in zip(runs, traces, strict=True):
        values: dict[Symbol, Any] = {theta: trial.begin}
        values |= start(NUMBERS, {theta: trial.begin, **trial.hyper[0]})
        for index, slope in enumerate(trial.gradients):
            known = {**values, **trial.hyper[index], g: slope, t: trial.at + index}
            for name, number in differences(NUMBERS, known).items():
                seen[name].add(int(CONTEXT.sign(number)) if CONTEXT.isfinite(number) else 0)
            values = dict(trace[index])
    return all({-1, 1} <= signs for signs in seen.values())


def _differences(value: Expr) -> Iterator[Expr]:
    for part in value.atoms(Relational):
        yield part.lhs - part.rhs
    for part in value.atoms(Max, Min):
        for one, other in combinations(part.args, 2):
            yield one - other
    for part in value.atoms(Abs, sign):
        yield part.args[0]
