"""Every scheduler's formula, and those that are composed of other schedulers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import replace
from functools import reduce

from stepcheck_reference.schedules import annealing, cyclic, stepwise
from stepcheck_reference.schedules.binary64 import Number
from stepcheck_reference.schedules.formula import Formula, Group, Make, Recipe, Settings, Undefined, name_of


def formula_of(recipe: Recipe, group: Group) -> Formula:
    """Return the formula of ``recipe`` for ``group``; raises Undefined for a scheduler without one."""
    name, settings = name_of(recipe), recipe["settings"]
    if name not in FORMULAS:
        raise Undefined(name)
    return FORMULAS[name](settings, group)


def _nested(settings: Settings, group: Group) -> list[Formula]:
    if not settings["schedulers"]:
        raise Undefined("no schedulers")
    return [formula_of(entry, replace(group, now=group.initial)) for entry in settings["schedulers"]]


def _sequential(settings: Settings, group: Group) -> Formula:
    formulas, milestones = _nested(settings, group), settings["milestones"]
    if len(milestones) != len(formulas) - 1:
        raise Undefined("milestones")

    def step(rate: Number, epoch: int) -> Number:
        turn = bisect_right(milestones, epoch)
        began = milestones[turn - 1] if turn else 0
        if epoch == 0:
            return formulas[turn].step(group.number(group.initial), 0)
        return formulas[turn].restarted() if turn and began == epoch else formulas[turn].step(rate, epoch - began)

    return Formula(step)


def _chained(settings: Settings, group: Group) -> Formula:
    formulas = _nested(settings, group)

    def step(rate: Number, epoch: int) -> Number:
        return reduce(lambda rate, formula: formula.step(rate, epoch), formulas, rate)

    return Formula(step)


FORMULAS: Mapping[str, Make] = {
    **stepwise.FORMULAS,
    **annealing.FORMULAS,
    **cyclic.FORMULAS,
    "SequentialLR": _sequential,
    "ChainedScheduler": _chained,
}
