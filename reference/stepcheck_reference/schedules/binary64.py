"""Numbers that a program computes in binary64, as balls that hold the exact value and every computed one.

Each operation's ball is widened by what binary64 rounds off: half a unit in the last place for + − × ÷ (IEEE 754), a
whole one for pow and cos (1 for both in the GNU C library manual, "Known Maximum Errors in Math Functions"), and half
the smallest subnormal where a result can underflow. Because operands are balls, too, effects of the second order are
covered.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import arb, ctx, fmpq

_DIGITS = 53
_SMALLEST = -1074
_HALF_UNIT = Fraction(1, 2**_DIGITS)
_UNIT = 2 * _HALF_UNIT
_HALF_SUBNORMAL = Fraction(1, 2 ** (1 - _SMALLEST))
_NEAR_ONE = Fraction(1, 2 ** (_DIGITS + 7))


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Compute balls with ``bits`` bits in the block."""
    saved = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = saved


def exact(value: Fraction | float) -> Any:
    """Return the arb ball of radius 0 around ``value``; of a fraction that is not dyadic, the smallest around it."""
    fraction = Fraction(value)
    return arb(fmpq(fraction.numerator, fraction.denominator))


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """A number as an arb ball; ``rounds`` says that binary64 computes with it, else it is exact.

    Python's numbers are taken as they are. Where an operation has no value, the ball is not finite.
    """

    ball: Any
    rounds: bool

    def _ball_of(self, operand: Number | float) -> Any:
        return operand.ball if isinstance(operand, Number) else exact(operand)

    def _rounded_result(self, ball: Any, operands: tuple[Any, ...], unit: Fraction = _HALF_UNIT) -> Number:
        """Return the result of an operation on balls, rounded; what binary64 represents exactly is not."""
        if not self.rounds or not ball.is_finite() or ball.is_zero():  # 0 times or divided by anything is 0
            return Number(ball, self.rounds)
        if all(operand.is_exact() for operand in operands) and _represented(ball):
            return Number(ball, self.rounds)
        off = abs(ball).upper() * exact(unit) + exact(_HALF_SUBNORMAL)
        return Number(ball + arb(0, off.upper()), self.rounds)

    def __add__(self, operand: Number | float) -> Number:
        right = self._ball_of(operand)
        return self._rounded_result(self.ball + right, (self.ball, right))

    def __radd__(self, operand: float) -> Number:
        return self + operand

    def __sub__(self, operand: Number | float) -> Number:
        right = self._ball_of(operand)
        return self._rounded_result(self.ball - right, (self.ball, right))

    def __rsub__(self, operand: float) -> Number:
        return Number(exact(operand), self.rounds) - self

    def __mul__(self, operand: Number | float) -> Number:
        right = self._ball_of(operand)
        return self._rounded_result(self.ball * right, (self.ball, right))

    def __rmul__(self, operand: float) -> Number:
        return self * operand

    def __truediv__(self, operand: Number | float) -> Number:
        right = self._ball_of(operand)
        return self._rounded_result(self.ball / right, (self.ball, right))

    def __rtruediv__(self, operand: float) -> Number:
        return Number(exact(operand), self.rounds) / self

    def __pow__(self, exponent: float) -> Number:
        """Return the power; C has pow(x, 0) = 1 and pow(1, y) = 1 exactly, and 0 and x themselves are no estimates."""
        if exponent == 0:
            return Number(arb(1), self.rounds)
        if exponent == 1 or (self.ball.is_exact() and self.ball in (0, 1) and exponent > 0):
            return self
        is_integer = float(exponent).is_integer()
        return self._rounded_result(self.ball ** (int(exponent) if is_integer else exact(exponent)), (), _UNIT)

    def cos(self) -> Number:
        """Return the cosine; within 2**-60 of 1 or −1, where no other binary64 is near, it is that number."""
        ball = self.ball.cos()
        one = arb(1) if ball > 0 else arb(-1)
        if self.rounds and ball.is_finite() and abs(ball - one).upper() < exact(_NEAR_ONE):
            return Number(one, self.rounds)
        return self._rounded_result(ball, (), _UNIT)

    def largest(self, operand: Number | float) -> Number:
        """Return the larger of the two."""
        return Number(self.ball.max(self._ball_of(operand)), self.rounds)

    def smallest(self, operand: Number | float) -> Number:
        """Return the smaller of the two."""
        return Number(self.ball.min(self._ball_of(operand)), self.rounds)

    def below(self, operand: Number | float) -> bool | None:
        """Return whether it is less than ``operand``, None where that depends on how it was rounded."""
        right = self._ball_of(operand)
        if self.ball < right:
            return True
        return False if self.ball >= right else None

    def floors(self) -> range:
        """Return every whole number that may be its floor."""
        low, high = self.ball.lower().floor().unique_fmpz(), self.ball.upper().floor().unique_fmpz()
        return range(int(low), int(high) + 1)

    def hull(self, operand: Number) -> Number:
        """Return the ball that contains both; if one is not finite, the other."""
        if not operand.ball.is_finite():
            return self
        return Number(self.ball.union(operand.ball), self.rounds) if self.ball.is_finite() else operand


def pi(*, rounds: bool) -> Number:
    """Return π, or the binary64 that stands for it."""
    return Number(exact(math.pi) if rounds else arb.pi(), rounds)


def _represented(ball: Any) -> bool:
    """Return whether a ball is one number, and that a binary64."""
    if not ball.is_exact():
        return False
    mantissa, exponent = (int(part) for part in ball.man_exp())
    return mantissa.bit_length() <= _DIGITS and exponent >= _SMALLEST
