"""Balls around what binary64 computes: they hold the exact value and the computed one, and are hardly wider."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from flint import ctx
from hypothesis import given
from hypothesis import strategies as st

from stepcheck_reference.schedules.binary64 import Number, exact, pi, precision

NUMBERS = st.floats(min_value=1e-3, max_value=1e3) | st.integers(1, 50).map(float)
PROGRAMS: dict[str, Callable[[Any, Any], Any]] = {
    "sum": lambda x, y: x + y,
    "difference of products": lambda x, y: x * y - y / x,
    "cancelling": lambda x, y: (x + y) - x - y,
    "reciprocals": lambda x, y: 1.0 / (1.0 - x / (x + y)) + 2 * y,
    "powers": lambda x, y: x**3 * y**0.5,
    "a long chain": lambda x, y: ((x * y * y * y) / x + y) * 0.1 - 0.3,
}


def holds(number: Number, value: float) -> bool:
    return bool(abs(number.ball - exact(value)).lower() <= 0)


@pytest.mark.parametrize("name", PROGRAMS)
@given(x=NUMBERS, y=NUMBERS)
def test_a_ball_contains_python_s_result_and_the_exact_one(name: str, x: float, y: float) -> None:
    program = PROGRAMS[name]
    with precision(128):
        ball = program(Number(exact(x), True), Number(exact(y), True))
        assert holds(ball, program(x, y))
    with precision(400):
        assert ball.ball.overlaps(program(Number(exact(x), False), Number(exact(y), False)).ball)


@given(x=st.floats(min_value=-50, max_value=50))
def test_a_cosine_contains_the_result_of_the_c_library(x: float) -> None:
    with precision(128):
        assert holds(Number(exact(x), True).cos(), math.cos(x))


def test_the_cosine_of_the_binary64_nearest_to_pi_is_minus_one() -> None:
    with precision(128):
        assert pi(rounds=True).cos().ball == -1
        assert math.cos(math.pi) == -1.0
        assert pi(rounds=False).cos().ball.contains(-1)


def test_a_representable_result_is_exact_and_another_is_half_a_unit_wide() -> None:
    with precision(128):
        three, ten = (Number(exact(value), True) for value in (3, 10))
        assert (three * ten).ball.is_exact()
        third = (three / ten).ball
        assert not third.is_exact()
        assert exact(0.3 * 2.0**-54) < third.rad() < exact(0.3 * 2.0**-52)


def test_a_product_of_an_inexact_number_is_rounded_even_by_a_power_of_two() -> None:
    with precision(128):
        rough = Number(exact(1), True) / 3
        assert (rough * 0.5).ball.rad() > (Number(rough.ball, False) * 0.5).ball.rad()


def test_zero_times_anything_is_zero() -> None:
    with precision(128):
        rough = Number(exact(1), True) / 3
        assert ((rough * 0) ** 0.9).ball == 0
        assert (Number(exact(0), True) / rough).ball == 0
        assert (Number(exact(0), True) ** 0).ball == 1


def test_a_comparison_that_depends_on_rounding_is_undecided() -> None:
    with precision(128):
        tenths = Number(exact(1), True) / 10 * 3
        assert tenths.below(0.3) is None
        assert tenths.below(0.31) is True
        assert tenths.below(0.29) is False
        assert list((tenths * 10).floors()) == [2, 3]
        assert list(Number(exact(2.5), True).floors()) == [2]


def test_the_precision_is_restored() -> None:
    before = ctx.prec
    with pytest.raises(ZeroDivisionError), precision(77):
        assert ctx.prec / 0
    with precision(77):
        assert ctx.prec == 77
    assert ctx.prec == before
