"""Observed runs: what a reading's runs are to identification, of code that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sympy import Symbol

from stepcheck_reference.alphabet import theta
from stepcheck_reference.identify.assignment import Assignment
from stepcheck_reference.identify.evaluation.agreement import Trial, trials
from stepcheck_reference.identify.evaluation.operations import CONTEXT
from stepcheck_reference.identify.evaluation.reading_runs import Draw
from stepcheck_reference.identify.filtering import RATES, SLOPES, START, Core
from stepcheck_reference.identify.lifting import Lifted
from stepcheck_reference.identify.observation.experiment import (
    ELEMENTS,
    RADIUS,
    ConstantRate,
    Experiment,
    Observe,
    OutOfSteps,
    traces,
    usual,
)

MOST_STEPS = 300
"""The most steps that code takes to be identified."""


class ObservedRuns:
    """Runs of code in float64. Whether a rule takes their steps is asked as of a reading's."""

    def __init__(self, reading: Lifted, laboratory: Laboratory) -> None:
        self.reading = reading
        self.laboratory = laboratory
        self.given = tuple(symbol for symbol in reading.hyper if symbol not in reading.constants)
        self.more: list[Experiment] = []

    def core(self, values: Mapping[Symbol, float], rate: Symbol | None) -> Core:
        """Return the changes of theta that a first filter looks at."""
        numbers = tuple((symbol, RATES[0] if symbol == rate else values[symbol]) for symbol in self.given)
        gradients = tuple((slope,) * ELEMENTS for slope in SLOPES)
        varied = self._possible(rate)
        wanted = Experiment(numbers, varied, RATES if varied else (), (START,) * ELEMENTS, gradients)
        taken, rows = self.laboratory.run(wanted)
        alone = self.reading.constants[rate] if rate in self.reading.constants else RATES[0]
        with np.errstate(all="ignore"):
            changes = np.diff(np.array([START, *(row[0] for row in rows)]))
        return Core(changes, {**values, **self.reading.constants}, 1, taken.rates or (alone,) * len(RATES))

    def for_assignment(self, given: Assignment, drawn: Draw = trials) -> tuple[tuple[Trial, ...], list[Any]]:
        """Return trials and the traces in them, of every experiment that is made of all code and of those added.

        None is drawn; each is an experiment of its own.
        """
        rate = self._possible(given.get("lr"))
        made: list[Trial] = []
        seen: list[Any] = []
        for experiment in (*usual(self.given, rate), *self.more):
            taken, rows = self.laboratory.run(experiment)
            made += taken.trials(self.reading.constants)
            seen += traces(rows)
        return tuple(made), seen

    def agrees(self, value: Any, seen: Mapping[Symbol, Any]) -> bool:
        """Return whether ``value`` is within a radius of where a parameter was observed."""
        if not CONTEXT.isfinite(value) or not CONTEXT.isfinite(seen[theta]):
            return bool(value == seen[theta] or (CONTEXT.isnan(value) and CONTEXT.isnan(seen[theta])))
        return bool(abs(value - seen[theta]) <= seen[RADIUS])

    def _possible(self, rate: Symbol | None) -> Symbol | None:
        """Return ``rate`` where it is no number of the code."""
        return None if rate in self.reading.constants else rate


class Laboratory:
    """Carries experiments out, each once, as long as there are steps left."""

    def __init__(self, observe: Observe) -> None:
        self.observe = observe
        self.steps = 0
        self._constant: set[Symbol | None] = {None}
        self._done: dict[Experiment, Sequence[Sequence[float]]] = {}

    def run(self, experiment: Experiment) -> tuple[Experiment, Sequence[Sequence[float]]]:
        """Return the experiment as it was carried out, with one rate where it cannot change, and what was observed."""
        if experiment.rate in self._constant:
            experiment = replace(experiment, rate=None, rates=())
        if experiment not in self._done:
            if self.steps + len(experiment.gradients) > MOST_STEPS:
                raise OutOfSteps
            try:
                self._done[experiment] = self.observe(experiment)
            except ConstantRate:
                self._constant.add(experiment.rate)
                return self.run(experiment)
            self.steps += len(experiment.gradients)
        return experiment, self._done[experiment]
