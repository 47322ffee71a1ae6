"""Tally: what the scripts of one cell have shown so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stepcheck_properties.examination.verdicts import LEAST_COMPARED, LawVerdict
from stepcheck_properties.failure import LawFailure, failures_of
from stepcheck_properties.law import Evidence, Facts, Law
from stepcheck_reference.oracle.judgement import Deviation, Hazard, Judgement
from stepcheck_reference.scripts.script import Script, Step, Tensor
from stepcheck_reference.scripts.trajectory import Trajectory
from stepcheck_reference.verdict import Verdict

WEAKEST_FIRST = ("trajectory", "theta_only", "stepwise")
"""Degrees of observability. A cell has the weakest that one of its scripts had."""


@dataclass(slots=True)
class Tally:
    """Sums over the scripts of one cell; the fields are those of ``Examination``.

    ``checked`` counts for each law's code what was compared for it, in its unit; ``failures`` holds for each law and
    output the failure that is the easiest to shrink.
    """

    compared: int = 0
    not_compared: dict[str, int] = field(default_factory=dict)
    worst: dict[str, Deviation] = field(default_factory=dict)
    worst_from_zero: Deviation | None = None
    observabilities: set[str] = field(default_factory=set)
    nonfinite: int = 0
    hazards: dict[str, Hazard] = field(default_factory=dict)
    scripts: int = 0
    checked: dict[str, int] = field(default_factory=dict)
    failures: dict[tuple[str, str], LawFailure] = field(default_factory=dict)
    observed_states: set[str] = field(default_factory=set)
    offers: set[str] = field(default_factory=set)
    shows_step_count: bool = False
    stopped: str = ""
    unconfirmed: list[str] = field(default_factory=list)
    ratios: dict[str, NDArray[np.int64]] = field(default_factory=dict)

    def add(self, trajectory: Trajectory, judgement: Judgement) -> None:
        """Add one script's run and what the oracle says of it."""
        self.scripts += 1
        self.observabilities.add(judgement.observability)
        self.add_judgement(judgement)
        self.observed_states.update(trajectory.observed)
        self.offers.update(trajectory.offers)
        self.shows_step_count = self.shows_step_count or any(
            bool((trace.count >= 0).any()) for trace in trajectory.traces
        )

    def add_judgement(self, judgement: Judgement) -> None:
        """Add what the oracle says of a run that is counted, or one that a law compares another with."""
        self.compared += judgement.compared
        self.nonfinite += judgement.nonfinite
        for output, hazard in judgement.hazards.items():
            self.hazards[output] = hazard.joined(self.hazards.get(output))
        for reason, count in judgement.not_compared.items():
            self.not_compared[reason] = self.not_compared.get(reason, 0) + count
        for output, deviation in judgement.worst.items():
            if output not in self.worst or deviation.ratio > self.worst[output].ratio:
                self.worst[output] = deviation
        for output, counts in judgement.ratios.items():
            self.ratios[output] = self.ratios[output] + counts if output in self.ratios else counts
        zero = judgement.worst_from_zero
        if zero is not None and (self.worst_from_zero is None or zero.ratio > self.worst_from_zero.ratio):
            self.worst_from_zero = zero

    def check(self, law: Law, evidence: Evidence, origin: str) -> None:
        """Check ``evidence`` against ``law``; its script comes from ``origin``."""
        outcome = law.check(evidence)
        self.checked[law.code] = self.checked.get(law.code, 0) + outcome.compared
        for failure in failures_of(law, evidence, outcome, origin):
            best = self.failures.get(failure.key)
            if best is None or _shrinkability(failure) < _shrinkability(best):
                self.failures[failure.key] = failure

    @property
    def observability(self) -> str:
        """The weakest observability of all scripts."""
        return next((kind for kind in WEAKEST_FIRST if kind in self.observabilities), WEAKEST_FIRST[0])

    @property
    def histograms(self) -> Mapping[str, tuple[int, ...]]:
        """The number of reals in each bin of ratios, by output."""
        return {output: tuple(counts.tolist()) for output, counts in self.ratios.items()}

    def verdict(self, law: Law, facts: Facts, *, not_run: str) -> LawVerdict:
        """Return the verdict on ``law``; ``not_run`` says why it was left out, "" where it was not."""
        compared = self.checked.get(law.code, 0)
        broken = sorted(output for code, output in self.failures if code == law.code)
        if broken:
            return LawVerdict(law, Verdict.BROKEN, compared, f"broken in {', '.join(broken)}")
        if not law.applies(facts):
            return LawVerdict(law, Verdict.NOT_APPLICABLE, 0, f"applies where {law.condition}")
        if not_run:
            return LawVerdict(law, Verdict.NOT_RUN, 0, not_run)
        if compared == 0:
            return LawVerdict(law, Verdict.VACUOUS, 0, "nothing was compared")
        if law.unit == "element-steps":
            share = self.compared / (self.compared + sum(self.not_compared.values()))
            if share < LEAST_COMPARED:
                note = f"compared={share:.1%} of element-steps, but should be {LEAST_COMPARED:.0%}"
                return LawVerdict(law, Verdict.VACUOUS, compared, note)
        return LawVerdict(law, Verdict.HOLDS, compared)


def _shrinkability(failure: LawFailure) -> tuple[bool, bool, bool, int]:
    """Order failures: of plain scripts first, then far beyond their radius, of steps called as usual, the shortest.

    What a plain script shows needs nothing else; a ratio just beyond 1 is a matter of the last bit, and most changes
    to a script's numbers lose it.
    """
    size = sum(tensor.size for tensor in failure.script.tensors)
    far = failure.breach.ratio > 2.0
    return (not _is_plain(failure.script), not far, not _is_usual(failure.script), size * len(failure.script.steps))


def _is_usual(script: Script) -> bool:
    """Whether steps are called as usual, and nothing but hyper-parameters and parameters changes between them."""
    usual = all(step == Step(step.gradients, step.hyper, step.overwrite) for step in script.steps)
    return usual and not script.invocation


def _is_plain(script: Script) -> bool:
    """Whether ``script`` is one group of contiguous tensors, each with a gradient in every step, and no more."""
    tensors = tuple(Tensor(tensor.shape, tensor.dtype, tensor.initial) for tensor in script.tensors)
    steps = tuple(Step(step.gradients) for step in script.steps)
    gradients = (gradient for step in steps for gradient in step.gradients)
    plain = len(script.groups) == 1 and all(tensor.size for tensor in tensors) and None not in gradients
    return plain and script == Script(tensors, script.groups, steps)
