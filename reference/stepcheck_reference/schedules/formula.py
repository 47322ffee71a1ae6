"""Formula: what a scheduler's documentation says of a group's rate, as a recurrence and in closed form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from stepcheck_reference.schedules.binary64 import Number, exact

Recipe = Mapping[str, Any]
"""A scheduler with its settings and groups, as ``stepcheck_implementations.recorder.scheduler_recipes`` has it."""

Settings = Mapping[str, Any]
"""A recipe's arguments of the scheduler, by name."""


class Undefined(ValueError):
    """A schedule that the documentation does not define."""


class Ended(Exception):
    """A schedule that has no further rate."""


Table = list[list[Number | None]]
"""A row a step and a column a group; None where there is no number."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A scheduler's rates of one group.

    ``step(rate, epoch)`` is the rate at ``epoch`` after ``rate`` one epoch before, at epoch 0 after the initial one.
    ``closed(epoch)`` is the rate at ``epoch``, whatever the rate was before; None where the documentation has none.
    """

    step: Callable[[Number, int], Number]
    closed: Callable[[int], Number] | None = None

    def restarted(self) -> Number:
        """Return the rate where the scheduler takes over from another, at its epoch 0."""
        if self.closed is None:
            raise Undefined("a takeover without a closed form")
        return self.closed(0)


@dataclass(frozen=True, slots=True)
class Group:
    """A parameter group: its index, its current rate, and its initial rate, as binary64; and whether to round."""

    index: int
    now: float
    initial: float
    rounds: bool

    def number(self, value: float) -> Number:
        """Return ``value`` as a number of this group's arithmetic."""
        return Number(exact(value), self.rounds)

    def own(self, setting: Any) -> Any:
        """Return its entry of a setting that may have one for each group."""
        return setting[self.index] if isinstance(setting, Sequence) and not isinstance(setting, str) else setting


Make = Callable[[Settings, Group], Formula]
"""Makes the formula of one group from a scheduler's settings."""


def name_of(recipe: Recipe) -> str:
    """Return the name of the recipe's scheduler."""
    return str(recipe["target"]).rpartition(".")[2]


def named_function(spec: Any, group: Group) -> Callable[[int], Number]:
    """Return the function of an epoch that ``spec`` names, as ``scheduler_recipes.FUNCTIONS`` has it."""
    if not isinstance(spec, Mapping):
        raise Undefined("fewer functions than groups")
    number, name = group.number, spec["function"]
    functions: Mapping[str, Callable[[int], Number]] = {
        "power": lambda epoch: number(spec["of"]) ** epoch,
        "inverse": lambda epoch: number(1.0) / (epoch + 1),
        "warmup": lambda epoch: (number(epoch + 1) / spec["over"]).smallest(1.0),
        "drop": lambda epoch: number(spec["to"] if epoch >= spec["at"] else 1.0),
        "constant": lambda epoch: number(spec["at"]),
    }
    return functions[name]


def function_of_group(spec: Any, group: Group) -> Callable[[int], Number]:
    """Return the group's own function of those that ``spec`` lists, or the one for all groups."""
    several = isinstance(spec, Sequence)
    return named_function((spec[group.index] if group.index < len(spec) else None) if several else spec, group)


def of_epoch_alone(rate: Callable[[int], Number]) -> Formula:
    """Return the formula of a rate that depends on the epoch alone."""
    return Formula(lambda _, epoch: rate(epoch), rate)


def hull(numbers: Iterable[Number]) -> Number:
    """Return the ball that holds all of ``numbers``."""
    return reduce(Number.hull, numbers)
