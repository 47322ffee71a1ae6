"""Benches: a subject in one cell, put through a script as a law asks, with what the oracle says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass

from stepcheck_properties.law import Breach, Evidence, Facts, Law, Run, Twin
from stepcheck_reference.oracle import judge
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.judgement import Judgement, Real
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trajectory

Beside = Callable[[Twin], Mapping[str, Arithmetic]]
"""Returns the arithmetic that a twin's run declares, by dtype."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A subject held to ``rule`` in one cell.

    ``arithmetics`` maps each dtype to what it declares, ``dtype`` is that of the tensors judged, and ``beside`` gives
    what a twin declares (None: the same).
    """

    run: Run
    rule: Rule
    arithmetics: Mapping[str, Arithmetic]
    dtype: str
    facts: Facts
    beside: Beside | None = None

    def evidence(self, law: Law, script: Script, trajectory: Trajectory | None = None) -> Evidence | None:
        """Return what ``script`` shows for ``law``, with its twin's run; None where the law has no twin for it.

        ``trajectory`` is the script's run where there has been one.
        """
        twin = None if law.twin is None else law.twin(script, self.facts)
        if law.twin is not None and twin is None:
            return None
        done = self.run(script) if trajectory is None else trajectory
        other = None if twin is None else self._twin(twin)
        return _told(self.rule, script, done, lambda: self.arithmetics, self.dtype, other)

    def breach(self, law: Law, output: str, script: Script, trajectory: Trajectory | None = None) -> Breach | None:
        """Return how ``script`` breaks ``law`` in ``output``, None where it does not."""
        evidence = self.evidence(law, script, trajectory)
        if evidence is None:
            return None
        return next((breach for breach in law.check(evidence).breaches if breach.output == output), None)

    def _twin(self, twin: Twin) -> Evidence:
        def arithmetics() -> Mapping[str, Arithmetic]:
            return self.arithmetics if self.beside is None else self.beside(twin)

        trajectory = self.run(twin.script, twin)
        return _told(twin.rule or self.rule, twin.script, trajectory, arithmetics, twin.dtype or self.dtype)


def _told(
    rule: Rule,
    script: Script,
    trajectory: Trajectory,
    arithmetics: Callable[[], Mapping[str, Arithmetic]],
    dtype: str,
    twin: Evidence | None = None,
) -> Evidence:
    """Return a run with what the oracle says of its tensors of ``dtype``, once it is asked."""

    def judged(watch: Set[Real] = frozenset()) -> Judgement:
        return judge.judge(rule, script, trajectory, arithmetics(), only=dtype, watch=watch)

    return Evidence(rule, script, trajectory, judged, twin, lambda reals: judged(reals).watched)
