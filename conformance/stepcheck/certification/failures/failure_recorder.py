"""How the failures of a cell are recorded: the smallest script that shows each, its cause, program and trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace as replaced

from stepcheck.certification.certificate import Failure
from stepcheck.certification.failures.confirmation import confirm
from stepcheck.certification.failures.consequences import consequences
from stepcheck.certification.failures.failure import failure_record
from stepcheck.certification.failures.failure_trace import failure_trace
from stepcheck.certification.failures.replay_token import Replayable
from stepcheck.certification.plan import Planned, rule_named_by
from stepcheck.certification.runner import Runner
from stepcheck.certification.survey import Subject
from stepcheck_implementations.adapters.adapter import compiles_slowly
from stepcheck_properties.examination.verdicts import Examination
from stepcheck_properties.failure import LawFailure
from stepcheck_properties.harness import Harness
from stepcheck_properties.shrink.search import AvoidTrigger
from stepcheck_properties.shrink.shrink import shrink
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import FAULTS, Trajectory


@dataclass(frozen=True)
class FailureRecorder:
    """Records failures of one planned cell of ``subject``, which ``runner`` drives and which is held to ``rule``.

    ``budget`` bounds the runs spent on shrinking each; the scripts keep ``fixed_hyper`` and ``avoid_trigger``.
    """

    subject: Subject
    planned: Planned
    rule: Rule
    runner: Runner
    budget: int
    fixed_hyper: Mapping[str, float]
    avoid_trigger: AvoidTrigger

    def records(
        self, failures: list[LawFailure], examination: Examination, harness: Harness, inferred: str
    ) -> list[Failure]:
        """Return the records of ``failures``, each with the smallest script that shows it and what it follows from."""
        smallest = [self._shrunk(failure, examination, harness) for failure in failures]
        records = []
        for failure, cause in zip(smallest, consequences(smallest, harness), strict=True):
            record = failure_record(self.subject.adapter, failure, self.replayable(failure.script, inferred))
            record = self.with_trace(record, harness, failure.script, None)
            ran = "" if cause else self._ran(record)
            records.append(replaced(record, follows_from=cause, standalone_run=ran))
        return records

    def _ran(self, record: Failure) -> str:
        """Return what the program of ``record`` does in a process of its own; "" where that is not tried.

        What hangs is not waited for again; what is compiled, or runs on another device, starts too slowly.
        """
        slow = compiles_slowly(self.subject.adapter, self.planned.cell.mode) or self.planned.cell.device != "cpu"
        if slow or record.fault == "hung":
            return ""
        did = self.runner.run_program(record.standalone)
        return "fails" if record.fault in FAULTS and did.startswith("raises") else did

    def _shrunk(self, failure: LawFailure, examination: Examination, harness: Harness) -> LawFailure:
        """Return ``failure`` with the smallest script that shows it, confirmed where it can be."""
        failure = shrink(
            failure,
            harness=harness,
            budget=self.budget,
            fixed_hyper=self.fixed_hyper,
            avoid_trigger=self.avoid_trigger,
        )
        if examination.observability == "stepwise":
            confirm(self.planned.cell.id, self.rule, failure.breach)
        return failure

    def replayable(self, script: Script, inferred: str = "") -> Replayable:
        """Return what a token of ``script`` holds; ``inferred`` names the arithmetic that was inferred."""
        claimed = rule_named_by(self.subject.request, self.subject.adapter) is None and self.subject.request.rule
        other = claimed if claimed and claimed != self.rule.name else ""
        like = self.subject.request.like or ""
        return Replayable(self.planned.cell, self.rule.name, script, inferred, other, like)

    def with_trace(self, record: Failure, harness: Harness, script: Script, trajectory: Trajectory | None) -> Failure:
        """Return ``record`` with the trace of the real that it is about, for reports to draw.

        ``trajectory`` is the script's run where there has been one; it is run only where there is something to draw.
        """
        if record.worst is None:
            return record
        trajectory = (
            self.runner.run(self.subject.adapter, self.planned.cell, script) if trajectory is None else trajectory
        )
        trace = failure_trace(self.rule, script, trajectory, harness.arithmetics, self.planned.cell.dtype, record.worst)
        return replaced(record, trace=trace)
