"""Balls: arrays of values with radii and known signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stepcheck_reference.oracle.extended import Extended, Mask, Reals

OUTWARD = 1.0 + 2.0**-40
"""Factor on a finished radius. A radius is computed in binary64 from some hundred positive operations, each of which
may round it down by at most 2**-53 of itself: together by less than 2**-46, for which 2**-40 leaves room."""

CENTRE = 2.0**-52
"""Relative error of one operation on a centre that is stored in binary64: twice its unit roundoff, so that terms of
second order are covered, too."""


@dataclass(frozen=True, slots=True)
class Ball:
    """Arrays of one shape: binary64 value, radius (None: exact), 113-bit centre (None: the value is the centre).

    ``nonnegative`` says of all elements, or of each, that no evaluation can come out below zero, in any order.
    """

    value: Reals
    radius: Reals | None = None
    centre: Extended | None = None
    nonnegative: Mask | bool = False

    @property
    def error(self) -> Reals | float:
        """The radius, 0.0 where exact."""
        return 0.0 if self.radius is None else self.radius


@dataclass(frozen=True, slots=True)
class Bound:
    """One output's envelope and where it makes no claim.

    ``out_of_range``: an intermediate may leave the format. ``edge``: a divisor's ball contains 0.
    ``domain``: a root's argument may be negative, so nan is admissible.
    """

    ball: Ball
    out_of_range: Mask
    edge: Mask
    domain: Mask


def everywhere(flags: Mask) -> Mask | bool:
    """Return True or False where all of ``flags`` are, else the flags themselves."""
    return True if flags.all() else flags if flags.any() else False


def all_of(flags: Sequence[Mask | bool]) -> Mask | bool:
    """Return where all of ``flags`` are true."""
    together: Mask | bool = True
    for flag in flags:
        if flag is False or together is False:
            return False
        together = flag if together is True else together if flag is True else together & flag
    return together


def any_of(flags: Sequence[Mask | bool]) -> Mask | bool:
    """Return where at least one of ``flags`` is true."""
    inverse = all_of([not flag if isinstance(flag, bool) else ~flag for flag in flags])
    return not inverse if isinstance(inverse, bool) else ~inverse


def is_exact_zero(ball: Ball) -> Mask:
    """Return where ``ball`` is 0 and has no radius."""
    return np.asarray((ball.value == 0.0) & (np.asarray(ball.error) == 0.0))
