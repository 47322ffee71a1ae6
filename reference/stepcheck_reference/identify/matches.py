"""Matches: the variants and rules that take the steps of a reading, or of code that was observed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sympy import Symbol

from stepcheck_reference import rules
from stepcheck_reference.alphabet import theta
from stepcheck_reference.identify import registry
from stepcheck_reference.identify.assignment import Assignment, assignments
from stepcheck_reference.identify.evaluation.agreement import Trial, trajectory, trials
from stepcheck_reference.identify.evaluation.compiled_step import compiled
from stepcheck_reference.identify.evaluation.operations import CONTEXT, NUMBERS
from stepcheck_reference.identify.evaluation.reading_runs import Draw
from stepcheck_reference.identify.filtering import Core, float_values, groups, survivors
from stepcheck_reference.identify.lifting import Lifted
from stepcheck_reference.identify.variants.combinations import DECAYS, motions
from stepcheck_reference.identify.variants.equations import Equations, of_rule, of_variant, own_slots
from stepcheck_reference.identify.variants.naming import Name, names
from stepcheck_reference.identify.variants.variant import SLOTS, Variant, take


class Steps(Protocol):
    """The steps that a rule has to take to be a match: those of a reading, or of code that was observed."""

    def core(self, values: Mapping[Symbol, float], rate: Symbol | None) -> Core:
        """Return the changes of theta that a first filter looks at."""

    def for_assignment(self, given: Assignment, drawn: Draw = trials) -> tuple[tuple[Trial, ...], list[Any]]:
        """Return trials, and the traces in them."""

    def agrees(self, value: Any, seen: Mapping[Symbol, Any]) -> bool:
        """Return whether a rule's theta is that of an entry of a trace."""


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """A rule or variant that takes the same steps at 200 bits: its name, equations and hyper-parameters."""

    name: Name
    equations: Equations
    given: Assignment
    variant: Variant | None = None


def matches(reading: Lifted, runs: Steps) -> Iterator[Match]:
    """Yield every variant and rule that takes the steps of ``runs``, under each assignment."""
    seen: set[tuple[str, tuple[tuple[str, Symbol], ...]]] = set()
    for match in (*_variants(reading, runs), *_rules(reading, runs)):
        key = (match.name.text, tuple(sorted(match.given.items(), key=str)))
        if key not in seen:
            seen.add(key)
            yield match


def _variants(reading: Lifted, runs: Steps) -> Iterator[Match]:
    for (rate, shrinkage, fall), chosen in groups(reading, assignments(reading, SLOTS)).items():
        values = _values(reading, chosen, (shrinkage, fall))
        start = runs.core(values, rate)
        tried = set()
        for variant, given in survivors(start, chosen):
            for moved in _moved(variant, given):
                if moved not in tried and _agrees(moved, given, runs):
                    tried.add(moved)
                    match = _registered(moved, given, runs)
                    if match is not None:
                        yield match


def _values(reading: Lifted, chosen: Sequence[Assignment], zero: Sequence[Symbol | None]) -> dict[Symbol, float]:
    """Return numbers for the reading's hyper-parameters: 0 for what decays, and its own for a number left alone."""
    values = float_values(reading.hyper, dict(reading.constants))
    used = {symbol for given in chosen for symbol in given.values()}
    values |= {symbol: value for symbol, value in reading.constants.items() if symbol not in used}
    return values | {symbol: 0.0 for symbol in zero if symbol is not None}


def _moved(variant: Variant, given: Assignment) -> Iterator[Variant]:
    """Yield ``variant`` with every decay, sign and fall of the rate that the assignment allows."""
    decays: tuple[str, ...] = ("none",)
    if "weight_decay" in given:
        decays = tuple(decay for decay in DECAYS if decay != "none")
        if "initial_lr" not in given:
            decays = tuple(decay for decay in decays if decay != "initial_rate")
    rates = ("falls",) if "lr_decay" in given and variant.rate == "constant" else (variant.rate,)
    for decay, sign, rate in motions(decays, rates):
        yield Variant(variant.numerator, variant.divisor, variant.behind, decay, sign, rate)


def _agrees(variant: Variant, given: Assignment, runs: Steps) -> bool:
    """Return whether ``variant`` takes the steps of the reading at 200 bits in every trial."""
    made, traces = runs.for_assignment(given)
    if not traces:
        return False
    for trial, trace in zip(made, traces, strict=True):
        zero, value = CONTEXT.mpf(0), trial.begin
        first = {slot: trial.hyper[0][symbol] for slot, symbol in given.items()}
        if variant.divisor.start == "start" and "start" not in first:
            return False
        starts = {"zero": zero, "one": zero + 1, "start": first.get("start")}
        state = {"m": zero, "v": starts[variant.divisor.start], "a": zero, "v_max": zero}
        for index, slope in enumerate(trial.gradients):
            p = dict.fromkeys(SLOTS, CONTEXT.nan)
            p |= {slot: trial.hyper[index][symbol] for slot, symbol in given.items()}
            value, new = take(variant, NUMBERS, value, state, slope, trial.at + index, p)
            state |= new
            if not runs.agrees(value, trace[index]):
                return False
            if CONTEXT.isnan(value):
                break
    return True


def trajectories(found: Equations, given: Assignment, made: Sequence[Trial]) -> list[list[dict[Symbol, Any]]] | None:
    """Return the trajectories of ``found``; None where the assignment lacks a hyper-parameter."""
    if not set(found.hyper) <= set(given):
        return None
    step, start = compiled(found.step), compiled(found.init)
    results = []
    for trial in made:
        each = [{symbol: hyper[given[slot]] for slot, symbol in found.hyper.items()} for hyper in trial.hyper]
        results.append(trajectory(step, start, Trial(trial.begin, trial.gradients, each, trial.at)))
    return results


def takes_the_same_steps(found: Equations, given: Assignment, runs: Steps, drawn: Draw = trials) -> bool:
    """Return whether ``found`` takes the steps of the reading at 200 bits in every trial that is drawn."""
    made, traces = runs.for_assignment(given, drawn)
    own = trajectories(found, given, made) if traces else None
    return own is not None and all(
        runs.agrees(values[theta], seen)
        for trace, other in zip(traces, own, strict=True)
        for seen, values in zip(trace, other, strict=True)
    )


def _registered(variant: Variant, given: Assignment, runs: Steps) -> Match | None:
    """Return ``variant`` under the first of its names that holds: a rule of the registry takes the same steps."""
    for name in names(variant):
        found = of_variant(variant) if name.rule is None else of_rule(rules.find(name.rule), name.fixed)
        if takes_the_same_steps(found, given, runs):
            return Match(name, found, given, variant)
    return None


def _rules(reading: Lifted, runs: Steps) -> Iterator[Match]:
    for rule in registry.cores():
        by_group = groups(reading, registry.chosen(reading, rule))
        for (rate, shrinkage, fall), chosen in by_group.items():
            own = {str(symbol) for symbol in rule.hyper}
            zero = (shrinkage, None if "lr_decay" in own else fall)
            start = runs.core(_values(reading, chosen, zero), rate)
            for given, negated in registry.matching(start, rule, chosen):
                off = {name: 0 for name in registry.OPTIONAL if name in own and name not in given}
                for moved in registry.moved(rule, given, negated):
                    found = own_slots(moved, off)
                    if takes_the_same_steps(found, given, runs):
                        yield Match(Name(moved.name, (), moved.name, off), found, given)
