"""Filtering: numerators and divisors that a reading's first steps leave, in float64, for every assignment at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Symbol

from stepcheck_reference.alphabet import g, t, theta
from stepcheck_reference.identify.assignment import Assignment
from stepcheck_reference.identify.evaluation.compiled_step import Step
from stepcheck_reference.identify.evaluation.operations import ARRAYS
from stepcheck_reference.identify.lifting import Lifted
from stepcheck_reference.identify.variants.combinations import divisors, fits, numerators
from stepcheck_reference.identify.variants.variant import (
    RATE_INSIDE,
    SLOTS,
    Divisor,
    Variant,
    divisor_step,
    numerator_step,
)

Array = NDArray[np.float64]

SLOPES = (1.3, -0.21, 2.1, 0.07, -0.7, 0.4)
RATES = (0.55, 0.31, 0.83, 0.47, 0.29, 0.61)
START = 0.8
CLOSE = 2.0**-30
"""Float64 steps that differ by more, relative to their size, are not the same step; what is closer is tried again."""


@dataclass(frozen=True, slots=True, eq=False)
class Core:
    """What a reading does without decay: the change of theta at each step, its hyper-parameters and its rates."""

    changes: Array
    values: Mapping[Symbol, float]
    at: int
    rates: tuple[float, ...] = RATES


def float_values(symbols: Sequence[Symbol], constants: dict[Symbol, float]) -> dict[Symbol, float]:
    """Return a number between 0.2 and 0.95 for each symbol that is no constant's; those are drawn as well."""
    return {symbol: 0.25 + 0.68 * ((0.381966 + 0.618034 * index) % 1) for index, symbol in enumerate(symbols)}


def core(step: Step, start: Step, values: Mapping[Symbol, float], rate: Symbol | None) -> Core:
    """Return the changes of theta from t = 1 on, or from t = 2 where the first step is undefined."""
    with np.errstate(all="ignore"):
        return _core(step, start, values, rate)


def _core(step: Step, start: Step, values: Mapping[Symbol, float], rate: Symbol | None) -> Core:
    for at in (1, 2):
        hyper = {symbol: np.float64(value) for symbol, value in values.items()}
        if rate is not None:
            hyper[rate] = np.float64(RATES[0])
        state: dict[Symbol, Any] = {theta: np.float64(START)}
        state |= start(ARRAYS, {**state, **hyper})
        changes = []
        for index, slope in enumerate(SLOPES):
            if rate is not None:
                hyper[rate] = np.float64(RATES[index])
            new = step(ARRAYS, {**state, **hyper, g: np.float64(slope), t: np.float64(at + index)})
            changes.append(float(new[theta] - state[theta]))
            state = new
        if np.isfinite(changes).all():
            break
    return Core(np.array(changes), values, at)


def survivors(reading: Core, chosen: Sequence[Assignment]) -> Iterator[tuple[Variant, Assignment]]:
    """Yield the variants, without decay, whose changes of theta are those of ``reading``, with an assignment each."""
    if not np.isfinite(reading.changes).all() or not reading.changes.any():
        return
    with np.errstate(all="ignore"):
        slots = {
            slot: np.array([reading.values[made[slot]] if slot in made else np.nan for made in chosen])
            for slot in SLOTS
        }
        over = _divisors(reading, slots)
        along = _numerators(reading, slots)
        yield from _front(reading, slots, along, over, chosen)
        yield from _behind(reading, slots, over, chosen)


def _hyper(reading: Core, slots: dict[str, Array], index: int) -> dict[str, Any]:
    return {**slots, "lr": np.where(np.isnan(slots["lr"]), np.nan, reading.rates[index])}


def _started(divisor: Divisor, slots: dict[str, Array]) -> dict[str, Any]:
    zero = np.zeros_like(slots["lr"])
    start = {"zero": zero, "start": slots["start"], "one": zero + 1}[divisor.start]
    return {"m": zero, "v": start, "a": zero, "v_max": zero}


def _divisors(reading: Core, slots: dict[str, Array]) -> Array:
    """Return the divisor of each step, (divisors, steps, assignments)."""
    result = np.ones((len(divisors()), len(SLOPES), len(slots["lr"])))
    for row, divisor in enumerate(divisors()):
        state = _started(divisor, slots)
        for index, slope in enumerate(SLOPES):
            p = _hyper(reading, slots, index)
            m_new = p["beta1"] * state["m"] + (1 - p["beta1"]) * slope
            count = np.float64(reading.at + index)
            new, value = divisor_step(divisor, ARRAYS, {**state, "m_new": m_new}, np.float64(slope), count, p)
            state = {**state, **new, "m": m_new}
            result[row, index] = value
    return result


def _numerators(reading: Core, slots: dict[str, Array]) -> Array:
    """Return the numerator of each step times the rate, (numerators, steps, assignments)."""
    result = np.empty((len(numerators()), len(SLOPES), len(slots["lr"])))
    for row, numerator in enumerate(numerators()):
        state: dict[str, Any] = {"m": np.zeros_like(slots["lr"])}
        for index, slope in enumerate(SLOPES):
            p = _hyper(reading, slots, index)
            count = np.float64(reading.at + index)
            new, value = numerator_step(numerator, ARRAYS, state, np.float64(slope), count, p)
            state = {**state, **new}
            result[row, index] = value if numerator.buffer in RATE_INSIDE else p["lr"] * value
    return result


def _matching(reading: Core, changes: Array) -> tuple[NDArray[np.intp], ...]:
    """Return the indices of rows and assignments at which ``changes`` (..., steps, assignments) are the reading's."""
    found = np.nonzero(_close(changes[..., 0, :], reading.changes[0]))
    for index in range(1, len(SLOPES)):
        right = _close(changes[(*found[:-1], index, found[-1])], reading.changes[index])
        found = tuple(indices[right] for indices in found)
    return found


def _close(changes: Array, wanted: float) -> NDArray[np.bool_]:
    close = np.abs(np.abs(changes) - abs(wanted)) <= CLOSE * (abs(wanted) + np.abs(changes))
    return close & np.isfinite(changes)


def _front(
    reading: Core, slots: dict[str, Array], along: Array, over: Array, chosen: Sequence[Assignment]
) -> Iterator[tuple[Variant, Assignment]]:
    for row, numerator in enumerate(numerators()):
        for place, which in zip(*_matching(reading, along[row] / over), strict=True):
            if fits(numerator, divisors()[place], False):
                yield Variant(numerator, divisors()[place]), chosen[which]
    roots = np.sqrt(np.arange(reading.at, reading.at + len(SLOPES)))[:, None]
    for row, numerator in enumerate(numerators()):
        if numerator.buffer in RATE_INSIDE:
            continue
        for place, which in zip(*_matching(reading, along[row] / over / roots), strict=True):
            if fits(numerator, divisors()[place], False):
                yield Variant(numerator, divisors()[place], rate="root"), chosen[which]


def _behind(
    reading: Core, slots: dict[str, Array], over: Array, chosen: Sequence[Assignment]
) -> Iterator[tuple[Variant, Assignment]]:
    for numerator in numerators():
        if numerator.buffer == "gradient" or numerator.sign or numerator.buffer == "two_betas":
            continue
        state: dict[str, Any] = {"m": np.zeros(over.shape[::2])}
        changes = np.empty_like(over)
        for index, slope in enumerate(SLOPES):
            p = _hyper(reading, slots, index)
            count = np.float64(reading.at + index)
            new, value = numerator_step(numerator, ARRAYS, state, slope / over[:, index], count, p)
            state = {**state, **new}
            changes[:, index] = value if numerator.buffer in RATE_INSIDE else p["lr"] * value
        for place, which in zip(*_matching(reading, changes), strict=True):
            if fits(numerator, divisors()[place], True):
                yield Variant(numerator, divisors()[place], behind=True), chosen[which]


def groups(
    reading: Lifted, chosen: Sequence[Assignment]
) -> dict[tuple[Symbol | None, Symbol | None, Symbol | None], list[Assignment]]:
    """Return the assignments by what they take for the rate, the decay and the fall of the rate."""
    made: dict[tuple[Symbol | None, Symbol | None, Symbol | None], list[Assignment]] = {}
    for assignment in chosen:
        key = (assignment.get("lr"), assignment.get("weight_decay"), assignment.get("lr_decay"))
        made.setdefault(key, []).append(assignment)
    return made
