"""examine: put one cell of a subject through its scripts and say which laws hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase
from numpy.typing import NDArray

from stepcheck_properties import laws
from stepcheck_properties.harness import Harness, ReferenceArithmetic
from stepcheck_properties.law import Breach, Evidence, Facts, Law, ReferenceRun, RunScript
from stepcheck_properties.profile import QUICK, Profile
from stepcheck_properties.scripts.edge_cases import edge_cases
from stepcheck_properties.shrink.shrink import AvoidTrigger, reduce
from stepcheck_properties.strategies.scripts import scripts
from stepcheck_reference.oracle import judge
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.judgement import Deviation, Judgement
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.script_json import to_json
from stepcheck_reference.scripts.trajectory import Trajectory

HOLDS, BROKEN, VACUOUS = "holds", "broken", "vacuous"
NOT_APPLICABLE, NOT_RUN = "not_applicable", "not_run"

LEAST_COMPARED = 0.5
"""The share of element-steps that must be compared: below it, "holds" would speak for the smaller part."""

CLIMBS = 10
"""Examples below which Hypothesis only generates; it climbs toward a target with what comes after these."""

CEILING = 1e6
"""Ratios beyond this count as this when Hypothesis climbs toward the largest; it needs finite numbers."""

Progress = Callable[[int, int, int], None]
"""Told (scripts done, scripts to do, element-steps compared so far) after every script."""


@dataclass(frozen=True, slots=True)
class LawVerdict:
    """The verdict on one law in one cell: ``compared`` in the law's unit, ``note`` says why where it is not "holds"."""

    law: Law
    verdict: str
    compared: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class LawFailure:
    """One way in which the cell breaks a law: the law, the output, and the script that shows it.

    ``origin`` is the corner's name or "drawn"; ``runs`` counts the runs that reduced the script, 0 where
    it is as it was found.
    """

    law: Law
    output: str
    breach: Breach
    script: Script
    origin: str
    runs: int = 0


@dataclass(frozen=True, slots=True)
class Examination:
    """Everything found in one cell.

    ``compared`` and ``not_compared`` count element-steps; ``worst`` maps each output to its largest
    deviation, ``worst_from_zero`` is that of parameters updated from 0; ``nonfinite`` counts admissible
    non-finite results, and ``ratios`` each output's reals by ratio, in the bins of ``spread``. ``stopped``
    says why scripts are missing, "" where none are; ``unconfirmed`` tells of crashes and hangs that did not
    happen again. ``facts`` are what was known of the subject in the end.
    """

    verdicts: tuple[LawVerdict, ...]
    failures: tuple[LawFailure, ...]
    compared: int
    not_compared: Mapping[str, int]
    worst: Mapping[str, Deviation]
    worst_from_zero: Deviation | None
    observability: str
    nonfinite: int
    scripts: int
    stopped: str = ""
    unconfirmed: tuple[str, ...] = ()
    ratios: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    facts: Facts | None = None

    @property
    def broken(self) -> bool:
        """Whether a law is broken."""
        return any(law_verdict.verdict == BROKEN for law_verdict in self.verdicts)


@dataclass(slots=True)
class _Tally:
    """What was found so far."""

    compared: int = 0
    not_compared: dict[str, int] = field(default_factory=dict)
    worst: dict[str, Deviation] = field(default_factory=dict)
    worst_from_zero: Deviation | None = None
    observability: set[str] = field(default_factory=set)
    nonfinite: int = 0
    scripts: int = 0
    checked: dict[str, int] = field(default_factory=dict)
    failures: dict[tuple[str, str], LawFailure] = field(default_factory=dict)
    observed: set[str] = field(default_factory=set)
    counted: bool = False
    stopped: str = ""
    unconfirmed: list[str] = field(default_factory=list)
    ratios: dict[str, NDArray[np.int64]] = field(default_factory=dict)


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
) -> Examination:
    """Return what the subject ``run`` does to the laws in one cell: corners first, then drawn scripts, then laws' own.

    ``arithmetics`` maps each dtype the subject may be given to its declared arithmetic; ``dtype`` must be
    among them, the others may stand beside it. ``seed`` should be derived from the cell; the same
    arguments and subject give the same examination. ``fixed_hyper`` fixes hyper-parameters. ``reductions`` bounds
    the runs spent on each failure (default: the profile's; 0 leaves scripts as they were found). ``avoid_trigger``
    returns a script changed so as to pass by what is known already; it must leave such scripts alone. ``facts`` are
    what is known of the subject before it runs (default: nothing but its rule and dtype), ``reference_arithmetic``
    gives the arithmetic of a law's second run.

    Tensors of other dtypes are company: they are judged in cells of their own. A subject's exceptions,
    crashes and hangs are failures in the result. What ``run`` itself raises comes through. Raises KeyError
    where ``dtype`` has no arithmetic.
    """
    arithmetics[dtype]
    known = replace(facts or Facts(rule), rule=rule, dtype=dtype)
    harness = Harness(run, rule, arithmetics, dtype, known, reference_arithmetic)
    cell = _Examining(harness, profile, seed, dict(fixed_hyper or {}), on_progress, avoid_trigger)
    cell.tried()
    cell.own()
    return cell.result(profile.reductions if reductions is None else reductions)


class _Examining:
    """One cell under examination."""

    def __init__(
        self,
        harness: Harness,
        profile: Profile,
        seed: int,
        fixed_hyper: dict[str, float],
        on_progress: Progress | None,
        avoid_trigger: AvoidTrigger | None,
    ) -> None:
        self.harness, self.avoid_trigger = harness, avoid_trigger
        self.rule, self.arithmetics, self.dtype = harness.rule, harness.arithmetics, harness.dtype
        self.profile, self.seed, self.fixed_hyper, self.on_progress = profile, seed, fixed_hyper, on_progress
        self.tally = _Tally()
        self.runs: dict[str, Trajectory] = {}
        self.total = profile.examples

    def tried(self) -> None:
        """Try every corner of the cell, and scripts that Hypothesis draws: judged together where they are few."""
        chosen = edge_cases(
            rule=self.rule,
            dtype=self.dtype,
            profile=self.profile,
            seed=self.seed,
            fixed_hyper=self.fixed_hyper,
            companions=tuple(self.arithmetics),
        )
        self.total += len(chosen)
        what = _Drawing(
            self.rule,
            self.dtype,
            tuple(self.arithmetics),
            tuple(self.fixed_hyper.items()),
            self.profile.max_steps,
            self.profile.examples,
            self.seed,
        )
        few = _drawn(what) if 0 < self.profile.examples < CLIMBS else ()
        self.together(
            [*((edge_case.script, edge_case.name) for edge_case in chosen), *((script, "drawn") for script in few)]
        )
        if self.profile.examples >= CLIMBS and not self.tally.stopped:
            self.climb(what)

    def climb(self, what: _Drawing) -> None:
        """Try scripts that Hypothesis draws, climbing toward the largest ratio."""
        raised: list[Exception] = []

        def body(script: Script) -> None:
            if self.tally.stopped or raised:
                return
            try:
                ratio = self.together([(script, "drawn")])
            except Exception as error:
                raised.append(error)
                return
            hypothesis.target(min(ratio, CEILING), label="error over radius")

        what.draw(body)
        if raised:
            raise raised[0]

    def together(self, scripts: Sequence[tuple[Script, str]]) -> float:
        """Run scripts, each with where it was found, and judge them together; return their largest ratio."""
        runs: list[tuple[Script, Trajectory, str]] = []
        for script, origin in scripts:
            if self.tally.stopped:
                break
            changed = script if self.avoid_trigger is None else self.avoid_trigger(script)
            runs.append((changed, self.observed(changed, origin), origin))
        pairs = [(script, trajectory) for script, trajectory, _ in runs]
        judgements = judge.judge_all(self.rule, pairs, self.arithmetics, only=self.dtype)
        for (script, trajectory, origin), judgement in zip(runs, judgements, strict=True):
            self.told(script, trajectory, judgement, origin)
        ratios = (deviation.ratio for judgement in judgements for deviation in judgement.worst.values())
        return max(ratios, default=0.0)

    def observed(self, script: Script, origin: str) -> Trajectory:
        """Run one script, once more where it crashes or hangs; if it does again, no further one is run."""
        trajectory = self.harness.run(script)
        fault = trajectory.fault
        if fault is None or fault.kind not in ("crashed", "hung"):
            return trajectory
        again = self.harness.run(script)
        if again.fault is None or again.fault.kind != fault.kind:
            self.tally.unconfirmed.append(f"{origin}: {fault.kind} at step {fault.step}, not when repeated")
        else:
            self.tally.stopped = f"{origin}: {again.fault.kind} at step {again.fault.step}"
        return again

    def told(self, script: Script, trajectory: Trajectory, judgement: Judgement, origin: str) -> None:
        """Add what one script showed to the tally."""
        tally = self.tally
        tally.scripts += 1
        tally.compared += judgement.compared
        tally.nonfinite += judgement.nonfinite
        tally.observability.add(judgement.observability)
        for reason, count in judgement.not_compared.items():
            tally.not_compared[reason] = tally.not_compared.get(reason, 0) + count
        for output, deviation in judgement.worst.items():
            if output not in tally.worst or deviation.ratio > tally.worst[output].ratio:
                tally.worst[output] = deviation
        for output, counts in judgement.ratios.items():
            tally.ratios[output] = tally.ratios[output] + counts if output in tally.ratios else counts
        zero = judgement.worst_from_zero
        if zero is not None and (tally.worst_from_zero is None or zero.ratio > tally.worst_from_zero.ratio):
            tally.worst_from_zero = zero
        tally.observed.update(trajectory.observed)
        tally.counted = tally.counted or any(bool((trace.count >= 0).any()) for trace in trajectory.traces)
        evidence = Evidence(self.rule, script, trajectory, lambda: judgement)
        for law in laws.ALL:
            if not law.has_own_scripts:
                self.checked(law, evidence, origin)
        self.progressed()

    def progressed(self) -> None:
        """Tell that one more script is done."""
        if self.on_progress is not None:
            self.on_progress(self.tally.scripts, max(self.total, self.tally.scripts), self.tally.compared)

    def own(self) -> None:
        """Put the subject through the scripts that laws have for themselves."""
        facts = self.facts()
        for law in laws.ALL:
            if self.tally.stopped or not law.has_own_scripts or self.left_out(law) or not law.applies(facts):
                continue
            for script in () if law.scripts is None else law.scripts(facts, self.profile, self.seed):
                changed = script if self.avoid_trigger is None else self.avoid_trigger(script)
                trajectory = self.once(changed, law.code)
                harness = replace(self.harness, facts=facts, run=self.reference_arithmetic(changed))
                evidence = harness.evidence(law, changed, trajectory)
                if evidence is not None:
                    self.tally.scripts += 1
                    self.checked(law, evidence, law.code)
                    self.progressed()
                if self.tally.stopped:
                    break

    def left_out(self, law: Law) -> bool:
        """Whether the profile leaves ``law`` to other cells."""
        return not self.profile.in_this_dtype and law.format_independent

    def once(self, script: Script, origin: str) -> Trajectory:
        """Run a law's script; laws that start from the same one share its run."""
        key = self.key(script)
        if key not in self.runs:
            self.runs[key] = self.observed(script, origin)
        return self.runs[key]

    def reference_arithmetic(self, first: Script) -> RunScript:
        """Return what runs a law's second script, the first being ``first``; laws share these runs too.

        A second run of the same is a run of its own.
        """
        known = self.key(first)

        def run(script: Script, reference: ReferenceRun | None = None) -> Trajectory:
            key = self.key(script, reference)
            if key == known:
                return self.harness.run(script, reference)
            if key not in self.runs:
                self.runs[key] = self.harness.run(script, reference)
            return self.runs[key]

        return run

    def key(self, script: Script, reference: ReferenceRun | None = None) -> str:
        """Return what tells a run from others of the cell."""
        reference = reference or ReferenceRun(script)
        mode, dtype = reference.mode or self.harness.facts.mode, reference.dtype or self.dtype
        return "/".join((mode, dtype, repr(sorted(reference.options.items())), to_json(script)))

    def checked(self, law: Law, evidence: Evidence, origin: str) -> None:
        """Add what ``evidence`` shows for ``law`` to the tally."""
        checked = law.check(evidence)
        self.tally.checked[law.code] = self.tally.checked.get(law.code, 0) + checked.compared
        for breach in checked.breaches:
            self.fail(LawFailure(law, breach.output, breach, evidence.script, origin))

    def facts(self) -> Facts:
        """Return what is known of the subject by now."""
        return replace(
            self.harness.facts, observed_states=frozenset(self.tally.observed), shows_step_count=self.tally.counted
        )

    def fail(self, failure: LawFailure) -> None:
        """Keep ``failure`` if it is the first of its law and output, or easier to reduce than the one kept."""
        key = (failure.law.code, failure.output)
        kept = self.tally.failures.get(key)
        if kept is None or _reducibility(failure) < _reducibility(kept):
            self.tally.failures[key] = failure

    def result(self, reductions: int) -> Examination:
        """Return the findings, each failure reduced in at most ``reductions`` runs."""
        tally = self.tally
        facts = self.facts()
        harness = replace(self.harness, facts=facts)
        order = [law.code for law in laws.ALL]
        kept = sorted(tally.failures.values(), key=lambda failure: (order.index(failure.law.code), failure.output))
        failures = tuple(
            reduced(
                failure,
                harness=harness,
                budget=reductions,
                fixed_hyper=self.fixed_hyper,
                avoid_trigger=self.avoid_trigger,
            )
            for failure in kept
        )
        return Examination(
            verdicts=tuple(self.law_verdict(law, facts) for law in laws.ALL),
            failures=failures,
            compared=tally.compared,
            not_compared=tally.not_compared,
            worst=tally.worst,
            worst_from_zero=tally.worst_from_zero,
            observability=next(
                (kind for kind in ("trajectory", "theta_only", "stepwise") if kind in tally.observability), "trajectory"
            ),
            nonfinite=tally.nonfinite,
            scripts=tally.scripts,
            stopped=tally.stopped,
            unconfirmed=tuple(tally.unconfirmed),
            ratios={output: tuple(counts.tolist()) for output, counts in tally.ratios.items()},
            facts=facts,
        )

    def law_verdict(self, law: Law, facts: Facts) -> LawVerdict:
        """Return the verdict on ``law``."""
        compared = self.tally.checked.get(law.code, 0)
        broken = [failure.output for (code, _), failure in self.tally.failures.items() if code == law.code]
        if broken:
            return LawVerdict(law, BROKEN, compared, f"broken in {', '.join(sorted(broken))}")
        if not law.applies(facts):
            return LawVerdict(law, NOT_APPLICABLE, 0, f"applies where {law.condition}")
        if self.left_out(law):
            return LawVerdict(law, NOT_RUN, 0, f"profile {self.profile.name} asks it in another dtype")
        if compared == 0:
            return LawVerdict(law, VACUOUS, 0, "nothing was compared")
        if law.unit == "element-steps":
            share = self.tally.compared / (self.tally.compared + sum(self.tally.not_compared.values()))
            if share < LEAST_COMPARED:
                return LawVerdict(
                    law, VACUOUS, compared, f"compared={share:.1%} of element-steps, but should be {LEAST_COMPARED:.0%}"
                )
        return LawVerdict(law, HOLDS, compared)


def precompute(rule: Rule) -> None:
    """Work out what the laws ask of ``rule``, once for all cells: its program, and facts that take SymPy a while."""
    judge.program_of(rule)
    facts = Facts(
        rule,
        observed_states=frozenset(symbol.name for symbol in (*rule.init, *rule.scalars)),
        shows_step_count=True,
        mode="foreach",
        modes=("single", "foreach"),
        accepted_hyper=frozenset(symbol.name for symbol in rule.hyper),
    )
    for law in laws.ALL:
        if law.applies(facts) and law.scripts is not None:
            for script in law.scripts(facts, QUICK, 0):
                if law.reference is not None:
                    law.reference(script, facts)


def reduced(
    failure: LawFailure,
    *,
    harness: Harness,
    budget: int,
    fixed_hyper: Mapping[str, float] | None = None,
    avoid_trigger: AvoidTrigger | None = None,
) -> LawFailure:
    """Return ``failure`` with the smallest script found in at most ``budget`` runs."""
    if budget <= 0:
        return failure
    found = reduce(
        harness=harness,
        script=failure.script,
        law=failure.law,
        breach=failure.breach,
        budget=budget,
        fixed_hyper=fixed_hyper,
        avoid_trigger=avoid_trigger,
    )
    return LawFailure(failure.law, failure.output, found.breach, found.script, failure.origin, found.runs)


def reproduces(failure: LawFailure, *, harness: Harness) -> Breach | None:
    """Return how ``failure``'s script breaks its law when it is run again, or ``None`` where it does not."""
    return harness.breach(failure.law, failure.output, failure.script)


def _reducibility(failure: LawFailure) -> tuple[bool, int]:
    """Order failures by how well they reduce: those far beyond their radius first, then the shortest."""
    size = sum(tensor.size for tensor in failure.script.tensors)
    return (not failure.breach.ratio > 2.0, size * len(failure.script.steps))


@dataclass(frozen=True, slots=True)
class _Drawing:
    """What scripts that Hypothesis draws depend on, where nothing climbs."""

    rule: Rule
    dtype: str
    companions: tuple[str, ...]
    fixed_hyper: tuple[tuple[str, float], ...]
    max_steps: int
    examples: int
    seed: int

    def draw(self, body: Callable[[Script], None]) -> None:
        """Call ``body`` with each script that Hypothesis draws."""
        strategy = scripts(
            rule=self.rule,
            dtype=self.dtype,
            companions=self.companions,
            max_steps=self.max_steps,
            fixed_hyper=dict(self.fixed_hyper),
        )
        settings = hypothesis.settings(
            max_examples=self.examples,
            database=None,
            deadline=None,
            derandomize=False,
            backend="hypothesis",
            phases=(Phase.generate, Phase.target),
            suppress_health_check=list(HealthCheck),
            verbosity=hypothesis.Verbosity.quiet,
            print_blob=False,
        )
        with _nothing_written():
            hypothesis.seed(self.seed)(settings(hypothesis.given(strategy)(body)))()


@lru_cache(maxsize=8)
def _drawn(what: _Drawing) -> tuple[Script, ...]:
    """Return the scripts of ``what``, which cells that differ in mode alone share."""
    found: list[Script] = []

    def keep(script: Script) -> None:
        found.append(script)

    what.draw(keep)
    return tuple(found)


@contextmanager
def _nothing_written() -> Iterator[None]:
    """Keep Hypothesis from collecting constants out of imported modules, which it stores in the working directory.

    The strategies' draws do not depend on them (see ``strategies``). Where a Hypothesis version has no such
    collection, there is nothing to keep it from.
    """
    from hypothesis.internal.conjecture import providers

    collect = getattr(providers, "_get_local_constants", None)
    known = getattr(providers, "_local_constants", None)
    if collect is None or known is None:
        yield
        return
    providers._get_local_constants = lambda: known
    try:
        yield
    finally:
        providers._get_local_constants = collect
