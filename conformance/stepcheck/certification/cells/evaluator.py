"""The evaluation of a cell: for certify and pytest the whole examination, for replay one script."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property, partial

from msgspec.structs import replace as replaced

from stepcheck.certification.cells.cell_facts import arithmetics_of, cell_facts, declared_arithmetics, reference_cell
from stepcheck.certification.cells.cell_result import cell_result, replayed_result, unexplained
from stepcheck.certification.cells.undeclared_examination import Arithmetics, UndeclaredExamination, Undeclaredly
from stepcheck.certification.certificate import CellResult, Failure, LawResult
from stepcheck.certification.chosen_laws.law_selection import ignored
from stepcheck.certification.failures.failure import failure_record
from stepcheck.certification.failures.failure_recorder import FailureRecorder
from stepcheck.certification.formula.own_order import NAME as OWN_ORDER
from stepcheck.certification.formula.own_order import OwnOrder, own_order
from stepcheck.certification.plan import Planned
from stepcheck.certification.runner import Runner
from stepcheck.certification.survey import Subject
from stepcheck.certification.undeclared.refusals import without_refused
from stepcheck.known_issues import ALL
from stepcheck.known_issues.avoid_trigger import without_changes
from stepcheck.known_issues.known_issue import KnownIssue, avoid_triggers, matching, with_allowances
from stepcheck_implementations.adapters.adapter import arithmetic_cell, compiles_slowly
from stepcheck_properties import laws
from stepcheck_properties.examination.examine import Progress, examine
from stepcheck_properties.examination.verdicts import Examination
from stepcheck_properties.failure import failures_of
from stepcheck_properties.harness import Harness
from stepcheck_properties.law import PLAIN_MODE, Facts, ReferenceRun
from stepcheck_properties.laws.contracts.argument_checks import rejects_negative_lr
from stepcheck_properties.profile import Profile, compiled
from stepcheck_properties.profile import find as find_profile
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.rules import find
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trajectory
from stepcheck_reference.verdict import Verdict


class CellEvaluator:
    """Evaluates one planned cell of ``subject``, which ``runner`` drives.

    ``known_issues`` are those that may break in release ``torch``; each is replayed before the cell is examined.
    Raises ValueError where the cell is planned without a rule.
    """

    def __init__(
        self,
        subject: Subject,
        planned: Planned,
        runner: Runner,
        torch: str = "",
        *,
        known_issues: tuple[KnownIssue, ...] = ALL,
    ) -> None:
        if planned.rule is None:
            raise ValueError(f"{planned.cell.id} has no rule")
        self.subject, self.adapter, self.planned, self.runner = subject, subject.adapter, planned, runner
        self.torch, self.known_issues = torch, known_issues
        self.cell, self.rule = planned.cell, planned.rule
        self.known_cell = arithmetic_cell(self.adapter, planned.cell)
        """The cell that known issues are about: that of the library's class, where this one inherits from it."""
        self.fixed_hyper = dict(planned.fixed_hyper)
        self.on_progress: Progress | None = None
        self.breaking: tuple[KnownIssue, ...] = ()
        """The known issues whose witness still breaks in this cell."""

    def evaluate(self) -> CellResult:
        """Return the result of the whole cell: known issues first, then everything else, examined around them."""
        arithmetics, found = arithmetics_of(self.adapter, self.cell), None
        expected, fixed_upstream = self.replay_known_issues()
        if self.adapter.declared:
            examination = self._examine(arithmetics)
        else:
            found = UndeclaredExamination(self._examine, self._harness, self.own_order).result()
            examination, arithmetics = found.examination, found.judged_with.arithmetics()
        return self._cell_result(examination, arithmetics, found, expected, fixed_upstream)

    def replay(self, script: Script, inferred: str = "") -> CellResult:
        """Return what this one ``script`` shows for every law that applies, without known issues.

        ``inferred`` names the arithmetic that was inferred of an undeclared subject.
        """
        if inferred == OWN_ORDER:
            arithmetics: Arithmetics = self.own_order().arithmetics()
        else:
            arithmetics = arithmetics_of(self.adapter, self.cell, inferred)
        harness = self._harness(arithmetics)
        trajectory = self.run(script)
        counted = any(bool((trace.count >= 0).any()) for trace in trajectory.traces)
        facts = replace(self.facts, observed_states=frozenset(trajectory.observed), shows_step_count=counted)
        harness = replace(harness, facts=facts)
        own = harness.evidence(laws.find("SC101"), script, trajectory)
        assert own is not None  # the law needs no reference run
        results = []
        for law in laws.ALL:
            if not law.applies(facts):
                continue
            evidence = own if law.reference is None else harness.evidence(law, script, trajectory)
            if evidence is None:
                continue
            outcome = law.check(evidence)
            failures = tuple(
                failure_record(self.adapter, failure, self._recorder.replayable(script, inferred))
                for failure in failures_of(law, evidence, outcome)
            )
            verdict = Verdict.BROKEN if failures else Verdict.HOLDS if outcome.compared else Verdict.VACUOUS
            results.append(LawResult(code=law.code, verdict=verdict, compared=outcome.compared, failures=failures))
        return replayed_result(
            self.planned, script, own.judgement, arithmetic=harness.arithmetics[self.cell.dtype], laws=tuple(results)
        )

    # The subject and its facts.

    def run(self, script: Script, reference: ReferenceRun | None = None) -> Trajectory:
        """Return what the subject does over ``script``; with ``reference``, in the cell that it names."""
        cell = self.cell if reference is None else reference_cell(self.cell, reference)
        return self.runner.run(self.adapter, cell, script)

    @cached_property
    def facts(self) -> Facts:
        """The facts of the cell before its scripts run; whether -1 is refused as learning rate is tried."""
        facts = cell_facts(self.adapter, self.planned, self.rule)
        return replace(facts, rejects_negative_lr=rejects_negative_lr(facts, self.run))

    @property
    def profile(self) -> Profile:
        """How much is tried in this cell."""
        profile = find_profile(self.subject.request.profile)
        if profile.one_dtype:
            planned = self.planned
            profile = replace(
                profile,
                in_this_dtype=planned.representative,
                in_first_configuration=planned.first_configuration,
                examples=profile.examples if planned.representative else min(1, profile.examples),
            )
        profile = replace(profile, in_plain_mode=self.cell.mode == PLAIN_MODE)
        return compiled(profile) if compiles_slowly(self.adapter, self.cell.mode) else profile

    @cached_property
    def _recorder(self) -> FailureRecorder:
        return FailureRecorder(
            self.subject,
            self.planned,
            self.rule,
            self.runner,
            budget=self.profile.reductions,
            fixed_hyper=self.fixed_hyper,
            avoid_trigger=self._avoid_trigger,
        )

    @cached_property
    def ignored(self) -> frozenset[str]:
        """The codes of the laws that the request leaves out."""
        return ignored(self.subject.request.select, self.subject.request.ignore)

    @property
    def seed(self) -> int:
        """The cell's own seed, which depends on the request's and on every part of the cell but its mode.

        So all execution paths of a configuration are put through the same scripts.
        """
        name = f"{self.subject.request.seed}/{replace(self.cell, mode='every mode').id}/{self.rule.name}"
        return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=7).digest(), "big")

    def _harness(self, arithmetics: Arithmetics) -> Harness:
        return Harness(
            self.run,
            self.rule,
            self._allowed(arithmetics),
            self.cell.dtype,
            self.facts,
            partial(self._reference_arithmetics, arithmetics),
        )

    def _allowed(self, arithmetics: Arithmetics) -> dict[str, Arithmetic]:
        """Return the arithmetic of each dtype a script may have, with what breaks here allowed in the cell's own."""
        dtypes = [name for name in FORMATS if name in self.planned.companions or name == self.cell.dtype]
        own = with_allowances(self.breaking, arithmetics[self.cell.dtype])
        return {name: arithmetics[name] for name in arithmetics if name in dtypes} | {self.cell.dtype: own}

    def _reference_arithmetics(self, arithmetics: Arithmetics, reference: ReferenceRun) -> Arithmetics:
        """Return the arithmetic of a law's reference run, with the known issues of its cell allowed."""
        if not self.adapter.declared:
            return arithmetics
        cell = arithmetic_cell(self.adapter, reference_cell(self.cell, reference))
        issues = self.breaking if cell == self.known_cell else matching(self.known_issues, cell, self.torch)
        return {dtype: with_allowances(issues, arithmetic) for dtype, arithmetic in declared_arithmetics(cell).items()}

    @cached_property
    def _single_issues(self) -> tuple[KnownIssue, ...]:
        """The known issues of mode single, which laws compare this cell's mode with."""
        return matching(self.known_issues, replace(self.known_cell, mode="single"), self.torch)

    def _avoid_trigger(self, script: Script) -> Script:
        """Return ``script`` without what triggers a known issue of this cell or of the reference mode, single."""
        issues = (*self.breaking, *(issue for issue in self._single_issues if issue not in self.breaking))
        if self.adapter.fitted:
            script = without_refused(script, find(self.rule.name), self.adapter)
        return avoid_triggers(issues, without_changes(script, self.adapter.constant_hyper))

    # Known issues: each witness is replayed before the examination.

    def replay_known_issues(self) -> tuple[list[Failure], tuple[str, ...]]:
        """Return the failures that witnesses still show, and the names of known issues that no longer break.

        Sets ``breaking``.
        """
        arithmetics = arithmetics_of(self.adapter, self.cell)
        issues = matching(self.known_issues, self.known_cell, self.torch)
        shown = [list(self._witnessed(issue, arithmetics)) for issue in issues]
        self.breaking = tuple(issue for issue, failures in zip(issues, shown, strict=True) if failures)
        fixed = tuple(issue.name for issue, failures in zip(issues, shown, strict=True) if not failures)
        return [failure for failures in shown for failure in failures], fixed

    def _witnessed(self, issue: KnownIssue, arithmetics: Arithmetics) -> Iterator[Failure]:
        """Yield the failures that the witness of ``issue`` shows in this cell."""
        law, harness = laws.find(issue.code), self._harness(arithmetics)
        script = issue.script(self.cell.dtype, [symbol.name for symbol in self.rule.hyper], self.fixed_hyper)
        evidence = harness.evidence(law, script)
        if evidence is None:
            return
        for failure in failures_of(law, evidence, law.check(evidence)):
            if issue.shows(issue.code, failure.output):
                record = failure_record(self.adapter, failure, self._recorder.replayable(script))
                record = self._recorder.with_trace(record, harness, script, evidence.trajectory)
                yield replaced(record, known_issue=issue.name, explanation=issue.reason)

    # The examination.

    def _examine(self, arithmetics: Arithmetics) -> Examination:
        harness = self._harness(arithmetics)
        return examine(
            self.run,
            self.rule,
            harness.arithmetics,
            self.cell.dtype,
            self.profile,
            self.seed,
            self.fixed_hyper,
            self.on_progress,
            reductions=0,
            avoid_trigger=self._avoid_trigger,
            facts=self.facts,
            reference_arithmetic=harness.reference_arithmetic,
            ignored=self.ignored,
        )

    def own_order(self) -> OwnOrder:
        """Return what the code of the cell computes, read in its configuration, mode and dtype."""
        return own_order(self.adapter, self.planned, self.runner)

    # Results.

    def _cell_result(
        self,
        examination: Examination,
        arithmetics: Arithmetics,
        found: Undeclaredly | None,
        expected: list[Failure],
        fixed_upstream: tuple[str, ...],
    ) -> CellResult:
        new = [failure for failure in unexplained(examination, self.breaking) if failure.law.code not in self.ignored]
        name = found.judged_with.name if found else ""
        return cell_result(
            self.planned,
            self.rule,
            examination,
            expected=[failure for failure in expected if failure.code not in self.ignored],
            new=self._recorder.records(new, examination, self._harness(arithmetics), name),
            arithmetic=arithmetics[self.cell.dtype],
            found=found,
            fixed_upstream=fixed_upstream,
        )
