"""One cell judged: examined under its arithmetic, its failures reduced, known findings told apart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace

from msgspec.structs import replace as changed

from stepcheck.certification.certificate import CellResult, Failure, LawResult
from stepcheck.certification.failures.failure import failure, reference_cell, worst
from stepcheck.certification.failures.failure_trace import course
from stepcheck.certification.failures.replay_token import Replayable
from stepcheck.certification.plan import Planned
from stepcheck.certification.request import Request
from stepcheck.certification.runner import Runner
from stepcheck.certification.undeclared.inference import CANDIDATES, PLAIN, Candidate, candidate
from stepcheck.known_issues import ALL
from stepcheck.known_issues.avoid_trigger import without_changes
from stepcheck.known_issues.known_issue import KnownIssue, allowed, avoid_triggers, known
from stepcheck.processes.judges import Contradiction
from stepcheck_implementations.adapters.adapter import Adapter, Cell, compiles_slowly
from stepcheck_implementations.adapters.libraries import arithmetic_of
from stepcheck_properties import laws, profile
from stepcheck_properties.examination.examine import examine
from stepcheck_properties.examination.verdicts import Examination, LawVerdict
from stepcheck_properties.failure import LawFailure, failures_of
from stepcheck_properties.harness import Harness
from stepcheck_properties.law import Breach, Evidence, Facts, ReferenceRun
from stepcheck_properties.laws.contracts.argument_checks import refuses
from stepcheck_properties.shrink.shrink import shrink
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.judge import judge as oracle_judge
from stepcheck_reference.oracle.judgement import Deviation
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules import find
from stepcheck_reference.scripts.objective import on_quadratic
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trajectory
from stepcheck_reference.verdict import NO_CLAIM, Verdict, overall

NEAR = 2.0**-20
"""How far beyond 1 a ratio is before enclosing it can tell more than the centre's own last bits."""


class CellEvaluator:
    """Judges the cells of one request; keeps which known findings still break."""

    def __init__(
        self, request: Request, adapter: Adapter, torch: str, runner: Runner, *, findings: tuple[KnownIssue, ...] = ALL
    ) -> None:
        self.request, self.adapter, self.torch, self.runner, self.findings = request, adapter, torch, runner, findings

    def judge(self, planned: Planned) -> CellResult:
        """Return the result of one cell."""
        return _CellEvaluation(self, planned).result()


class _CellEvaluation:
    """One cell before the court."""

    def __init__(self, evaluator: CellEvaluator, planned: Planned) -> None:
        self.evaluator, self.planned, self.cell = evaluator, planned, planned.cell
        self.alive: tuple[KnownIssue, ...] = ()
        self.plain = known(evaluator.findings, replace(self.cell, mode="single"), evaluator.torch)
        self.known_facts: Facts | None = None
        self.rule: Rule = find(planned.rule)
        asked = profile.find(evaluator.request.profile)
        asked = replace(asked, in_this_dtype=planned.representative or not asked.one_dtype)
        self.profile = profile.compiled(asked) if compiles_slowly(evaluator.adapter, self.cell.mode) else asked
        # Without the mode: all execution paths of a configuration are put through the same scripts.
        place = f"{evaluator.request.seed}/{replace(self.cell, mode='every mode').id}/{planned.rule}"
        self.seed = int.from_bytes(hashlib.blake2b(place.encode(), digest_size=7).digest(), "big")
        self.companions = {name for name in FORMATS if name in planned.companions or name == self.cell.dtype}

    def run(self, script: Script, reference: ReferenceRun | None = None) -> Trajectory:
        cell = self.cell if reference is None else reference_cell(self.cell, reference)
        return self.evaluator.runner.run(self.evaluator.adapter, cell, script)

    def facts(self) -> Facts:
        if self.known_facts is None:
            facts = facts_of(self.evaluator.adapter, self.planned, self.rule)
            self.known_facts = replace(facts, rejects_negative_lr=refuses(facts, self.run))
        return self.known_facts

    def reference_arithmetic(self, reference: ReferenceRun) -> Mapping[str, Arithmetic]:
        """Return the arithmetic of a law's second run, with what is known of its cell allowed."""
        if not self.evaluator.adapter.declared:
            return self.arithmetics
        cell = reference_cell(self.cell, reference)
        known_there = self.alive if cell == self.cell else known(self.evaluator.findings, cell, self.evaluator.torch)
        return {dtype: allowed(known_there, found) for dtype, found in declared(cell).items()}

    def harness(self, arithmetics: Mapping[str, Arithmetic]) -> Harness:
        self.arithmetics = arithmetics
        return Harness(
            self.run, self.rule, self.allowed(arithmetics), self.cell.dtype, self.facts(), self.reference_arithmetic
        )

    def result(self) -> CellResult:
        declares = self.evaluator.adapter.declared
        arithmetics: Mapping[str, Arithmetic] = declared(self.cell) if declares else PLAIN.arithmetics()
        self.alive, shown, fixed = self.known(arithmetics)
        if declares:
            examination, inferred = self.examined(arithmetics), None
        else:
            examination, arithmetics, inferred = self.inferred()
        return self.told(examination, arithmetics, inferred, shown, fixed)

    def avoid_trigger(self, script: Script) -> Script:
        """Return ``script`` led past what is known of this cell, and of the plain path that laws hold it against."""
        around = (*self.alive, *(entry for entry in self.plain if entry not in self.alive))
        return avoid_triggers(around, without_changes(script, self.evaluator.adapter.constant_hyper))

    def allowed(self, arithmetics: Mapping[str, Arithmetic]) -> dict[str, Arithmetic]:
        """Return the arithmetic of every dtype the scripts may have, with what is known allowed in the cell's own."""
        kept = {name: arithmetics[name] for name in arithmetics if name in self.companions}
        return kept | {self.cell.dtype: allowed(self.alive, arithmetics[self.cell.dtype])}

    def examined(self, arithmetics: Mapping[str, Arithmetic]) -> Examination:
        self.arithmetics = arithmetics
        return examine(
            self.run,
            self.rule,
            self.allowed(arithmetics),
            self.cell.dtype,
            self.profile,
            self.seed,
            dict(self.planned.fixed_hyper),
            reductions=0,
            avoid_trigger=self.avoid_trigger,
            facts=self.facts(),
            reference_arithmetic=self.reference_arithmetic,
        )

    def inferred(self) -> tuple[Examination, Mapping[str, Arithmetic], Candidate]:
        """Return the examination under the first arithmetic that explains what any explains, else under the plain one.

        No arithmetic explains a breach that is no number's, nor one that stays under the widest of them. A candidate is
        examined only where the scripts that broke the earlier ones hold with it.
        """
        plain = PLAIN.arithmetics()
        first = self.examined(plain)
        if first.stopped:
            return first, plain, PLAIN
        kept = {entry.key for entry in first.failures if not self.explains(CANDIDATES[-1], entry)}
        witnesses = [entry for entry in first.failures if entry.key not in kept]
        for entry in CANDIDATES[1:] if witnesses else ():
            if not all(self.explains(entry, witness) for witness in witnesses):
                continue
            again = self.examined(entry.arithmetics())
            more = [failure for failure in again.failures if failure.key not in kept]
            if not more:
                return again, entry.arithmetics(), entry
            witnesses += more
        return first, plain, PLAIN

    def explains(self, entry: Candidate, witness: LawFailure) -> bool:
        """Whether ``witness`` holds with the arithmetic of ``entry``."""
        if witness.breach.deviation is None:
            return False
        return not self.harness(entry.arithmetics()).reproduces(witness)

    def told(
        self,
        examination: Examination,
        arithmetics: Mapping[str, Arithmetic],
        inferred: Candidate | None,
        shown: list[Failure],
        fixed: tuple[str, ...],
    ) -> CellResult:
        failures: list[Failure] = [*shown]
        new: set[str] = set()
        for found in examination.failures:
            if self.explained(found.law.code, found.breach):
                continue
            small = shrink(
                found,
                harness=self.harness(arithmetics),
                budget=self.profile.reductions,
                fixed_hyper=dict(self.planned.fixed_hyper),
                avoid_trigger=self.avoid_trigger,
            )
            self.confirm(examination.observability, small.breach)
            new.add(found.law.code)
            item = Replayable(self.cell, self.planned.rule, small.script, inferred.name if inferred else "")
            made = failure(self.evaluator.adapter, small, item)
            failures.append(self.drawn(made, small.script, None, self.allowed(arithmetics)))
        results = tuple(self.law(entry, failures, new) for entry in examination.verdicts)
        applied = [entry.verdict for entry in results if entry.verdict not in NO_CLAIM]
        verdict = overall(applied)
        held = next(entry for entry in results if entry.code == "SC101")
        reasons = [entry.note for entry in examination.verdicts if entry.verdict == Verdict.VACUOUS]
        if verdict is Verdict.HOLDS and held.verdict is Verdict.VACUOUS:
            verdict = Verdict.VACUOUS
        reason = reasons[0] if verdict is Verdict.VACUOUS and reasons else examination.stopped
        arithmetic = arithmetics[self.cell.dtype]
        return CellResult(
            id=self.cell.id,
            configuration=self.cell.configuration,
            mode=self.cell.mode,
            dtype=self.cell.dtype,
            device=self.cell.device,
            target=self.cell.target,
            rule=self.planned.rule,
            verdict=verdict,
            reason="; ".join(entry for entry in (reason, *examination.unconfirmed) if entry),
            scripts=examination.scripts,
            element_steps=examination.compared + sum(examination.not_compared.values()),
            compared=examination.compared,
            not_compared=dict(sorted(examination.not_compared.items())),
            admissible_nonfinite=examination.nonfinite,
            observability=examination.observability,
            arithmetic=arithmetic.name,
            arithmetic_source=arithmetic.source,
            inferred=inferred.says if inferred else "",
            worst={output: worst(entry) for output, entry in sorted(examination.worst.items(), key=_theta_first)},
            worst_from_zero=None if examination.worst_from_zero is None else worst(examination.worst_from_zero),
            laws=results,
            fixed_upstream=fixed,
            ratios={key: _trimmed(counts) for key, counts in sorted(examination.ratios.items(), key=_theta_first)},
        )

    def confirm(self, observability: str, breach: Breach) -> None:
        """Enclose a witness whose inputs are exact; raises Contradiction where that does not show it broken."""
        deviation = breach.deviation
        if deviation is None or observability != "stepwise" or not enclosable(self.rule, deviation):
            return
        from stepcheck_reference.oracle.enclosure import confirms

        if deviation.ratio > 1.0 + NEAR and not confirms(self.rule, deviation):
            raise Contradiction(f"{self.cell.id}: arb arithmetic does not confirm that {breach.message}")

    def drawn(
        self, made: Failure, script: Script, trajectory: Trajectory | None, arithmetics: Mapping[str, Arithmetic]
    ) -> Failure:
        """Return ``made`` with the course of what it is about, for reports to draw.

        ``trajectory`` is the script's run where there has been one; it is run only where there is something to draw.
        """
        if made.worst is None:
            return made
        done = self.run(script) if trajectory is None else trajectory
        path = course(self.rule, script, done, arithmetics, self.cell.dtype, made.worst)
        return changed(made, path=path)

    def law(self, found: LawVerdict, failures: list[Failure], new: set[str]) -> LawResult:
        mine = tuple(entry for entry in failures if entry.code == found.law.code)
        verdict = Verdict(found.verdict)
        if mine:
            verdict = Verdict.BROKEN if found.law.code in new else Verdict.EXPECTED_BROKEN
        elif verdict is Verdict.BROKEN:
            verdict = Verdict.EXPECTED_BROKEN
        return LawResult(code=found.law.code, verdict=verdict, compared=found.compared, failures=mine)

    # Known findings.

    def known(
        self, arithmetics: Mapping[str, Arithmetic]
    ) -> tuple[tuple[KnownIssue, ...], list[Failure], tuple[str, ...]]:
        """Return what still breaks in this cell, the failures its witnesses show, and the names of what is fixed."""
        alive: list[KnownIssue] = []
        shown: list[Failure] = []
        fixed: list[str] = []
        for finding in known(self.evaluator.findings, self.cell, self.evaluator.torch):
            found = list(self.witnessed(finding, arithmetics))
            shown += found
            if found:
                alive.append(finding)
            else:
                fixed.append(finding.name)
        return tuple(alive), shown, tuple(fixed)

    def witnessed(self, finding: KnownIssue, arithmetics: Mapping[str, Arithmetic]) -> Iterator[Failure]:
        names = [symbol.name for symbol in self.rule.hyper]
        script = finding.script(self.cell.dtype, names, dict(self.planned.fixed_hyper))
        law = laws.find(finding.code)
        evidence = replace(self.harness(arithmetics), arithmetics=arithmetics).evidence(law, script)
        if evidence is None:
            return
        for entry in failures_of(law, evidence, law.check(evidence)):
            if finding.shows(finding.code, entry.output):
                made = failure(self.evaluator.adapter, entry, Replayable(self.cell, self.planned.rule, script))
                yield _named(self.drawn(made, script, evidence.trajectory, arithmetics), finding)

    def explained(self, code: str, breach: Breach) -> bool:
        return any(not finding.bypassed and finding.shows(code, breach.output) for finding in self.alive)


def enclosable(rule: Rule, deviation: Deviation) -> bool:
    """Whether ``deviation`` holds everything that the new value of its output depends on."""
    equation = next((value for symbol, value in rule.step.items() if symbol.name == deviation.output), None)
    if equation is None:
        return False
    needed = {symbol.name for symbol in on_quadratic(equation).free_symbols - rule.constants.keys()}
    return needed <= deviation.inputs.keys()


def facts_of(adapter: Adapter, planned: Planned, rule: Rule) -> Facts:
    """Return what is known of a planned cell's subject before it runs."""
    cell = planned.cell
    return Facts(
        rule,
        dtype=cell.dtype,
        mode=cell.mode,
        device=cell.device,
        modes=planned.modes,
        accepted_hyper=frozenset(adapter.hyper),
        fixed_hyper=dict(planned.fixed_hyper),
        arguments=planned.arguments,
        interface="wrapped" if adapter.wrapper else "torch" if adapter.takes == "groups" else "object",
        constant_hyper=adapter.constant_hyper,
        companions=planned.companions,
    )


def evidence_of(
    rule: Rule, script: Script, trajectory: Trajectory, arithmetics: Mapping[str, Arithmetic], dtype: str
) -> Evidence:
    """Return one run with what the oracle says of its tensors of ``dtype``."""
    return Evidence(rule, script, trajectory, lambda: oracle_judge(rule, script, trajectory, arithmetics, only=dtype))


def declared(cell: Cell) -> dict[str, Arithmetic]:
    """Return the arithmetic that ``cell``'s library declares in its mode and device, by dtype."""
    return {dtype: arithmetic_of(cell, dtype) for dtype in FORMATS}


def arithmetics_of(adapter: Adapter, cell: Cell, inferred: str) -> Mapping[str, Arithmetic]:
    """Return the arithmetic of every dtype: what is declared, or the candidate called ``inferred``."""
    return declared(cell) if adapter.declared else candidate(inferred or PLAIN.name).arithmetics()


def _named(made: Failure, finding: KnownIssue) -> Failure:
    return changed(made, known_issue=finding.name, explanation=finding.reason)


def _trimmed(counts: tuple[int, ...]) -> tuple[int, ...]:
    """Return ``counts`` without the zeros at the end."""
    end = len(counts)
    while end and not counts[end - 1]:
        end -= 1
    return counts[:end]


def _theta_first(item: tuple[str, object]) -> tuple[bool, str]:
    return (item[0] != "theta", item[0])
