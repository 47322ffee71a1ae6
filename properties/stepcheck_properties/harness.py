"""Harness: a subject in one cell, run on scripts and their references, with the oracle's judgement of each run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass

from stepcheck_properties.failure import LawFailure, failures_of
from stepcheck_properties.law import Evidence, Facts, Law, ReferenceRun, RunScript
from stepcheck_reference.oracle import judge
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.judgement import Judgement, Real
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trajectory

ReferenceArithmetic = Callable[[ReferenceRun], Mapping[str, Arithmetic]]
"""Returns the arithmetic that the subject declares for a reference run, by dtype."""


@dataclass(frozen=True, slots=True)
class Harness:
    """A subject that is checked against ``rule`` in one cell.

    ``arithmetics`` maps each dtype to the subject's declared arithmetic, ``dtype`` is that of the tensors that are
    judged, and ``reference_arithmetic`` gives the arithmetic of a reference run (None: the same).
    """

    run: RunScript
    rule: Rule
    arithmetics: Mapping[str, Arithmetic]
    dtype: str
    facts: Facts
    reference_arithmetic: ReferenceArithmetic | None = None

    def evidence(self, law: Law, script: Script, trajectory: Trajectory | None = None) -> Evidence | None:
        """Return what ``script`` shows for ``law``, with the reference run; None where the law has none for it.

        ``trajectory`` is the script's run if it has been run before.
        """
        reference = None if law.reference is None else law.reference(script, self.facts)
        if law.reference is not None and reference is None:
            return None
        trajectory = self.run(script) if trajectory is None else trajectory
        compared_with = None if reference is None else self._reference_evidence(reference)
        return _evidence(self.rule, script, trajectory, lambda: self.arithmetics, self.dtype, compared_with, reference)

    def failure(self, law: Law, output: str, script: Script, trajectory: Trajectory | None = None) -> LawFailure | None:
        """Return how ``script`` breaks ``law`` in ``output``, None where it does not."""
        evidence = self.evidence(law, script, trajectory)
        if evidence is None:
            return None
        failures = failures_of(law, evidence, law.check(evidence))
        return next((failure for failure in failures if failure.output == output), None)

    def reproduces(self, failure: LawFailure) -> bool:
        """Whether ``failure``'s script breaks its law in the same output when it is run again."""
        return self.failure(failure.law, failure.output, failure.script) is not None

    def _reference_evidence(self, reference: ReferenceRun) -> Evidence:
        def arithmetics() -> Mapping[str, Arithmetic]:
            return self.arithmetics if self.reference_arithmetic is None else self.reference_arithmetic(reference)

        trajectory = self.run(reference.script, reference)
        rule, dtype = reference.rule or self.rule, reference.dtype or self.dtype
        return _evidence(rule, reference.script, trajectory, arithmetics, dtype)


def _evidence(
    rule: Rule,
    script: Script,
    trajectory: Trajectory,
    arithmetics: Callable[[], Mapping[str, Arithmetic]],
    dtype: str,
    reference: Evidence | None = None,
    reference_run: ReferenceRun | None = None,
) -> Evidence:
    """Return a run whose tensors of ``dtype`` the oracle judges when a law needs it."""

    def judged(watch: Set[Real] = frozenset()) -> Judgement:
        return judge.judge(rule, script, trajectory, arithmetics(), only=dtype, watch=watch)

    return Evidence(rule, script, trajectory, judged, reference, lambda reals: judged(reals).watched, reference_run)
