"""Compensated parameters: narrow numbers whose rounding errors the subject keeps, or that round a wider copy.

With Kahan summation the value is parameter plus compensation; with master weights it is the copy. Either lies within a
rounding of the parameter. Where it does not, the parameter alone is the value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck_implementations.adapters.adapter import COMPENSATION, MASTER
from stepcheck_implementations.driver.observing import bound_operations as bound
from stepcheck_reference.formats import FORMATS

NEAR = 2.0
"""Units in the last place of the parameter: a rounding of the sum, and one of the difference that is kept of it."""


def rest(theta: NDArray[Any], states: Mapping[str, NDArray[Any]], present: Mapping[str, NDArray[np.bool_]]) -> Any:
    """Return what the value has beyond ``theta``, shape (rows, size) in binary64; 0 where the subject has nothing."""
    beyond = bound.zeros(theta.shape, np.float64)
    for name in (COMPENSATION, MASTER):
        if name in states and states[name].shape == theta.shape:
            kept = bound.asarray(states[name], np.float64)
            beyond = bound.where(present[name][:, None], kept - (theta if name == MASTER else 0.0), beyond)
    return beyond


def whole(
    theta: NDArray[Any], beyond: NDArray[np.float64], dtype: str, moved: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the values of all rows of ``theta`` with what is ``beyond`` them.

    ``moved`` says of each row whether a step with a gradient led to it: after others, which leave all as it was, the
    parameter may have been overwritten by something else and be far from what is kept.
    """
    values = bound.asarray(theta, np.float64)
    near = bound.absolute(beyond) <= NEAR * unit_in_last_place(values, dtype)
    return bound.where(near | ~moved[:, None], values + beyond, values)


def unit_in_last_place(values: NDArray[np.float64], dtype: str) -> NDArray[np.float64]:
    """Return the distance of each value to its neighbours in ``dtype``."""
    form = FORMATS[dtype]
    with bound.errstate(all="ignore"):
        known = bound.isfinite(values) & (values != 0.0)
        _, exponents = bound.frexp(bound.where(known, values, form.smallest_normal))
        smallest = int(bound.frexp(form.smallest_normal)[1])
        units: NDArray[np.float64] = bound.ldexp(1.0, bound.maximum(exponents, smallest) - form.precision)
    return units
