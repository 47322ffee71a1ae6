"""Agreement: runs of a reading from its initial state, which a rule has to agree with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from sympy import Symbol

from stepcheck_reference.alphabet import g, t, theta
from stepcheck_reference.identify.evaluation.compiled_step import Step
from stepcheck_reference.identify.evaluation.operations import BITS, CONTEXT, NUMBERS

Numbers = Mapping[Symbol, Any]

SPECIAL = {"eta_plus": 1.3, "step_min": 0.03, "step_max": 0.8, "t0": 2.0, "alpha": 0.75, "lambd": 0.1}
"""Values that a hyper-parameter has where not every number between 0 and 1 will do."""

SIZES = (30, -4000, 2e-6, -0.03, -90, 5e6, 40)
"""Sizes of the gradients in one trial, to go past bounds that code may have."""


LONG = 60
"""Steps of a long trial."""


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Gradients and hyper-parameters of each step; the count of the first step is ``at``."""

    begin: Any
    gradients: Sequence[Any]
    hyper: Sequence[Numbers]
    at: Any


def trials(symbols: Sequence[Symbol], fixed: Numbers, rate: Symbol | None) -> tuple[Trial, ...]:
    """Return the trials of a reading with hyper-parameters ``symbols``, those in ``fixed`` at their values.

    The learning rate is another one at every step. The second starts at t = 2, where a correction with t - 1 is
    defined; the third has averages as long as in use; the next two start late; the last has gradients of all sizes.
    """
    drawn = Random(len(symbols) + 17)
    made = []
    for steps, at, low, high, wide in (
        (6, 1, 0.2, 0.9, ()),
        (5, 2, 0.2, 0.9, ()),
        (9, 1, 0.9, 0.99, ()),
        (4, 47, 0.3, 0.97, ()),
        (3, 1001, 0.3, 0.97, ()),
        (len(SIZES), 1, 0.3, 0.9, SIZES),
    ):
        values = {symbol: _number(drawn, low, high, symbol) for symbol in symbols}
        values |= {symbol: CONTEXT.mpf(value) for symbol, value in fixed.items()}
        each = [dict(values) for _ in range(steps)]
        if rate is not None:
            for later in each[1:]:
                later[rate] = _number(drawn, 0.05, 0.9)
        slopes = [drawn.choice((-1, 1)) * _number(drawn, 0.02, 2.5) for _ in range(steps)]
        slopes = [CONTEXT.mpf(size) * abs(slope) for size, slope in zip(wide, slopes, strict=True)] if wide else slopes
        made.append(Trial(_number(drawn, 0.3, 1.5), slopes, each, CONTEXT.mpf(at)))
    return tuple(made)


def long_trials(symbols: Sequence[Symbol], fixed: Numbers, rate: Symbol | None) -> tuple[Trial, ...]:
    """Return trials of many steps whose gradients are of every size and sign beside the states, and often 0.

    They reach what a few steps miss, where code compares numbers: two signs differ on a part of the gradients alone.
    """
    drawn = Random(len(symbols) + 71)
    made = []
    for at, low, high in ((1, 0.2, 0.9), (1, 0.7, 0.99), (1001, 0.2, 0.97)):
        values = {symbol: _number(drawn, low, high, symbol) for symbol in symbols}
        values |= {symbol: CONTEXT.mpf(value) for symbol, value in fixed.items()}
        each = [dict(values) for _ in range(LONG)]
        if rate is not None:
            for later in each[1:]:
                later[rate] = _number(drawn, 0.05, 0.9)
        sizes = [drawn.choice((0, *(2**power for power in range(-6, 6)))) for _ in range(LONG)]
        slopes = [drawn.choice((-1, 1)) * size * _number(drawn, 0.5, 1) for size in sizes]
        made.append(Trial(_number(drawn, 0.3, 1.5), slopes, each, CONTEXT.mpf(at)))
    return tuple(made)


def _number(drawn: Random, low: float, high: float, symbol: Symbol | None = None) -> Any:
    if str(symbol) in SPECIAL:
        return CONTEXT.mpf(SPECIAL[str(symbol)])
    if str(symbol) in ("lr", "eps", "eps_root", "weight_decay"):
        low, high = 0.05, 0.7
    return CONTEXT.mpf(low) + (CONTEXT.mpf(high) - low) * drawn.getrandbits(BITS) / CONTEXT.mpf(2) ** BITS


def trajectory(step: Step, start: Step, trial: Trial) -> list[dict[Symbol, Any]]:
    """Return theta and states after each step of ``trial``, in numbers of more than 200 bits."""
    values: dict[Symbol, Any] = {theta: trial.begin}
    values |= start(NUMBERS, {theta: trial.begin, **trial.hyper[0]})
    trace = []
    for index, slope in enumerate(trial.gradients):
        values = step(NUMBERS, {**values, **trial.hyper[index], g: slope, t: trial.at + index})
        trace.append(values)
    return trace


def same(left: Any, right: Any) -> bool:
    """Return whether two numbers agree to ``BITS`` bits, or are both undefined."""
    if CONTEXT.isnan(left) or CONTEXT.isnan(right):
        return bool(CONTEXT.isnan(left) and CONTEXT.isnan(right))
    if CONTEXT.isinf(left) or CONTEXT.isinf(right):
        return bool(left == right)
    return bool(abs(left - right) <= max(abs(left), abs(right), CONTEXT.mpf(1)) / CONTEXT.mpf(2) ** BITS)


LEAST = 6
"""The fewest defined steps that a comparison counts with: code that is undefined everywhere is like any other."""


def defined(traces: Sequence[Sequence[Mapping[Symbol, Any]]]) -> int:
    """Return the number of steps after which theta is a number."""
    return sum(bool(CONTEXT.isfinite(values[theta])) for trace in traces for values in trace)
