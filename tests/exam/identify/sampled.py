"""Variants drawn near the rules that have a name, and whether a name is right for one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

from stepcheck_reference import rules
from stepcheck_reference.alphabet import theta
from stepcheck_reference.identify import Identification
from stepcheck_reference.identify.evaluation.agreement import Trial, same, trajectory, trials
from stepcheck_reference.identify.evaluation.compiled_step import compiled
from stepcheck_reference.identify.evaluation.operations import CONTEXT
from stepcheck_reference.identify.variants import words
from stepcheck_reference.identify.variants.combinations import (
    DECAYS,
    NAMED,
    RATES,
    SIGNS,
    divisors,
    fits,
    numerators,
)
from stepcheck_reference.identify.variants.equations import Equations, of_rule, of_variant
from stepcheck_reference.identify.variants.naming import SPECIAL, TABLES
from stepcheck_reference.identify.variants.variant import RATE_INSIDE, SLOTS, Variant


def near(changes: int, drawn: Random) -> Variant:
    """Return a named variant with about this many of its choices changed."""
    variant = drawn.choice(list(NAMED.values()))
    for _ in range(changes):
        part = drawn.choice(("numerator", "divisor", "decay", "decay", "sign", "rate"))
        if part == "numerator":
            variant = replace(variant, numerator=drawn.choice(_close(variant.numerator, numerators())))
        elif part == "divisor":
            variant = replace(variant, divisor=drawn.choice(_close(variant.divisor, divisors())))
        elif part == "decay":
            variant = replace(variant, decay=drawn.choice(DECAYS))
        elif part == "sign":
            variant = replace(variant, sign=drawn.choice(SIGNS))
        else:
            variant = replace(variant, rate=drawn.choice(RATES))
    return variant


def _close(part: Any, all_parts: tuple[Any, ...]) -> list[Any]:
    """Return the parts that differ from ``part`` in one choice, or all where there are none."""
    fields = list(type(part).__dataclass_fields__)
    close = [each for each in all_parts if sum(getattr(each, name) != getattr(part, name) for name in fields) == 1]
    return close or list(all_parts)


def sensible(variant: Variant) -> bool:
    """Return whether the space has ``variant``, and its steps are defined."""
    if not fits(variant.numerator, variant.divisor, variant.behind):
        return False
    if variant.rate == "root" and (variant.numerator.buffer in RATE_INSIDE or variant.behind):
        return False
    if variant.decay == "in_ratio" and (variant.divisor.moment == "none" or variant.behind):
        return False
    if variant.decay == "first_moment" and (variant.numerator.buffer == "gradient" or variant.behind):
        return False
    without_eps = variant.divisor.eps in ("none", "in_square", "recurrence")
    return not (variant.divisor.old and without_eps)


def drawn_variants(count: int, seed: int) -> Iterator[Variant]:
    """Yield the named variants, and as many that are near them that there are ``count`` different ones."""
    drawn, made = Random(seed), dict.fromkeys(NAMED.values())
    yield from list(made)[:count]
    while len(made) < count:
        variant = near(drawn.choice((1, 1, 2, 2, 3)), drawn)
        if variant not in made and sensible(variant):
            made[variant] = None
            yield variant


def steps(equations: Equations, slots: dict[str, Any]) -> list[Any]:
    """Return theta after each step of every trial, the learning rate another one at each."""
    step, start = compiled(equations.step), compiled(equations.init)
    found = []
    for trial in trials((), {}, None):
        each = []
        for index in range(len(trial.gradients)):
            values = {symbol: slots[slot] for slot, symbol in equations.hyper.items()}
            if "lr" in equations.hyper:
                values[equations.hyper["lr"]] = slots["lr"] / (1 + index)
            each.append(values)
        trace = trajectory(step, start, Trial(trial.begin, trial.gradients, each, trial.at))
        found += [point[theta] for point in trace]
    return found


def is_right(answer: Identification, variant: Variant) -> bool:
    """Return whether the function that ``answer`` names takes the steps of ``variant``."""
    slots = {slot: CONTEXT.mpf(3 + 2 * index) / 29 for index, slot in enumerate(SLOTS)}
    named = equations_of(answer)
    left, right = (steps(equations, slots) for equations in (named, of_variant(variant)))
    return all(same(one, other) for one, other in zip(left, right, strict=True))


def equations_of(answer: Identification) -> Equations:
    """Return the equations that a name stands for, made from the name alone."""
    assert answer.name is not None
    fixed = {name: 0 for name, value in answer.hyper.items() if value == "fixed at 0"}
    if answer.rule is not None:
        return of_rule(rules.find(answer.rule), fixed)
    base, *changes = answer.name.split("+")
    special = {name: variant for name, variant, values in SPECIAL if dict(values) == fixed and fixed}
    variant = special.get(base, NAMED[base])
    for change in changes:
        variant = _changed(variant, change)
    return of_variant(variant)


def _changed(variant: Variant, change: str) -> Variant:
    for path, table in TABLES.items():
        for value, (name, _) in table.items():
            if name == change:
                part, _, field = path.rpartition(".")
                if not part:
                    return replace(variant, **{field: value})
                return replace(variant, **{part: replace(getattr(variant, part), **{field: value})})
    raise LookupError(f"{change} is no change of {words.__name__}")
