"""Search: the smallest script so far, and the test that a smaller one has to pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from stepcheck_properties.failure import LawFailure
from stepcheck_properties.harness import Harness
from stepcheck_properties.law import Breach
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trajectory

AvoidTrigger = Callable[[Script], Script]
"""Changes a script so that it does not show a known issue; returns any other script as it is."""

SINGLE_STEPS = 12
"""Steps up to which gradients are dropped and simplified one by one; in longer scripts that would take the budget."""


class Search:
    """The smallest failing script so far; ``runs`` counts what has been spent of ``budget``."""

    def __init__(
        self,
        harness: Harness,
        failure: LawFailure,
        budget: int,
        fixed_hyper: frozenset[str],
        avoid_trigger: AvoidTrigger | None,
    ) -> None:
        self.harness, self.avoid_trigger = harness, avoid_trigger
        self.failure, self.budget, self.fixed_hyper = failure, budget, fixed_hyper
        self.trajectory: Trajectory | None = None
        self.runs = 0
        self.attempted = {repr(failure.script)}

    @property
    def script(self) -> Script:
        """The smallest script so far."""
        return self.failure.script

    @property
    def breach(self) -> Breach:
        """How that script breaks the law."""
        return self.failure.breach

    def attempt(self, candidate: Script) -> bool:
        """Whether ``candidate`` is new and breaks the law too; if so it becomes the smallest script so far."""
        key = repr(candidate)
        if key in self.attempted or self.runs >= self.budget:
            return False
        self.attempted.add(key)
        if self.avoid_trigger is not None and self.avoid_trigger(candidate) != candidate:
            return False
        law = self.failure.law
        if law.reference is not None and law.reference(candidate, self.harness.facts) is None:
            return False
        self.runs += 1
        trajectory = self.harness.run(candidate)
        failure = self.harness.failure(law, self.failure.output, candidate, trajectory)
        if failure is None:
            return False
        self.failure, self.trajectory = replace(failure, origin=self.failure.origin), trajectory
        return True

    def first(self, candidates: Iterable[Script]) -> bool:
        """Whether one of ``candidates`` breaks the law too; the first that does becomes the smallest script."""
        return any(self.attempt(candidate) for candidate in candidates)

    def run(self) -> Trajectory | None:
        """Return the smallest script's trajectory, None where the budget does not allow for the run."""
        if self.trajectory is None and self.runs < self.budget:
            self.runs += 1
            self.trajectory = self.harness.run(self.script)
        return self.trajectory

    def result(self) -> LawFailure:
        """Return the failure with the smallest script and the number of runs it took."""
        return replace(self.failure, runs=self.runs)
