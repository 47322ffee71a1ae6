"""``examine``: put one cell of a subject through its scripts and return a verdict on every law."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace

from stepcheck_properties import laws
from stepcheck_properties.examination.drawing import CLIMBS, Drawing, drawn
from stepcheck_properties.examination.runs import CellRuns
from stepcheck_properties.examination.tally import Tally
from stepcheck_properties.examination.verdicts import Examination
from stepcheck_properties.harness import Harness, ReferenceArithmetic
from stepcheck_properties.law import Evidence, Facts, Law, RunScript
from stepcheck_properties.laws.oracle.envelopes import ENVELOPES
from stepcheck_properties.profile import QUICK, Profile
from stepcheck_properties.scripts.edge_cases import edge_cases
from stepcheck_properties.shrink.search import AvoidTrigger
from stepcheck_properties.shrink.shrink import shrink
from stepcheck_reference.oracle import judge
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.envelope.compiler import program_of
from stepcheck_reference.oracle.judgement import Judgement
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import OFFERS, Trajectory

Progress = Callable[[int, int, int], None]
"""Called with (scripts done, scripts to do, element-steps compared so far) after every script."""


def examine(
    run: RunScript,
    rule: Rule,
    arithmetics: Mapping[str, Arithmetic],
    dtype: str,
    profile: Profile,
    seed: int,
    fixed_hyper: Mapping[str, float] | None = None,
    on_progress: Progress | None = None,
    *,
    reductions: int | None = None,
    avoid_trigger: AvoidTrigger | None = None,
    facts: Facts | None = None,
    reference_arithmetic: ReferenceArithmetic | None = None,
    ignored: Set[str] = frozenset(),
) -> Examination:
    """Return the verdicts on the subject ``run`` in one cell: edge cases, then drawn scripts, then laws' own scripts.

    ``arithmetics`` maps each dtype that tensors may have to the subject's declared arithmetic; ``dtype`` must be among
    them, tensors of the others are companions, which are judged in cells of their own. ``seed`` should be derived from
    the cell: the same arguments and subject give the same examination. ``fixed_hyper`` fixes hyper-parameters.
    ``reductions`` bounds the runs spent on shrinking each failure (default: the profile's; 0 shrinks nothing).
    ``avoid_trigger`` changes a script so that it does not show a known issue, and returns others unchanged. ``facts``
    are those of the subject before it runs (default: its rule and dtype alone), ``reference_arithmetic`` gives the
    arithmetic of a law's reference run. Laws whose codes are ``ignored`` are not checked.

    A subject's exceptions, crashes and hangs are failures in the result; an exception of ``run`` itself propagates.
    Raises KeyError where ``dtype`` has no arithmetic.
    """
    arithmetics[dtype]
    facts = replace(facts or Facts(rule), rule=rule, dtype=dtype)
    harness = Harness(run, rule, arithmetics, dtype, facts, reference_arithmetic)
    examiner = _Examiner(harness, profile, seed, dict(fixed_hyper or {}), on_progress, avoid_trigger, ignored)
    examiner.run_shared_scripts()
    examiner.run_laws_scripts()
    examiner.judge_laws_scripts()
    return examiner.result(profile.reductions if reductions is None else reductions)


def precompute(rule: Rule) -> None:
    """Compile ``rule`` and prove the facts that laws need, once for all cells: SymPy takes seconds for some of them."""
    program_of(rule)
    facts = Facts(
        rule,
        observed_states=frozenset(symbol.name for symbol in (*rule.init, *rule.scalars)),
        shows_step_count=True,
        mode="foreach",
        modes=("single", "foreach"),
        accepted_hyper=frozenset(symbol.name for symbol in rule.hyper),
        offers=frozenset(OFFERS),
    )
    for law in laws.ALL:
        if law.applies(facts) and law.scripts is not None:
            for script in law.scripts(facts, QUICK, 0):
                if law.reference is not None:
                    law.reference(script, facts)


class _Examiner:
    """Runs the scripts of one cell and adds what they show to a tally."""

    def __init__(
        self,
        harness: Harness,
        profile: Profile,
        seed: int,
        fixed_hyper: dict[str, float],
        on_progress: Progress | None,
        avoid_trigger: AvoidTrigger | None,
        ignored: Set[str],
    ) -> None:
        self.harness, self.profile, self.seed, self.fixed_hyper = harness, profile, seed, fixed_hyper
        self.on_progress, self.avoid_trigger = on_progress, avoid_trigger or _as_it_is
        self.ignored = ignored
        self.tally = Tally()
        self.total = profile.examples
        self.runs = CellRuns(harness, self.tally)

    def run_shared_scripts(self) -> None:
        """Run every edge case of the cell and the drawn scripts, on which all laws without scripts are checked."""
        harness, profile = self.harness, self.profile
        companions = tuple(harness.arithmetics)
        chosen = edge_cases(
            rule=harness.rule,
            dtype=harness.dtype,
            profile=profile,
            seed=self.seed,
            fixed_hyper=self.fixed_hyper,
            companions=companions,
        )
        self.total += len(chosen)
        fixed_hyper = tuple(self.fixed_hyper.items())
        drawing = Drawing(
            harness.rule, harness.dtype, companions, fixed_hyper, profile.max_steps, profile.examples, self.seed
        )
        few = drawn(drawing) if 0 < profile.examples < CLIMBS else ()
        # The oracle evaluates many scripts together in little more time than one.
        self.run_and_judge([*((case.script, case.name) for case in chosen), *((script, "drawn") for script in few)])
        if profile.examples >= CLIMBS and not self.tally.stopped:
            drawing.climb(lambda script: None if self.tally.stopped else self.run_and_judge([(script, "drawn")]))

    def run_and_judge(self, scripts: Sequence[tuple[Script, str]]) -> float:
        """Run scripts, each with its origin, judge them together and return their largest ratio."""
        runs: list[tuple[Script, Trajectory, str]] = []
        for script, origin in scripts:
            if self.tally.stopped:
                break
            avoiding = self.avoid_trigger(script)
            runs.append((avoiding, self.runs.run(avoiding, origin), origin))
            self.report_progress(waiting=len(runs))
        harness = self.harness
        pairs = [(script, trajectory) for script, trajectory, _ in runs]
        judgements = judge.judge_all(harness.rule, pairs, harness.arithmetics, only=harness.dtype)
        for (script, trajectory, origin), judgement in zip(runs, judgements, strict=True):
            self.check_shared_script(script, trajectory, judgement, origin)
        ratios = (deviation.ratio for judgement in judgements for deviation in judgement.worst.values())
        return max(ratios, default=0.0)

    def check_shared_script(self, script: Script, trajectory: Trajectory, judgement: Judgement, origin: str) -> None:
        """Add a run to the tally and check it against every law without scripts of its own."""
        self.tally.add(trajectory, judgement)
        evidence = self._judged(script, trajectory, judgement)
        for law in laws.ALL:
            if not law.has_own_scripts and law.code not in self.ignored:
                self.tally.check(law, evidence, origin)

    def run_laws_scripts(self) -> None:
        """Run the scripts that laws have for themselves, with their reference runs."""
        facts = self.facts()
        for law in laws.ALL:
            if self.tally.stopped or not law.has_own_scripts or self.left_out(law) or not law.applies(facts):
                continue
            for original in () if law.scripts is None else law.scripts(facts, self.profile, self.seed):
                script = self.avoid_trigger(original)
                trajectory = self.runs.shared_run(script, law.code)
                if self.tally.stopped:  # it crashed or hung, and did so again
                    finishes = laws.find("SC201")
                    evidence = self.harness.evidence(finishes, script, trajectory)
                    if evidence is not None:
                        self.tally.check(finishes, evidence, law.code)
                harness = replace(self.harness, facts=facts, run=self.runs.reference_runner(script, law.code))
                evidence = harness.evidence(law, script, trajectory)
                if evidence is not None:
                    self.tally.scripts += 1
                    self.tally.check(law, evidence, law.code)
                    self.report_progress()
                if self.tally.stopped:
                    break

    def judge_laws_scripts(self) -> None:
        """Judge the runs that laws brought, references too: a fault that script and reference share is in both.

        Where the subject is called in another way than usual it may refuse, which its law decides. So these runs are
        checked against the rule, and not against what is said of every script.
        """
        harness, runs = (
            self.harness,
            [run for run in self.runs.of_laws.values() if self.avoid_trigger(run.script) == run.script],
        )
        pairs = [(run.script, run.trajectory) for run in runs]
        judgements = judge.judge_all(harness.rule, pairs, harness.arithmetics, only=harness.dtype)
        for run, judgement in zip(runs, judgements, strict=True):
            self.tally.add_judgement(judgement)
            evidence = self._judged(run.script, run.trajectory, judgement)
            for law in ENVELOPES:
                if law.code not in self.ignored:
                    self.tally.check(law, evidence, run.origin)
        self.report_progress()

    def _judged(self, script: Script, trajectory: Trajectory, judgement: Judgement) -> Evidence:
        return Evidence(self.harness.rule, script, trajectory, lambda: judgement)

    def left_out(self, law: Law) -> str:
        """Return why ``law`` is not checked in this cell, "" where it is."""
        if law.code in self.ignored:
            return "ignored"
        left = not self.profile.in_this_dtype and law.format_independent
        return f"profile {self.profile.name} checks it in another dtype" if left else ""

    def facts(self) -> Facts:
        """Return the subject's facts with what it has shown by now."""
        return replace(
            self.harness.facts,
            observed_states=frozenset(self.tally.observed_states),
            shows_step_count=self.tally.shows_step_count,
            offers=frozenset(self.tally.offers),
        )

    def report_progress(self, *, waiting: int = 0) -> None:
        """Report the scripts that are done; ``waiting`` have run and are not judged yet."""
        if self.on_progress is not None:
            done = self.tally.scripts + waiting
            self.on_progress(done, max(self.total, done), self.tally.compared)

    def result(self, reductions: int) -> Examination:
        """Return the examination, each failure shrunk in at most ``reductions`` runs."""
        tally, facts = self.tally, self.facts()
        order = {law.code: index for index, law in enumerate(laws.ALL)}
        failures = tuple(
            shrink(
                failure,
                harness=replace(self.harness, facts=facts),
                budget=reductions,
                fixed_hyper=self.fixed_hyper,
                avoid_trigger=self.avoid_trigger,
            )
            for failure in sorted(tally.failures.values(), key=lambda one: (order[one.law.code], one.output))
        )
        return Examination(
            verdicts=tuple(tally.verdict(law, facts, not_run=self.left_out(law)) for law in laws.ALL),
            failures=failures,
            compared=tally.compared,
            not_compared=tally.not_compared,
            worst=tally.worst,
            worst_from_zero=tally.worst_from_zero,
            observability=tally.observability,
            nonfinite=tally.nonfinite,
            scripts=tally.scripts,
            stopped=tally.stopped,
            unconfirmed=tuple(tally.unconfirmed),
            ratios=tally.histograms,
            hazards=dict(tally.hazards),
            facts=facts,
        )


def _as_it_is(script: Script) -> Script:
    return script
