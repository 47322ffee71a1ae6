"""Operations: what a step is written in, so that the same lines give arrays, numbers of 200 bits or expressions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import sympy

BITS = 200
"""The precision to which two steps have to agree before a proof is tried."""

CONTEXT = mpmath.MPContext()
CONTEXT.prec = BITS + 60


@dataclass(frozen=True, slots=True)
class Operations:
    """The functions that differ between kinds of numbers; sums and products are Python's own.

    A division by 0 and a root of a negative number give nan. ``select`` takes a condition and two values.
    """

    divide: Callable[[Any, Any], Any]
    sqrt: Callable[[Any], Any]
    power: Callable[[Any, Any], Any]
    maximum: Callable[..., Any]
    minimum: Callable[..., Any]
    absolute: Callable[[Any], Any]
    sign: Callable[[Any], Any]
    select: Callable[[Any, Any, Any], Any]
    first: Callable[[Any], Any]
    conjunction: Callable[..., Any]
    disjunction: Callable[..., Any]
    negation: Callable[[Any], Any]
    function: Callable[[str, Any], Any]


def _array_extreme(pairwise: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def extreme(*values: Any) -> Any:
        result = values[0]
        for value in values[1:]:
            result = pairwise(result, value)
        return result

    return extreme


def _number_divide(above: Any, below: Any) -> Any:
    return above / below if below else CONTEXT.nan


def _number_sqrt(value: Any) -> Any:
    return CONTEXT.sqrt(value) if value >= 0 else CONTEXT.nan


def _number_power(base: Any, exponent: Any) -> Any:
    if base == 0 and exponent < 0:
        return CONTEXT.nan
    if base < 0 and exponent != int(exponent):
        return CONTEXT.nan
    return CONTEXT.power(base, exponent)


def _number_extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    def extreme(*values: Any) -> Any:
        return CONTEXT.nan if any(CONTEXT.isnan(value) for value in values) else choose(values)

    return extreme


def _array_divide(above: Any, below: Any) -> Any:
    return above / np.where(np.equal(below, 0), np.nan, below)


ARRAYS = Operations(
    divide=_array_divide,
    sqrt=np.sqrt,
    power=np.power,
    maximum=_array_extreme(np.maximum),
    minimum=_array_extreme(np.minimum),
    absolute=np.abs,
    sign=np.sign,
    select=np.where,
    first=lambda t: t == 1,
    conjunction=_array_extreme(np.logical_and),
    disjunction=_array_extreme(np.logical_or),
    negation=np.logical_not,
    function=lambda name, value: getattr(np, name)(value),
)
"""Float64 arrays: many assignments of hyper-parameters at once, as a filter."""

NUMBERS = Operations(
    divide=_number_divide,
    sqrt=_number_sqrt,
    power=_number_power,
    maximum=_number_extreme(max),
    minimum=_number_extreme(min),
    absolute=abs,
    sign=CONTEXT.sign,
    select=lambda condition, yes, no: yes if condition else no,
    first=lambda t: t == 1,
    conjunction=lambda *parts: all(parts),
    disjunction=lambda *parts: any(parts),
    negation=lambda part: not part,
    function=lambda name, value: getattr(CONTEXT, name)(value),
)
"""Numbers of more than ``BITS`` bits."""

EXPRESSIONS = Operations(
    divide=lambda above, below: above / below,
    sqrt=sympy.sqrt,
    power=sympy.Pow,
    maximum=sympy.Max,
    minimum=sympy.Min,
    absolute=sympy.Abs,
    sign=sympy.sign,
    select=lambda condition, yes, no: sympy.Piecewise((yes, condition), (no, True)),
    first=lambda t: sympy.Eq(t, 1),
    conjunction=sympy.And,
    disjunction=sympy.Or,
    negation=sympy.Not,
    function=lambda name, value: getattr(sympy, name)(value),
)
"""Expressions of SymPy."""
