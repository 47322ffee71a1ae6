"""Registry: rules that are no variant of the space, each with the rewrites that apply to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from sympy import Symbol

from stepcheck_reference import rewrites, rules
from stepcheck_reference.alphabet import g, gradient_at, t, theta
from stepcheck_reference.identify.assignment import Assignment, assignments
from stepcheck_reference.identify.evaluation.compiled_step import NotEvaluable, Step, compiled
from stepcheck_reference.identify.evaluation.operations import ARRAYS
from stepcheck_reference.identify.filtering import CLOSE, SLOPES, START, Core
from stepcheck_reference.identify.lifting import Lifted
from stepcheck_reference.identify.variants.combinations import NAMED
from stepcheck_reference.identify.variants.equations import own_slots
from stepcheck_reference.rewrites import RewriteError
from stepcheck_reference.rule import Rule

DECAYS = ("coupled_decay", "decoupled_decay", "decoupled_decay_paper", "decay_after_step", "decay_of_initial_rate")
"""Rewrites that bring in weight_decay."""

MOTIONS = (*DECAYS, "maximize", "lr_decay")
"""Rewrites that change how theta moves, and not what a step is without decay."""


OPTIONAL = ("weight_decay", "lr_decay")
"""Hyper-parameters that a rule has or a rewrite brings in, and that code may leave out: they are 0 there."""


@lru_cache(maxsize=1)
def cores() -> tuple[Rule, ...]:
    """Return the rules that are no variant, and each with one rewrite of what a step is without decay."""
    found = []
    for rule in rules.ALL:
        if rule.name in NAMED or any(part.has(gradient_at) for part in rule.step.values()):
            continue
        found.append(rule)
        for rewrite in rewrites.ALL:
            if rewrite.name not in MOTIONS and rewrite.name not in rule.rewrites:
                try:
                    found.append(rewrite(rule))
                except RewriteError:
                    continue
    return tuple(found)


@lru_cache(maxsize=512)
def _functions(rule: Rule) -> tuple[Step, Step] | None:
    made = own_slots(rule)
    try:
        return compiled(made.step), compiled(made.init)
    except NotEvaluable:
        return None


def slots(rule: Rule) -> tuple[str, ...]:
    """Return the names of the rule's hyper-parameters, and of those that a rewrite may bring in."""
    own = [str(symbol) for symbol in rule.hyper]
    return (*own, *(name for name in OPTIONAL if name not in own))


def chosen(reading: Lifted, rule: Rule) -> tuple[Assignment, ...]:
    """Return the assignments under which the rule has all that it needs, but for decay."""
    needed = {str(symbol) for symbol in rule.hyper} - set(OPTIONAL)
    return tuple(made for made in assignments(reading, slots(rule)) if needed <= set(made))


def matching(reading: Core, rule: Rule, given: Sequence[Assignment]) -> list[tuple[Assignment, bool]]:
    """Return the assignments with which ``rule`` takes the steps of ``reading``, and whether on negated gradients."""
    functions = _functions(rule)
    if functions is None:
        return []
    step, start = functions
    found = []
    with np.errstate(all="ignore"):
        for negated in (False, True):
            changes = _changes(reading, rule, step, start, given, negated)
            wanted = reading.changes[:, None]
            wrong = ~(np.abs(changes - wanted) <= CLOSE * (np.abs(wanted) + np.abs(changes)))
            both = ~np.isfinite(changes) & ~np.isfinite(wanted)
            found += [(given[int(index)], negated) for index in np.nonzero((~wrong | both).all(axis=0))[0]]
    return found


def _changes(
    reading: Core, rule: Rule, step: Step, start: Step, given: Sequence[Assignment], negated: bool
) -> np.ndarray[Any, Any]:
    def values(name: str) -> np.ndarray[Any, Any]:
        return np.array([reading.values[made[name]] if name in made else 0.0 for made in given])

    hyper: dict[Symbol, Any] = {symbol: values(str(symbol)) for symbol in rule.hyper}
    rate = next((symbol for symbol in hyper if str(symbol) == "lr"), None)
    if rate is not None:
        hyper[rate] = np.full(len(given), reading.rates[0])
    state: dict[Symbol, Any] = {theta: np.full(len(given), START)}
    state |= start(ARRAYS, {**state, **hyper})
    changes = []
    for index, slope in enumerate(SLOPES):
        if rate is not None:
            hyper[rate] = np.full(len(given), reading.rates[index])
        gradient = np.float64(-slope if negated else slope)
        new = step(ARRAYS, {**state, **hyper, g: gradient, t: np.float64(reading.at + index)})
        changes.append(np.broadcast_to(new[theta] - state[theta], (len(given),)))
        state = new
    return np.array(changes)


def moved(rule: Rule, given: Assignment, negated: bool) -> Iterator[Rule]:
    """Yield ``rule`` with the rewrites that its assignment calls for."""
    decays = DECAYS if "weight_decay" in given and "weight_decay" not in map(str, rule.hyper) else ("",)
    falls = ("lr_decay",) if "lr_decay" in given and "lr_decay" not in map(str, rule.hyper) else ("",)
    turned = ("maximize",) if negated else ("",)
    known = {rewrite.name for rewrite in rewrites.ALL}
    for names in product(decays, falls, turned):
        changes = [name for name in names if name]
        if set(changes) <= known:
            try:
                yield rules.find("+".join((rule.name, *changes)))
            except RewriteError:
                continue
