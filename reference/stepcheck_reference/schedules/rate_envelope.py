"""Rate envelopes: what a scheduler's documented formula gives, and how far binary64 may be from it.

The formulas are those of the documentation of ``torch.optim.lr_scheduler`` and ``torch.optim.swa_utils.SWALR``, both
the recurrence ("chainable form") and the closed form where there are two.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from stepcheck_reference.schedules.binary64 import Number, exact, precision
from stepcheck_reference.schedules.composition import formula_of
from stepcheck_reference.schedules.cyclic import MOMENTA
from stepcheck_reference.schedules.formula import Ended, Group, Recipe, Table, Undefined, name_of
from stepcheck_reference.schedules.plateau import plateau_rates

Envelope = tuple[NDArray[np.float64], NDArray[np.float64]]

_BITS = 128
"""Bits of balls that binary64's roundings widen; their own roundings are negligible."""
_EXACT_BITS = 400
"""Bits of balls that stand for exact numbers."""


def envelope(recipe: Recipe, steps: int) -> Envelope | None:
    """Return centre and radius of every rate: (steps + 1) × groups, a row for the construction and one a step.

    The centre is the documented formula in exact arithmetic, from the exact binary64 settings, rounded once. The radius
    is the farthest that any evaluation of the recurrence or of the closed form in binary64 can be from it; where a
    comparison depends on rounding, of either outcome. Rows after a schedule's end are nan. None where the documentation
    defines no sequence: settings that are refused, two forms that contradict each other, and what a scheduler whose
    rate depends on the last does first where it is resumed, or takes over from another without a closed form.
    """
    if name_of(recipe) == "ReduceLROnPlateau":
        return _enveloped(recipe, steps + 1, lambda groups: (plateau_rates(recipe, groups, steps), []))
    return _enveloped(recipe, steps + 1, lambda groups: _table(groups, lambda group: _rates(recipe, group, steps)))


def envelope_of_jumps(recipe: Recipe) -> Envelope | None:
    """Return the same for the rates after ``step(epoch)``, a row for each of the recipe's jumps.

    None, too, where a scheduler's rate is not a function of the epoch.
    """

    def jumped(group: Group) -> Iterator[Forms]:
        formula = formula_of(recipe, group)
        for epoch in recipe["jumps"]:
            if formula.closed is None:
                raise Undefined(f"{name_of(recipe)} has no closed form")
            yield formula.closed(epoch), None

    return _enveloped(recipe, len(recipe["jumps"]), lambda groups: _table(groups, jumped))


def envelope_of_momenta(recipe: Recipe, steps: int) -> Envelope | None:
    """Return the same for each group's momentum, or beta1, as ``envelope`` does; None where it is not cycled."""
    cycled = MOMENTA.get(name_of(recipe))
    first = recipe["settings"].get("last_epoch", -1) + 1
    if cycled is None or not recipe["settings"].get("cycle_momentum", True):
        return None

    def momenta(group: Group) -> Iterator[Forms]:
        momentum_at = cycled(recipe["settings"], group)
        for epoch in range(first, first + steps + 1):
            try:
                yield momentum_at(epoch), None
            except Ended:
                return

    return _enveloped(recipe, steps + 1, lambda groups: _table(groups, momenta))


Forms = tuple[Number, Number | None]
"""The values of the recurrence and the closed form; None where there is no closed form."""


def _enveloped(
    recipe: Recipe, rows: int, rates: Callable[[list[Group]], tuple[Table, list[tuple[Number, Number]]]]
) -> Envelope | None:
    """Return the envelope, of ``rows`` rows, of what ``rates`` gives for groups that do not round and that do."""
    try:
        with precision(_EXACT_BITS):
            centres, pairs = rates(_groups(recipe, rounds=False))
            if any(not one.ball.overlaps(other.ball) for one, other in pairs):
                return None
        with precision(_BITS):
            return _around(centres, rates(_groups(recipe, rounds=True))[0], (rows, len(recipe["groups"])))
    except (Undefined, ZeroDivisionError):
        return None


def _groups(recipe: Recipe, *, rounds: bool) -> list[Group]:
    return [
        Group(index, group["lr"], group.get("initial_lr", group["lr"]), rounds)
        for index, group in enumerate(recipe["groups"])
    ]


def _around(exact_rates: Table, rates: Table, shape: tuple[int, int]) -> Envelope:
    """Return the centres of ``exact_rates``, and radii that reach to all of ``rates``; nan where there is none."""
    centre, radius = np.full(shape, np.nan), np.full(shape, np.nan)
    for row, index in itertools.product(range(len(rates)), range(shape[1])):
        middle, computed = exact_rates[row][index], rates[row][index]
        if middle is not None and computed is not None:
            centre_value = 0.0 if middle.ball.contains(0) else float(middle.ball.mid())
            distance = abs(computed.hull(middle).ball - exact(centre_value)).upper()
            centre[row, index] = centre_value
            radius[row, index] = 0.0 if distance == 0 else math.nextafter(float(distance), math.inf)
    return centre, radius


def _table(
    groups: list[Group], sequence: Callable[[Group], Iterator[Forms]]
) -> tuple[Table, list[tuple[Number, Number]]]:
    """Return the numbers of every group's sequence, and the pairs of recurrence and closed form.

    Without rounding a number is the closed form's, where there is one; with it, the hull of both forms.
    """
    sequences = [list(sequence(group)) for group in groups]
    table: Table = [[None] * len(groups) for _ in range(max(map(len, sequences)))]
    pairs: list[tuple[Number, Number]] = []
    for group, forms in zip(groups, sequences, strict=True):
        for row, (stepped, closed) in enumerate(forms):
            finite = [number for number in (closed, stepped) if number is not None and number.ball.is_finite()]
            if finite:
                table[row][group.index] = reduce(Number.hull, finite) if group.rounds else finite[0]
            if len(finite) == 2:
                pairs.append((finite[0], finite[1]))
    return table, pairs


_FROM_THE_LAST = frozenset(("MultiplicativeLR", "LinearLR", "ExponentialLR", "PolynomialLR", "CosineAnnealingLR"))
"""Schedulers whose recurrence multiplies the rate that is there. Whether a resumed one does so when it is built is not
documented, and differs: torch 2.2 does, 2.13 does not."""


def _rates(recipe: Recipe, group: Group, steps: int) -> Iterator[Forms]:
    """Yield what recurrence and closed form give, from the construction on, for as long as there is a rate."""
    formula = formula_of(recipe, group)
    first = recipe["settings"].get("last_epoch", -1) + 1
    if first and name_of(recipe) in _FROM_THE_LAST:
        raise Undefined(f"{name_of(recipe)} resumed")
    if name_of(recipe) == "SWALR":
        first = 0  # it counts its own steps
    rate = group.number(group.now)
    for epoch in range(first, first + steps + 1):
        try:
            rate = formula.step(rate, epoch)
        except Ended:
            return
        closed = None if formula.closed is None else formula.closed(epoch)
        yield rate, closed
        if epoch == first and closed is not None and group.rounds:
            rate = rate.hull(closed)  # what takes over from another scheduler starts at the closed form
