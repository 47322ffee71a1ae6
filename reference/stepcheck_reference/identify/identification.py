"""Identification: a reading compared with every variant and rule, first by value, then by proof."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sympy import Symbol

from stepcheck_reference import rules
from stepcheck_reference.alphabet import theta
from stepcheck_reference.identify import registry
from stepcheck_reference.identify.assignment import Assignment, assignments
from stepcheck_reference.identify.conclusion import (
    EQUAL,
    NONE,
    PROVED,
    UNDECIDED,
    UNREAD,
    Identification,
    Nearest,
    Part,
)
from stepcheck_reference.identify.evaluation.agreement import Trial, defined, long_trials, same, trajectory, trials
from stepcheck_reference.identify.evaluation.branches_taken import both_ways
from stepcheck_reference.identify.evaluation.compiled_step import NotEvaluable, compiled
from stepcheck_reference.identify.evaluation.operations import CONTEXT, NUMBERS
from stepcheck_reference.identify.evaluation.reading_runs import Draw, Runs
from stepcheck_reference.identify.filtering import core, float_values, groups, survivors
from stepcheck_reference.identify.lifting import Lifted, lifted
from stepcheck_reference.identify.nearest import nearest
from stepcheck_reference.identify.proving.correspondence import Relation, correspondence, proved
from stepcheck_reference.identify.variants.combinations import DECAYS, motions
from stepcheck_reference.identify.variants.equations import Equations, of_rule, of_variant, own_slots
from stepcheck_reference.identify.variants.naming import Name, names
from stepcheck_reference.identify.variants.remarks import remarks
from stepcheck_reference.identify.variants.variant import SLOTS, Variant, take
from stepcheck_reference.identify.writing import written
from stepcheck_reference.reading.reading import Reading


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """A rule or variant that takes the same steps at 200 bits: its name, equations and hyper-parameters."""

    name: Name
    equations: Equations
    given: Assignment
    variant: Variant | None = None


def identify_reading(reading: Reading) -> Identification:
    """Return which rule ``reading`` is; never a rule that takes other steps."""
    if not reading.complete:
        return _without_name(reading, UNREAD)
    try:
        plain = lifted(reading)
        runs = Runs(plain)
    except NotEvaluable as error:
        return _without_name(reading, UNREAD, (error.function,))
    matches = sorted(_matches(plain, runs), key=lambda match: match.name.cost)
    named = _named(reading, plain, runs, matches) if matches else None
    if named is not None:
        return named
    made, traces = runs.for_assignment({})
    return _without_name(reading, NONE, close=nearest(plain, made[0], traces[0]) if traces else None)


def _matches(reading: Lifted, runs: Runs) -> Iterator[Match]:
    seen: set[tuple[str, tuple[tuple[str, Symbol], ...]]] = set()
    for match in (*_variants(reading, runs), *_rules(reading, runs)):
        key = (match.name.text, tuple(sorted(match.given.items(), key=str)))
        if key not in seen:
            seen.add(key)
            yield match


def _variants(reading: Lifted, runs: Runs) -> Iterator[Match]:
    for (rate, shrinkage, fall), chosen in groups(reading, assignments(reading, SLOTS)).items():
        values = _values(reading, chosen, (shrinkage, fall))
        start = core(runs.step, runs.start, values, rate)
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


def _agrees(variant: Variant, given: Assignment, runs: Runs) -> bool:
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
            if not same(value, trace[index][theta]):
                return False
            if CONTEXT.isnan(value):
                break
    return True


def _trajectories(found: Equations, given: Assignment, made: Sequence[Trial]) -> list[list[dict[Symbol, Any]]] | None:
    """Return the trajectories of ``found``; None where the assignment lacks a hyper-parameter."""
    if not set(found.hyper) <= set(given):
        return None
    step, start = compiled(found.step), compiled(found.init)
    results = []
    for trial in made:
        each = [{symbol: hyper[given[slot]] for slot, symbol in found.hyper.items()} for hyper in trial.hyper]
        results.append(trajectory(step, start, Trial(trial.begin, trial.gradients, each, trial.at)))
    return results


def takes_the_same_steps(found: Equations, given: Assignment, runs: Runs, drawn: Draw = trials) -> bool:
    """Return whether ``found`` takes the steps of the reading at 200 bits in every trial that is drawn."""
    made, traces = runs.for_assignment(given, drawn)
    own = _trajectories(found, given, made) if traces else None
    return own is not None and all(
        same(left[theta], right[theta])
        for trace, other in zip(traces, own, strict=True)
        for left, right in zip(trace, other, strict=True)
    )


def _registered(variant: Variant, given: Assignment, runs: Runs) -> Match | None:
    """Return ``variant`` under the first of its names that holds: a rule of the registry takes the same steps."""
    for name in names(variant):
        found = of_variant(variant) if name.rule is None else of_rule(rules.find(name.rule), name.fixed)
        if takes_the_same_steps(found, given, runs):
            return Match(name, found, given, variant)
    return None


def _rules(reading: Lifted, runs: Runs) -> Iterator[Match]:
    for rule in registry.cores():
        by_group = groups(reading, registry.chosen(reading, rule))
        for (rate, shrinkage, fall), chosen in by_group.items():
            own = {str(symbol) for symbol in rule.hyper}
            zero = (shrinkage, None if "lr_decay" in own else fall)
            start = core(runs.step, runs.start, _values(reading, chosen, zero), rate)
            for given, negated in registry.matching(start, rule, chosen):
                for moved in registry.moved(rule, given, negated):
                    found = own_slots(moved)
                    if takes_the_same_steps(found, given, runs):
                        yield Match(Name(moved.name, (), moved.name), found, given)


ALIKE = 6
"""How many matches are tried to be proved."""


def takes_them_at_length(found: Equations, given: Assignment, runs: Runs) -> bool:
    """Return whether ``found`` also takes the steps of long runs; it has to where equality is not proved."""
    return takes_the_same_steps(found, given, runs, long_trials)


def _named(reading: Reading, plain: Lifted, runs: Runs, matches: Sequence[Match]) -> Identification | None:
    """Return the answer: the first match that is proved, else the first that holds at length; None without one."""
    alike = _alike(matches, len(plain.init))
    tried: list[tuple[Match, Relation | None, bool]] = []
    for match in alike:
        relation, is_proved = proof(plain, match, runs)
        if is_proved or takes_them_at_length(match.equations, match.given, runs):
            tried.append((match, relation, is_proved))
        if is_proved:
            break
    if not tried:
        return None
    best, relation, is_proved = tried[-1] if tried[-1][2] else tried[0]
    made, traces = runs.for_assignment(best.given)
    if not is_proved and not both_ways(plain.step, runs.start, made, traces):
        return replace(_without_name(reading, UNDECIDED), base=best.name.text, points=defined(traces))
    others = [
        match.name.text
        for match in alike[alike.index(tried[-1][0]) + 1 :]
        if match.name.rule and best.name.rule and proof(plain, match, runs)[1]
    ]
    return Identification(
        reading.target,
        reading.configuration,
        name=best.name.text,
        rule=best.name.rule,
        base=best.name.base,
        verdict=PROVED if is_proved else EQUAL,
        points=defined(traces),
        differences=tuple(Part(part.name, part.sentence) for part in best.name.differences),
        remarks=remarks(best.name, best.variant),
        hyper=_hyper(plain, best),
        states={str(state): written(value) for state, value in (relation or {}).items()},
        also=tuple(name for name in dict.fromkeys(others) if name != best.name.text),
    )


def _alike(matches: Sequence[Match], states: int) -> list[Match]:
    """Return the matches, the best names first, and of equally good ones those that keep as many states as the code."""
    names: dict[str, Match] = {}
    for match in sorted(matches, key=lambda match: (match.name.cost[:2], abs(len(match.equations.init) - states))):
        names.setdefault(match.name.text, match)
    return list(names.values())[:ALIKE]


def proof(plain: Lifted, match: Match, runs: Runs) -> tuple[Relation | None, bool]:
    """Return how the states of ``match`` correspond to the code's, and whether that is proved at every step."""
    made, traces = runs.for_assignment(match.given)
    own = _trajectories(match.equations, match.given, made)
    relation = correspondence(plain, match.equations, match.given, made, traces, own or [])
    return relation, relation is not None and proved(plain, match.equations, match.given, relation)


def _hyper(plain: Lifted, match: Match) -> Mapping[str, str]:
    """Return the rule's hyper-parameters that have another name in the code, or are a number in it."""
    said = {}
    for slot, symbol in match.equations.hyper.items():
        mine = match.given[slot]
        if mine in plain.constants:
            said[str(symbol)] = f"fixed at {plain.constants[mine]!r}"
        elif mine != symbol:
            said[str(symbol)] = str(mine)
    return said | {name: f"fixed at {value}" for name, value in match.name.fixed.items()}


def _without_name(
    reading: Reading, verdict: str, opaque: tuple[str, ...] = (), close: Nearest | None = None
) -> Identification:
    lines = tuple(f"{symbol} ← {written(value)}" for symbol, value in reading.step.items())
    return Identification(
        reading.target,
        reading.configuration,
        name=None,
        rule=None,
        base=None,
        verdict=verdict,
        equations=lines,
        opaque=opaque or reading.opaque,
        nearest=close,
    )


__all__ = ["identify_reading"]
