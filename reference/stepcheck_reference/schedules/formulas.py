"""Schedules of learning rates: what a scheduler's documented formula gives, and how far binary64 may be from it.

A recipe is as ``stepcheck_implementations.recorder.scheduler_recipes`` describes it. The formulas are those of the
documentation of ``torch.optim.lr_scheduler`` and ``torch.optim.swa_utils.SWALR``, both the recurrence
("chainable form") and the closed form where there are two.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.schedules.binary64 import Number, exact, pi, precision

Recipe = Mapping[str, Any]
Envelope = tuple[NDArray[np.float64], NDArray[np.float64]]

_BITS = 128
"""Bits of balls that binary64's roundings widen; their own roundings do not show beside those."""
_EXACT_BITS = 400
"""Bits of balls that stand for exact numbers."""


class _Undefined(ValueError):
    """A schedule that the documentation does not define."""


@dataclass(frozen=True, slots=True)
class _Formula:
    """A scheduler's rates of one group.

    ``step(rate, epoch)`` is the rate at ``epoch`` after ``rate`` one epoch before, at epoch 0 after the initial one.
    ``closed(epoch)`` is the rate at ``epoch``, whatever the rate was before; None where the documentation has none.
    """

    step: Callable[[Number, int], Number]
    closed: Callable[[int], Number] | None = None

    def restarted(self) -> Number:
        """Return the rate where the scheduler takes over from another, at its epoch 0."""
        if self.closed is None:
            raise _Undefined("a takeover without a closed form")
        return self.closed(0)


@dataclass(frozen=True, slots=True)
class _Group:
    """A parameter group: its place, its rate now, and its initial rate, as binary64; and whether to round."""

    place: int
    now: float
    initial: float
    rounds: bool

    def number(self, value: float) -> Number:
        """Return ``value`` as a number of this group's arithmetic."""
        return Number(exact(value), self.rounds)

    def own(self, setting: Any) -> Any:
        """Return its entry of a setting that may have one for each group."""
        return setting[self.place] if isinstance(setting, Sequence) and not isinstance(setting, str) else setting


def envelope(recipe: Recipe, steps: int) -> Envelope | None:
    """Return centre and radius of every rate: (steps + 1) × groups, a row for the construction and one a step.

    The centre is the documented formula in exact arithmetic, from the exact binary64 settings, rounded once. The radius
    is the farthest that any evaluation of the recurrence or of the closed form in binary64 can be from it; where a
    comparison depends on rounding, of either outcome. Rows after a schedule's end are nan. None where the documentation
    defines no sequence: settings that are refused, two forms that contradict each other, and what a scheduler whose
    rate depends on the last does first where it is resumed, or takes over from another without a closed form.
    """
    if _name(recipe) == "ReduceLROnPlateau":
        return _enveloped(recipe, steps + 1, lambda groups: (_plateau(recipe, groups, steps), []))
    return _enveloped(recipe, steps + 1, lambda groups: _table(groups, lambda group: _course(recipe, group, steps)))


def envelope_of_jumps(recipe: Recipe) -> Envelope | None:
    """Return the same for the rates after ``step(epoch)``, a row for each of the recipe's jumps.

    None, too, where a scheduler's rate is not a function of the epoch.
    """

    def jumped(group: _Group) -> Iterator[Forms]:
        formula = _formula(recipe, group)
        for epoch in recipe["jumps"]:
            if formula.closed is None:
                raise _Undefined(f"{_name(recipe)} has no closed form")
            yield formula.closed(epoch), None

    return _enveloped(recipe, len(recipe["jumps"]), lambda groups: _table(groups, jumped))


def envelope_of_momenta(recipe: Recipe, steps: int) -> Envelope | None:
    """Return the same for each group's momentum, or beta1, as ``envelope`` does; None where it is not cycled."""
    cycled = _MOMENTA.get(_name(recipe))
    first = recipe["settings"].get("last_epoch", -1) + 1
    if cycled is None or not recipe["settings"].get("cycle_momentum", True):
        return None

    def course(group: _Group) -> Iterator[Forms]:
        at = cycled(recipe["settings"], group)
        for epoch in range(first, first + steps + 1):
            try:
                yield at(epoch), None
            except _Ended:
                return

    return _enveloped(recipe, steps + 1, lambda groups: _table(groups, course))


Forms = tuple[Number, Number | None]
"""What the recurrence and the closed form give; None where there is no closed form."""
Table = list[list[Number | None]]
"""A row a step and a column a group; None where there is no number."""


def _enveloped(
    recipe: Recipe, rows: int, rates: Callable[[list[_Group]], tuple[Table, list[tuple[Number, Number]]]]
) -> Envelope | None:
    """Return the envelope, of ``rows`` rows, of what ``rates`` gives for groups that do not round and that do."""
    try:
        with precision(_EXACT_BITS):
            centres, pairs = rates(_groups(recipe, rounds=False))
            if any(not one.ball.overlaps(other.ball) for one, other in pairs):
                return None
        with precision(_BITS):
            return _around(centres, rates(_groups(recipe, rounds=True))[0], (rows, len(recipe["groups"])))
    except (_Undefined, ZeroDivisionError):
        return None


def _groups(recipe: Recipe, *, rounds: bool) -> list[_Group]:
    return [
        _Group(place, group["lr"], group.get("initial_lr", group["lr"]), rounds)
        for place, group in enumerate(recipe["groups"])
    ]


def _around(exact_rates: Table, rates: Table, shape: tuple[int, int]) -> Envelope:
    """Return the centres of ``exact_rates``, and radii that reach to all of ``rates``; nan where there is none."""
    centre, radius = np.full(shape, np.nan), np.full(shape, np.nan)
    for row, place in itertools.product(range(len(rates)), range(shape[1])):
        middle, computed = exact_rates[row][place], rates[row][place]
        if middle is not None and computed is not None:
            near = 0.0 if middle.ball.contains(0) else float(middle.ball.mid())
            far = abs(computed.hull(middle).ball - exact(near)).upper()
            centre[row, place] = near
            radius[row, place] = 0.0 if far == 0 else math.nextafter(float(far), math.inf)
    return centre, radius


def _table(
    groups: list[_Group], course: Callable[[_Group], Iterator[Forms]]
) -> tuple[Table, list[tuple[Number, Number]]]:
    """Return the numbers of every group's course, and the pairs of what recurrence and closed form give.

    Without rounding a number is the closed form's, where there is one; with it, the hull of both forms.
    """
    courses = [list(course(group)) for group in groups]
    table: Table = [[None] * len(groups) for _ in range(max(map(len, courses)))]
    pairs: list[tuple[Number, Number]] = []
    for group, forms in zip(groups, courses, strict=True):
        for row, (stepped, closed) in enumerate(forms):
            known = [number for number in (closed, stepped) if number is not None and number.ball.is_finite()]
            if known:
                table[row][group.place] = reduce(Number.hull, known) if group.rounds else known[0]
            if len(known) == 2:
                pairs.append((known[0], known[1]))
    return table, pairs


_FROM_THE_LAST = frozenset(("MultiplicativeLR", "LinearLR", "ExponentialLR", "PolynomialLR", "CosineAnnealingLR"))
"""Schedulers whose recurrence multiplies the rate that is there. Whether a resumed one does so when it is built is not
documented, and differs: torch 2.2 does, 2.13 does not."""


def _course(recipe: Recipe, group: _Group, steps: int) -> Iterator[Forms]:
    """Yield what recurrence and closed form give, from the construction on, for as long as there is a rate."""
    formula = _formula(recipe, group)
    first = recipe["settings"].get("last_epoch", -1) + 1
    if first and _name(recipe) in _FROM_THE_LAST:
        raise _Undefined(f"{_name(recipe)} resumed")
    if _name(recipe) == "SWALR":
        first = 0  # it counts its own steps
    rate = group.number(group.now)
    for epoch in range(first, first + steps + 1):
        try:
            rate = formula.step(rate, epoch)
        except _Ended:
            return
        closed = None if formula.closed is None else formula.closed(epoch)
        yield rate, closed
        if epoch == first and closed is not None and group.rounds:
            rate = rate.hull(closed)  # what takes over from another scheduler starts at the closed form


class _Ended(Exception):
    """A schedule that has no further rate."""


def _name(recipe: Recipe) -> str:
    return str(recipe["target"]).rpartition(".")[2]


def _formula(recipe: Recipe, group: _Group) -> _Formula:
    name, settings = _name(recipe), recipe["settings"]
    if name not in _FORMULAS:
        raise _Undefined(name)
    return _FORMULAS[name](settings, group)


def _function(told: Any, group: _Group) -> Callable[[int], Number]:
    """Return the function of an epoch that ``told`` names, as ``schedule_recipes.FUNCTIONS`` has it."""
    if not isinstance(told, Mapping):
        raise _Undefined("fewer functions than groups")
    number, name = group.number, told["function"]
    functions: Mapping[str, Callable[[int], Number]] = {
        "power": lambda epoch: number(told["of"]) ** epoch,
        "inverse": lambda epoch: number(1.0) / (epoch + 1),
        "warmup": lambda epoch: (number(epoch + 1) / told["over"]).smallest(1.0),
        "drop": lambda epoch: number(told["to"] if epoch >= told["at"] else 1.0),
        "constant": lambda epoch: number(told["at"]),
    }
    return functions[name]


def _own_function(told: Any, group: _Group) -> Callable[[int], Number]:
    several = isinstance(told, Sequence)
    return _function((told[group.place] if group.place < len(told) else None) if several else told, group)


def _free(rate: Callable[[int], Number]) -> _Formula:
    """Return the formula of a rate that depends on the epoch alone."""
    return _Formula(lambda _, epoch: rate(epoch), rate)


def _lambda(settings: Mapping[str, Any], group: _Group) -> _Formula:
    factor, base = _own_function(settings["lr_lambda"], group), group.number(group.initial)
    return _free(lambda epoch: base * factor(epoch))


def _multiplicative(settings: Mapping[str, Any], group: _Group) -> _Formula:
    factor = _own_function(settings["lr_lambda"], group)
    return _Formula(lambda rate, epoch: rate * factor(epoch) if epoch else rate)


def _by_steps(settings: Mapping[str, Any], group: _Group) -> _Formula:
    size, gamma = settings["step_size"], group.number(settings.get("gamma", 0.1))
    base = group.number(group.initial)
    return _Formula(
        lambda rate, epoch: rate if epoch == 0 or epoch % size else rate * gamma,
        lambda epoch: base * gamma ** (epoch // size),
    )


def _by_milestones(settings: Mapping[str, Any], group: _Group) -> _Formula:
    milestones, gamma = sorted(settings["milestones"]), group.number(settings.get("gamma", 0.1))
    base = group.number(group.initial)
    return _Formula(
        lambda rate, epoch: rate * gamma ** milestones.count(epoch) if epoch in milestones else rate,
        lambda epoch: base * gamma ** bisect_right(milestones, epoch),
    )


def _constant(settings: Mapping[str, Any], group: _Group) -> _Formula:
    factor, last = group.number(settings.get("factor", 1.0 / 3)), settings.get("total_iters", 5)
    base = group.number(group.initial)

    def step(rate: Number, epoch: int) -> Number:
        if epoch == 0:
            return rate * factor
        return rate * (1.0 / factor) if epoch == last else rate

    return _Formula(step, lambda epoch: base * (factor + (epoch >= last) * (1 - factor)))


def _linear(settings: Mapping[str, Any], group: _Group) -> _Formula:
    named = (("start_factor", 1.0 / 3), ("end_factor", 1.0))
    start, end = (group.number(settings.get(key, value)) for key, value in named)
    base = group.number(group.initial)
    last: int = settings.get("total_iters", 5)

    def step(rate: Number, epoch: int) -> Number:
        if epoch == 0:
            return rate * start
        return rate if epoch > last else rate * (1.0 + (end - start) / (start * last + (end - start) * (epoch - 1)))

    return _Formula(step, lambda epoch: base * (start + (end - start) * min(last, epoch) / last))


def _exponential(settings: Mapping[str, Any], group: _Group) -> _Formula:
    gamma, base = group.number(settings["gamma"]), group.number(group.initial)
    return _Formula(lambda rate, epoch: rate * gamma if epoch else rate, lambda epoch: base * gamma**epoch)


def _polynomial(settings: Mapping[str, Any], group: _Group) -> _Formula:
    last: int = settings.get("total_iters", 5)
    power: float = settings.get("power", 1.0)
    base = group.number(group.initial)

    def left(epoch: int) -> Number:
        return 1.0 - group.number(epoch) / last

    def step(rate: Number, epoch: int) -> Number:
        return rate if epoch == 0 or epoch > last else rate * (left(epoch) / left(epoch - 1)) ** power

    return _Formula(step, lambda epoch: base * left(min(last, epoch)) ** power)


def _cosine(settings: Mapping[str, Any], group: _Group) -> _Formula:
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

    return _Formula(step, lambda epoch: least + (base - least) * turned(epoch) / 2)


def _restarting(settings: Mapping[str, Any], group: _Group) -> _Formula:
    length: int = settings["T_0"]
    factor: int = settings.get("T_mult", 1)
    least = group.number(settings.get("eta_min", 0.0))
    base, circle = group.number(group.initial), pi(rounds=group.rounds)
    if length <= 0:
        raise _Undefined("T_0")

    def rate(epoch: int) -> Number:
        period = length
        while epoch >= period:
            epoch, period = epoch - period, period * factor
        return least + (base - least) * (1 + (circle * epoch / period).cos()) / 2

    return _free(rate)


def _averaging(settings: Mapping[str, Any], group: _Group) -> _Formula:
    last: int = settings.get("anneal_epochs", 10)
    strategy = settings.get("anneal_strategy", "cos")
    goal, first, circle = group.number(group.own(settings["swa_lr"])), group.number(group.now), pi(rounds=group.rounds)
    if strategy not in ("cos", "linear"):
        raise _Undefined(strategy)

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

    return _Formula(step)


def _cyclic(settings: Mapping[str, Any], group: _Group) -> _Formula:
    low, high = (group.number(group.own(settings[key])) for key in ("base_lr", "max_lr"))
    return _free(_swinging(settings, group, low, high))


def _cyclic_momentum(settings: Mapping[str, Any], group: _Group) -> Callable[[int], Number]:
    low, high = (group.own(settings.get(key, value)) for key, value in (("base_momentum", 0.8), ("max_momentum", 0.9)))
    return _swinging(settings, group, group.number(high), group.number(low))


def _swinging(settings: Mapping[str, Any], group: _Group, rest: Number, peak: Number) -> Callable[[int], Number]:
    """Return what swings from ``rest`` to ``peak`` and back, by the epoch."""
    number, mode = group.number, settings.get("mode", "triangular")
    up = float(settings.get("step_size_up", 2000))
    down = settings.get("step_size_down")
    size = number(up) + (up if down is None else float(down))
    ratio = up / size
    gamma = number(settings.get("gamma", 1.0))
    scales: Mapping[str, Callable[[int], Number]] = {
        "triangular": lambda cycle: number(1.0),
        "triangular2": lambda cycle: 1 / number(2.0) ** (cycle - 1),
        "exp_range": lambda epoch: gamma**epoch,
    }
    given = settings.get("scale_fn")
    if given is None and mode not in scales:
        raise _Undefined(mode)
    scale = scales[mode] if given is None else _function(given, group)
    by_epoch = mode == "exp_range" if given is None else settings.get("scale_mode", "cycle") == "iterations"

    def at(epoch: int) -> Number:
        passed = 1.0 + number(epoch) / size
        return _hull(found for cycle in passed.floors() for found in in_cycle(epoch, cycle, passed - cycle))

    def in_cycle(epoch: int, cycle: int, place: Number) -> Iterator[Number]:
        falls = ratio.below(place)
        heights = [place / ratio] if falls is not True else []
        heights += [(place - 1) / (ratio - 1)] if falls is not False else []
        for height in heights:
            yield rest + (peak - rest) * height * scale(epoch if by_epoch else cycle)

    return at


def _hull(numbers: Iterator[Number]) -> Number:
    return reduce(Number.hull, numbers)


def _one_cycle(settings: Mapping[str, Any], group: _Group) -> _Formula:
    high = group.number(group.own(settings["max_lr"]))
    first = high / settings.get("div_factor", 25.0)
    least = first / settings.get("final_div_factor", 1e4)
    return _free(_phased(settings, group, (first, high, first, least)))


def _one_cycle_momentum(settings: Mapping[str, Any], group: _Group) -> Callable[[int], Number]:
    named = (("base_momentum", 0.85), ("max_momentum", 0.95))
    low, high = (group.number(group.own(settings.get(key, value))) for key, value in named)
    return _phased(settings, group, (high, low, high, high))


def _phased(settings: Mapping[str, Any], group: _Group, points: Sequence[Number]) -> Callable[[int], Number]:
    """Return what goes through ``points``, by the epoch; where there are two phases the third is left out."""
    number, strategy = group.number, settings.get("anneal_strategy", "cos")
    total, share = settings.get("total_steps"), settings.get("pct_start", 0.3)
    if total is None and "epochs" in settings and "steps_per_epoch" in settings:
        total = settings["epochs"] * settings["steps_per_epoch"]
    if total is None or not isinstance(share, float):
        raise _Undefined("a cycle without length or share")
    circle = pi(rounds=group.rounds)
    ends = [number(share) * total - 1, 2 * number(share) * total - 2, number(total - 1)]
    if not settings.get("three_phase", False):
        points, ends = [*points[:2], points[3]], [ends[0], ends[2]]

    def annealed(start: Number, end: Number, passed: Number) -> Number:
        if strategy == "linear":
            return (end - start) * passed + start
        return end + (start - end) / 2.0 * ((circle * passed).cos() + 1)

    def in_phases(epoch: int) -> Iterator[Number]:
        begin = number(0.0)
        for phase, end in enumerate(ends):
            over = end.below(epoch) if end is not ends[-1] else False
            if over is not True:
                yield annealed(points[phase], points[phase + 1], (epoch - begin) / (end - begin))
            if over is False:
                return
            begin = end

    def at(epoch: int) -> Number:
        if epoch > total:
            raise _Ended
        return _hull(in_phases(epoch))

    return at


def _nested(settings: Mapping[str, Any], group: _Group) -> list[_Formula]:
    if not settings["schedulers"]:
        raise _Undefined("no schedulers")
    return [_formula(entry, replace(group, now=group.initial)) for entry in settings["schedulers"]]


def _sequential(settings: Mapping[str, Any], group: _Group) -> _Formula:
    formulas, milestones = _nested(settings, group), settings["milestones"]
    if len(milestones) != len(formulas) - 1:
        raise _Undefined("milestones")

    def step(rate: Number, epoch: int) -> Number:
        turn = bisect_right(milestones, epoch)
        began = milestones[turn - 1] if turn else 0
        if epoch == 0:
            return formulas[turn].step(group.number(group.initial), 0)
        return formulas[turn].restarted() if turn and began == epoch else formulas[turn].step(rate, epoch - began)

    return _Formula(step)


def _chained(settings: Mapping[str, Any], group: _Group) -> _Formula:
    formulas = _nested(settings, group)

    def step(rate: Number, epoch: int) -> Number:
        return reduce(lambda rate, formula: formula.step(rate, epoch), formulas, rate)

    return _Formula(step)


_FORMULAS: Mapping[str, Callable[[Mapping[str, Any], _Group], _Formula]] = {
    "LambdaLR": _lambda,
    "MultiplicativeLR": _multiplicative,
    "StepLR": _by_steps,
    "MultiStepLR": _by_milestones,
    "ConstantLR": _constant,
    "LinearLR": _linear,
    "ExponentialLR": _exponential,
    "PolynomialLR": _polynomial,
    "CosineAnnealingLR": _cosine,
    "CosineAnnealingWarmRestarts": _restarting,
    "SWALR": _averaging,
    "CyclicLR": _cyclic,
    "OneCycleLR": _one_cycle,
    "SequentialLR": _sequential,
    "ChainedScheduler": _chained,
}


_MOMENTA: Mapping[str, Callable[[Mapping[str, Any], _Group], Callable[[int], Number]]] = {
    "CyclicLR": _cyclic_momentum,
    "OneCycleLR": _one_cycle_momentum,
}


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What ReduceLROnPlateau knows: the best metric, bad epochs, epochs to cool down, and the rates."""

    best: float | None
    bad: int
    cooling: int
    rates: tuple[Number, ...]


def _plateau(recipe: Recipe, groups: Sequence[_Group], steps: int) -> Table:
    """Return the rates of all groups, a row a step; a comparison that depends on rounding goes both ways."""
    settings = recipe["settings"]
    least = settings.get("min_lr", 0)
    if settings.get("factor", 0.1) >= 1.0 or (isinstance(least, Sequence) and len(least) != len(groups)):
        raise _Undefined("settings that are refused")
    worlds = [_Waiting(None, 0, 0, tuple(group.number(group.now) for group in groups))]
    table: Table = [list(worlds[0].rates)]
    for metric in recipe["metrics"][:steps]:
        worlds = [after for world in worlds for after in _waited(world, float(metric), settings, groups)]
        table.append([_hull(world.rates[place] for world in worlds) for place in range(len(groups))])
    return table


def _waited(
    world: _Waiting, metric: float, settings: Mapping[str, Any], groups: Sequence[_Group]
) -> Iterator[_Waiting]:
    for better in _outcomes(_better(world.best, metric, settings, groups[0])):
        best, bad = (metric, 0) if better else (world.best, world.bad + 1)
        cooling = world.cooling
        if cooling > 0:
            cooling, bad = cooling - 1, 0
        if bad <= settings.get("patience", 10):
            yield _Waiting(best, bad, cooling, world.rates)
            continue
        lowered = [list(_lowered(rate, settings, group)) for rate, group in zip(world.rates, groups, strict=True)]
        for rates in itertools.product(*lowered):
            yield _Waiting(best, 0, settings.get("cooldown", 0), rates)


def _outcomes(answer: bool | None) -> tuple[bool, ...]:
    return (True, False) if answer is None else (answer,)


def _better(best: float | None, metric: float, settings: Mapping[str, Any], group: _Group) -> bool | None:
    if math.isnan(metric) or best is None:
        return not math.isnan(metric)
    margin, rising = group.number(settings.get("threshold", 1e-4)), settings.get("mode", "min") == "max"
    if settings.get("threshold_mode", "rel") == "rel":
        bound = best * (margin + 1.0 if rising else 1.0 - margin)
    else:
        bound = best + margin if rising else best - margin
    return bound.below(metric) if rising else group.number(metric).below(bound)


def _lowered(rate: Number, settings: Mapping[str, Any], group: _Group) -> Iterator[Number]:
    new = (rate * settings.get("factor", 0.1)).largest(group.own(settings.get("min_lr", 0)))
    for changes in _outcomes(group.number(settings.get("eps", 1e-8)).below(rate - new)):
        yield new if changes else rate
