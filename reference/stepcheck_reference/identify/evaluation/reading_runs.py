"""Runs: what a reading does in trials, kept for all that it is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sympy import Symbol

from stepcheck_reference.alphabet import theta
from stepcheck_reference.identify.assignment import Assignment
from stepcheck_reference.identify.evaluation.agreement import LEAST, Trial, defined, same, trajectory, trials
from stepcheck_reference.identify.evaluation.compiled_step import Step, compiled
from stepcheck_reference.identify.filtering import Core, core
from stepcheck_reference.identify.lifting import Lifted

Draw = Callable[[Sequence[Symbol], Mapping[Symbol, Any], Symbol | None], tuple[Trial, ...]]
"""What draws trials of hyper-parameters, some at a value, with one that is the learning rate."""


class Runs:
    """A reading's trajectories, one set for each symbol that may be the learning rate.

    A state that changes by itself alone, as a power of beta or a sum of weights does, counts steps. Then a run can only
    start at t = 1: at a later one its initial state is none that the code ever has.
    """

    def __init__(self, reading: Lifted) -> None:
        self.reading = reading
        self.step: Step = compiled(reading.step)
        self.start: Step = compiled(reading.init)
        self.counts_itself = any(
            state in value.free_symbols and value.free_symbols <= {state, *reading.hyper}
            for state, value in reading.step.items()
        )
        self._runs: dict[Any, tuple[tuple[Trial, ...], list[list[dict[Symbol, Any]]]]] = {}

    def core(self, values: Mapping[Symbol, float], rate: Symbol | None) -> Core:
        """Return the changes of theta that a first filter looks at."""
        return core(self.step, self.start, values, rate)

    def agrees(self, value: Any, seen: Mapping[Symbol, Any]) -> bool:
        """Return whether ``value`` is the theta of an entry of a trace at 200 bits."""
        return same(value, seen[theta])

    def of(
        self, rate: Symbol | None, fixed: Sequence[Symbol], drawn: Draw = trials
    ) -> tuple[tuple[Trial, ...], list[Any]]:
        """Return trials and the trajectories in them; none where the reading is undefined at nearly every step."""
        key = (rate, tuple(fixed), drawn)
        if key not in self._runs:
            values = {symbol: self.reading.constants[symbol] for symbol in fixed}
            made = drawn(self.reading.hyper, values, rate)
            if self.counts_itself:
                made = tuple(trial for trial in made if trial.at == 1)
            traces = [trajectory(self.step, self.start, trial) for trial in made]
            self._runs[key] = made, traces if defined(traces) >= LEAST else []
        return self._runs[key]

    def for_assignment(self, given: Assignment, drawn: Draw = trials) -> tuple[tuple[Trial, ...], list[Any]]:
        """Return the trials, in which numbers of the code that are no hyper-parameter stay what they are."""
        used = set(given.values())
        return self.of(given.get("lr"), [symbol for symbol in self.reading.constants if symbol not in used], drawn)
