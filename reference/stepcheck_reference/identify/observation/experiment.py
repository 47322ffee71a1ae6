"""Experiments: short runs of code on inputs on which rules part, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from sympy import Symbol

from stepcheck_reference.alphabet import theta
from stepcheck_reference.identify.evaluation.agreement import SIZES, SPECIAL, Trial
from stepcheck_reference.identify.evaluation.operations import CONTEXT

ELEMENTS = 3
"""The elements of the parameter of each experiment; each is a run by itself."""
RADIUS = Symbol("radius")
"""Where a trace has how far from the exact value the observed one may be."""
ROUNDING = 2.0**-36
"""That distance relative to the largest parameter so far: 2^16 roundings of float64. Experiments are such that what an
average, a root or a quotient makes of a rounding stays below it, and rules differ by more."""
LONG = 120
"""The steps of the longest experiment, for what changes with t."""
TINY = (3e-9, -5e-8, 2e-7, -4e-9, 0.0, 6e-8)
"""Gradients beside which a small number shows that is added to a divisor."""
SMALL = ("lr", "eps", "eps_root", "weight_decay")
"""Hyper-parameters that are less than 0.7 in an experiment."""


class OutOfSteps(Exception):
    """The steps that may be taken are used up."""


class ConstantRate(Exception):
    """The code has no place where its learning rate could be changed between steps."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """A run in float64: hyper-parameters, the learning rate of each step, initial values, a row of gradients a step.

    ``rate`` is the symbol of the learning rate where it changes between steps; else ``rates`` is empty.
    """

    numbers: tuple[tuple[Symbol, float], ...]
    rate: Symbol | None
    rates: tuple[float, ...]
    begin: tuple[float, ...]
    gradients: tuple[tuple[float, ...], ...]

    def trials(self, constants: Mapping[Symbol, float]) -> list[Trial]:
        """Return the run of each element, with ``constants`` of the code beside the hyper-parameters."""
        values = {symbol: CONTEXT.mpf(number) for symbol, number in (*self.numbers, *constants.items())}
        each = [dict(values) for _ in self.gradients]
        for index, rate in enumerate(self.rates):
            assert self.rate is not None
            each[index][self.rate] = CONTEXT.mpf(rate)
        return [
            Trial(CONTEXT.mpf(begin), [CONTEXT.mpf(row[place]) for row in self.gradients], each, CONTEXT.mpf(1))
            for place, begin in enumerate(self.begin)
        ]


Observe = Callable[[Experiment], Sequence[Sequence[float]]]
"""Runs code: the elements of its parameter after each step."""


def usual(symbols: Sequence[Symbol], rate: Symbol | None) -> list[Experiment]:
    """Return what all code is tried with: ordinary gradients, long averages, gradients of all sizes, and tiny ones."""
    return [
        drawn(Random(1), symbols, rate, 0.2, 0.9, [(1.0,) * ELEMENTS] * 6),
        drawn(Random(2), symbols, rate, 0.9, 0.99, [(1.0, 0.1, 4.0)] * LONG),
        drawn(Random(3), symbols, rate, 0.3, 0.9, [(size, -size / 7, size / 50) for size in SIZES]),
        drawn(Random(4), symbols, rate, 0.3, 0.9, [(size, size / 9, -3 * size) for size in TINY]),
    ]


def separating(number: int, symbols: Sequence[Symbol], rate: Symbol | None) -> Experiment:
    """Return the experiment ``number`` of an endless list: of several lengths, sizes of gradients, and averages."""
    random = Random(100 + number)
    low, high = random.choice(((0.05, 0.5), (0.3, 0.9), (0.9, 0.999)))
    scale = 10.0 ** random.uniform(-9, 5)
    falls = random.choice((1.0, 0.5, 2.0))
    steps = random.choice((6, 12, 30))
    rows = [
        tuple(scale * falls**index * random.choice((0.0, 1.0, 1.0, 3.0)) for _ in range(ELEMENTS))
        for index in range(steps)
    ]
    return drawn(random, symbols, rate, low, high, rows)


def drawn(
    random: Random,
    symbols: Sequence[Symbol],
    rate: Symbol | None,
    low: float,
    high: float,
    sizes: Sequence[tuple[float, ...]],
) -> Experiment:
    """Return an experiment whose gradients have ``sizes``, and averages factors between ``low`` and ``high``."""

    def value(symbol: Symbol) -> float:
        if str(symbol) in SPECIAL:
            return SPECIAL[str(symbol)]
        return random.uniform(0.05, 0.7) if str(symbol) in SMALL else random.uniform(low, high)

    numbers = tuple((symbol, value(symbol)) for symbol in symbols)
    begin = tuple(random.uniform(0.3, 1.5) for _ in range(ELEMENTS))
    gradients = tuple(tuple(size * random.choice((-1, 1)) * random.uniform(0.02, 2.5) for size in row) for row in sizes)
    rates = tuple(random.uniform(0.05, 0.9) for _ in gradients) if rate is not None else ()
    return Experiment(numbers, rate, rates, begin, gradients)


def traces(rows: Sequence[Sequence[float]]) -> list[list[dict[Symbol, Any]]]:
    """Return the observed ``rows`` of an experiment as a trace for each element, with radii."""
    found = []
    for place in range(ELEMENTS):
        largest, trace = 1.0, []
        for row in rows:
            largest = max(largest, abs(row[place])) if abs(row[place]) < float("inf") else largest
            trace.append({theta: CONTEXT.mpf(row[place]), RADIUS: CONTEXT.mpf(ROUNDING * largest)})
        found.append(trace)
    return found
