"""Stepwise schedules: factors that a function of the epoch, a step size or milestones give, and a constant one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

from stepcheck_reference.schedules.binary64 import Number
from stepcheck_reference.schedules.formula import Formula, Group, Make, Settings, function_of_group, of_epoch_alone


def _lambda(settings: Settings, group: Group) -> Formula:
    factor, base = function_of_group(settings["lr_lambda"], group), group.number(group.initial)
    return of_epoch_alone(lambda epoch: base * factor(epoch))


def _multiplicative(settings: Settings, group: Group) -> Formula:
    factor = function_of_group(settings["lr_lambda"], group)
    return Formula(lambda rate, epoch: rate * factor(epoch) if epoch else rate)


def _by_steps(settings: Settings, group: Group) -> Formula:
    size, gamma = settings["step_size"], group.number(settings.get("gamma", 0.1))
    base = group.number(group.initial)
    return Formula(
        lambda rate, epoch: rate if epoch == 0 or epoch % size else rate * gamma,
        lambda epoch: base * gamma ** (epoch // size),
    )


def _by_milestones(settings: Settings, group: Group) -> Formula:
    milestones, gamma = sorted(settings["milestones"]), group.number(settings.get("gamma", 0.1))
    base = group.number(group.initial)
    return Formula(
        lambda rate, epoch: rate * gamma ** milestones.count(epoch) if epoch in milestones else rate,
        lambda epoch: base * gamma ** bisect_right(milestones, epoch),
    )


def _constant(settings: Settings, group: Group) -> Formula:
    factor, last = group.number(settings.get("factor", 1.0 / 3)), settings.get("total_iters", 5)
    base = group.number(group.initial)

    def step(rate: Number, epoch: int) -> Number:
        if epoch == 0:
            return rate * factor
        return rate * (1.0 / factor) if epoch == last else rate

    return Formula(step, lambda epoch: base * (factor + (epoch >= last) * (1 - factor)))


FORMULAS: Mapping[str, Make] = {
    "LambdaLR": _lambda,
    "MultiplicativeLR": _multiplicative,
    "StepLR": _by_steps,
    "MultiStepLR": _by_milestones,
    "ConstantLR": _constant,
}
"""The formula of a group by the scheduler's name and settings."""
