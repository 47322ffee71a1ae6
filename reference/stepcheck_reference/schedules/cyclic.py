"""Cyclic schedules: CyclicLR's waves and OneCycleLR's phases, of rates and of momenta."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from stepcheck_reference.schedules.binary64 import Number, pi
from stepcheck_reference.schedules.formula import (
    Ended,
    Formula,
    Group,
    Make,
    Settings,
    Undefined,
    hull,
    named_function,
    of_epoch_alone,
)


def _cyclic(settings: Settings, group: Group) -> Formula:
    low, high = (group.number(group.own(settings[key])) for key in ("base_lr", "max_lr"))
    return of_epoch_alone(_triangular_wave(settings, group, low, high))


def _cyclic_momentum(settings: Settings, group: Group) -> Callable[[int], Number]:
    low, high = (group.own(settings.get(key, value)) for key, value in (("base_momentum", 0.8), ("max_momentum", 0.9)))
    return _triangular_wave(settings, group, group.number(high), group.number(low))


def _triangular_wave(settings: Settings, group: Group, rest: Number, peak: Number) -> Callable[[int], Number]:
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
    scale_function = settings.get("scale_fn")
    if scale_function is None and mode not in scales:
        raise Undefined(mode)
    scale = scales[mode] if scale_function is None else named_function(scale_function, group)
    by_epoch = mode == "exp_range" if scale_function is None else settings.get("scale_mode", "cycle") == "iterations"

    def at(epoch: int) -> Number:
        passed = 1.0 + number(epoch) / size
        return hull(number for cycle in passed.floors() for number in in_cycle(epoch, cycle, passed - cycle))

    def in_cycle(epoch: int, cycle: int, position: Number) -> Iterator[Number]:
        falls = ratio.below(position)
        heights = [position / ratio] if falls is not True else []
        heights += [(position - 1) / (ratio - 1)] if falls is not False else []
        for height in heights:
            yield rest + (peak - rest) * height * scale(epoch if by_epoch else cycle)

    return at


def _one_cycle(settings: Settings, group: Group) -> Formula:
    high = group.number(group.own(settings["max_lr"]))
    first = high / settings.get("div_factor", 25.0)
    least = first / settings.get("final_div_factor", 1e4)
    return of_epoch_alone(_one_cycle_phases(settings, group, (first, high, first, least)))


def _one_cycle_momentum(settings: Settings, group: Group) -> Callable[[int], Number]:
    named = (("base_momentum", 0.85), ("max_momentum", 0.95))
    low, high = (group.number(group.own(settings.get(key, value))) for key, value in named)
    return _one_cycle_phases(settings, group, (high, low, high, high))


def _one_cycle_phases(settings: Settings, group: Group, points: Sequence[Number]) -> Callable[[int], Number]:
    """Return what goes through ``points``, by the epoch; where there are two phases the third is left out."""
    number, strategy = group.number, settings.get("anneal_strategy", "cos")
    total, share = settings.get("total_steps"), settings.get("pct_start", 0.3)
    if total is None and "epochs" in settings and "steps_per_epoch" in settings:
        total = settings["epochs"] * settings["steps_per_epoch"]
    if total is None or not isinstance(share, float):
        raise Undefined("a cycle without length or share")
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
            raise Ended
        return hull(in_phases(epoch))

    return at


FORMULAS: Mapping[str, Make] = {
    "CyclicLR": _cyclic,
    "OneCycleLR": _one_cycle,
}
"""The formula of a group by the scheduler's name and settings."""
MOMENTA: Mapping[str, Callable[[Settings, Group], Callable[[int], Number]]] = {
    "CyclicLR": _cyclic_momentum,
    "OneCycleLR": _one_cycle_momentum,
}
