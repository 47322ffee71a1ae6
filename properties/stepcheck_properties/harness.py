"""Benches: a subject in one cell, put through a script as a law asks, with what the oracle says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass

from stepcheck_properties.law import Breach, Evidence, Facts, Law, ReferenceRun, RunScript
from stepcheck_reference.oracle import judge
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.judgement import Judgement, Real
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trajectory

ReferenceArithmetic = Callable[[ReferenceRun], Mapping[str, Arithmetic]]
"""Returns the arithmetic that a twin's run declares, by dtype."""


@dataclass(frozen=True, slots=True)
class Harness:
    """A subject held to ``rule`` in one cell.

    ``arithmetics`` maps each dtype to what it declares, ``dtype`` is that of the tensors judged, and
    ``reference_arithmetic`` gives what a twin declares (None: the same).
    """

    run: RunScript
    rule: Rule
    arithmetics: Mapping[str, Arithmetic]
    dtype: str
    facts: Facts
    reference_arithmetic: ReferenceArithmetic | None = None

    def evidence(self, law: Law, script: Script, trajectory: Trajectory | None = None) -> Evidence | None:
        """Return what ``script`` shows for ``law``, with its twin's run; None where the law has no twin for it.

        ``trajectory`` is the script's run where there has been one.
        """
        reference = None if law.reference is None else law.reference(script, self.facts)
        if law.reference is not None and reference is None:
            return None
        done = self.run(script) if trajectory is None else trajectory
        other = None if reference is None else self._reference(reference)
        return _told(self.rule, script, done, lambda: self.arithmetics, self.dtype, other)

    def breach(self, law: Law, output: str, script: Script, trajectory: Trajectory | None = None) -> Breach | None:
        """Return how ``script`` breaks ``law`` in ``output``, None where it does not."""
        evidence = self.evidence(law, script, trajectory)
        if evidence is None:
            return None
        return next((breach for breach in law.check(evidence).breaches if breach.output == output), None)

    def _reference(self, reference: ReferenceRun) -> Evidence:
        def arithmetics() -> Mapping[str, Arithmetic]:
            return self.arithmetics if self.reference_arithmetic is None else self.reference_arithmetic(reference)

        trajectory = self.run(reference.script, reference)
        return _told(
            reference.rule or self.rule, reference.script, trajectory, arithmetics, reference.dtype or self.dtype
        )


def _told(
    rule: Rule,
    script: Script,
    trajectory: Trajectory,
    arithmetics: Callable[[], Mapping[str, Arithmetic]],
    dtype: str,
    reference: Evidence | None = None,
) -> Evidence:
    """Return a run with what the oracle says of its tensors of ``dtype``, once it is asked."""

    def judged(watch: Set[Real] = frozenset()) -> Judgement:
        return judge.judge(rule, script, trajectory, arithmetics(), only=dtype, watch=watch)

    return Evidence(rule, script, trajectory, judged, reference, lambda reals: judged(reals).watched)
