"""ReduceLROnPlateau: rates that fall where a metric no longer improves, whichever way rounding turns a comparison."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stepcheck_reference.schedules.binary64 import Number
from stepcheck_reference.schedules.formula import Group, Recipe, Settings, Table, Undefined, hull


@dataclass(frozen=True, slots=True)
class _PlateauState:
    """What ReduceLROnPlateau knows: the best metric, bad epochs, epochs to cool down, and the rates."""

    best: float | None
    bad: int
    cooling: int
    rates: tuple[Number, ...]


def plateau_rates(recipe: Recipe, groups: Sequence[Group], steps: int) -> Table:
    """Return the rates of all groups, a row a step; a comparison that depends on rounding goes both ways."""
    settings = recipe["settings"]
    least = settings.get("min_lr", 0)
    if settings.get("factor", 0.1) >= 1.0 or (isinstance(least, Sequence) and len(least) != len(groups)):
        raise Undefined("settings that are refused")
    worlds = [_PlateauState(None, 0, 0, tuple(group.number(group.now) for group in groups))]
    table: Table = [list(worlds[0].rates)]
    for metric in recipe["metrics"][:steps]:
        worlds = [after for world in worlds for after in _after_metric(world, float(metric), settings, groups)]
        table.append([hull(world.rates[index] for world in worlds) for index in range(len(groups))])
    return table


def _after_metric(
    world: _PlateauState, metric: float, settings: Settings, groups: Sequence[Group]
) -> Iterator[_PlateauState]:
    for better in _outcomes(_better(world.best, metric, settings, groups[0])):
        best, bad = (metric, 0) if better else (world.best, world.bad + 1)
        cooling = world.cooling
        if cooling > 0:
            cooling, bad = cooling - 1, 0
        if bad <= settings.get("patience", 10):
            yield _PlateauState(best, bad, cooling, world.rates)
            continue
        lowered = [list(_lowered(rate, settings, group)) for rate, group in zip(world.rates, groups, strict=True)]
        for rates in itertools.product(*lowered):
            yield _PlateauState(best, 0, settings.get("cooldown", 0), rates)


def _outcomes(answer: bool | None) -> tuple[bool, ...]:
    return (True, False) if answer is None else (answer,)


def _better(best: float | None, metric: float, settings: Settings, group: Group) -> bool | None:
    if math.isnan(metric) or best is None:
        return not math.isnan(metric)
    margin, rising = group.number(settings.get("threshold", 1e-4)), settings.get("mode", "min") == "max"
    if settings.get("threshold_mode", "rel") == "rel":
        bound = best * (margin + 1.0 if rising else 1.0 - margin)
    else:
        bound = best + margin if rising else best - margin
    return bound.below(metric) if rising else group.number(metric).below(bound)


def _lowered(rate: Number, settings: Settings, group: Group) -> Iterator[Number]:
    new = (rate * settings.get("factor", 0.1)).largest(group.own(settings.get("min_lr", 0)))
    for changes in _outcomes(group.number(settings.get("eps", 1e-8)).below(rate - new)):
        yield new if changes else rate
