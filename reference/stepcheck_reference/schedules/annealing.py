"""Annealing schedules: rates that fall, or rise, along a line, a power, a polynomial or a cosine."""

from __future__ import annotations

from collections.abc import Mapping

from stepcheck_reference.schedules.binary64 import Number, pi
from stepcheck_reference.schedules.formula import Formula, Group, Make, Settings, Undefined, of_epoch_alone


def _linear(settings: Settings, group: Group) -> Formula:
    named = (("start_factor", 1.0 / 3), ("end_factor", 1.0))
    start, end = (group.number(settings.get(key, value)) for key, value in named)
    base = group.number(group.initial)
    last: int = settings.get("total_iters", 5)

    def step(rate: Number, epoch: int) -> Number:
        if epoch == 0:
            return rate * start
        return rate if epoch > last else rate * (1.0 + (end - start) / (start * last + (end - start) * (epoch - 1)))

    return Formula(step, lambda epoch: base * (start + (end - start) * min(last, epoch) / last))


def _exponential(settings: Settings, group: Group) -> Formula:
    gamma, base = group.number(settings["gamma"]), group.number(group.initial)
    return Formula(lambda rate, epoch: rate * gamma if epoch else rate, lambda epoch: base * gamma**epoch)


def _polynomial(settings: Settings, group: Group) -> Formula:
    last: int = settings.get("total_iters", 5)
    power: float = settings.get("power", 1.0)
    base = group.number(group.initial)

    def left(epoch: int) -> Number:
        return 1.0 - group.number(epoch) / last

    def step(rate: Number, epoch: int) -> Number:
        return rate if epoch == 0 or epoch > last else rate * (left(epoch) / left(epoch - 1)) ** power

    return Formula(step, lambda epoch: base * left(min(last, epoch)) ** power)


def _cosine(settings: Settings, group: Group) -> Formula:
    period: int = settings["T_max"]
    least = group.number(settings.get("eta_min", 0.0))
    base, circle = group.number(group.initial), pi(rounds=group.rounds)

    def turned(epoch: int) -> Number:
        return 1 + (circle * epoch / period).cos()

    def step(rate: Number, epoch: int) -> Number:
        if epoch == 0:
            return rate
        if (epoch - 1 - period) % (2 * period) == 0:
            return rate + (base - least) * (1 - (circle / period).cos()) / 2
        return turned(epoch) / turned(epoch - 1) * (rate - least) + least

    return Formula(step, lambda epoch: least + (base - least) * turned(epoch) / 2)


def _restarting(settings: Settings, group: Group) -> Formula:
    length: int = settings["T_0"]
    factor: int = settings.get("T_mult", 1)
    least = group.number(settings.get("eta_min", 0.0))
    base, circle = group.number(group.initial), pi(rounds=group.rounds)
    if length <= 0:
        raise Undefined("T_0")

    def rate(epoch: int) -> Number:
        period = length
        while epoch >= period:
            epoch, period = epoch - period, period * factor
        return least + (base - least) * (1 + (circle * epoch / period).cos()) / 2

    return of_epoch_alone(rate)


def _averaging(settings: Settings, group: Group) -> Formula:
    last: int = settings.get("anneal_epochs", 10)
    strategy = settings.get("anneal_strategy", "cos")
    goal, first, circle = group.number(group.own(settings["swa_lr"])), group.number(group.now), pi(rounds=group.rounds)
    if strategy not in ("cos", "linear"):
        raise Undefined(strategy)

    def share(epoch: int) -> Number:
        passed = (group.number(epoch) / max(1, last)).smallest(1).largest(0)
        return passed if strategy == "linear" else (1 - (circle * passed).cos()) / 2

    def step(rate: Number, epoch: int) -> Number:
        epoch = max(1, epoch) if last == 0 else epoch
        now = share(epoch)
        if not group.rounds:
            return goal * now + first * (1 - now)
        before = share(epoch - 1)
        start = goal if before.ball == 1 else (rate - before * goal) / (1 - before)
        return goal * now + start * (1 - now)

    return Formula(step)


FORMULAS: Mapping[str, Make] = {
    "LinearLR": _linear,
    "ExponentialLR": _exponential,
    "PolynomialLR": _polynomial,
    "CosineAnnealingLR": _cosine,
    "CosineAnnealingWarmRestarts": _restarting,
    "SWALR": _averaging,
}
"""The formula of a group by the scheduler's name and settings."""
