"""Avoided triggers: a script loses its trigger, and any other script is unchanged."""

from __future__ import annotations

from dataclasses import replace

from stepcheck.known_issues.avoid_trigger import (
    with_averaged_squares,
    with_nonnegative_lambd,
    without_expanded_gradients,
    without_gradient_strides,
    without_late_gradients,
    without_zero_rate,
)
from stepcheck_reference.scripts.script import Data, Drawn, Group, Literal, Script, Step, Tensor

ONE, ZERO = Literal((1.0,)), Literal((0.0,))
SIGNS, NORMAL = Drawn("signs", 1), Drawn("normal", 1)


def script(*rows: tuple[Data | None, ...], **hyper: float) -> Script:
    """Return a script with a row of gradients for each step, all tensors in one group."""
    tensors = tuple(Tensor((1,), "float32", ONE) for _ in rows[0])
    return Script(tensors, (Group(tuple(range(len(tensors))), hyper),), tuple(Step(row) for row in rows))


def test_only_a_first_gradient_that_comes_late_is_brought_forward() -> None:
    late = script((None, None), (ONE, None), (ONE, ONE))
    assert [step.gradients for step in without_late_gradients(late).steps] == [(None, None), (ONE, ZERO), (ONE, ONE)]
    missing = script((ONE, ONE), (None, ONE), (ONE, None))
    assert without_late_gradients(missing) == missing


def test_a_rate_of_0_stays_where_no_gradient_is_near_0() -> None:
    far = script((SIGNS,), (ONE,), (None,), lr=0.0)
    assert without_zero_rate(far) == far
    for near in (NORMAL, ZERO, replace(SIGNS, scale=0.5), replace(SIGNS, specials=((0, 0.0),))):
        assert without_zero_rate(script((SIGNS,), (near,), lr=0.0)).groups[0].hyper["lr"] > 0.0


def test_values_that_should_be_rejected_are_put_back_into_their_domains() -> None:
    assert with_averaged_squares(script((ONE,), beta2=2.0)).groups[0].hyper["beta2"] < 1.0
    assert with_nonnegative_lambd(script((ONE,), lambd=-1.0)).groups[0].hyper["lambd"] == 0.0
    plain = script((ONE,), beta2=0.9, lambd=0.5)
    assert with_averaged_squares(with_nonnegative_lambd(plain)) == plain


def test_gradients_lie_as_autograd_leaves_them_only_where_their_strides_may_differ() -> None:
    def layouts(*pairs: tuple[str, str]) -> Script:
        tensors = tuple(Tensor((2, 3), "float32", ONE, layout, gradient) for layout, gradient in pairs)
        return Script(tensors, (Group(tuple(range(len(tensors))), {}),), (Step((ONE,) * len(tensors)),))

    alike = layouts(("flat", "flat"), ("contiguous", "flat"), ("sliced", ""), ("transposed", "transposed"))
    assert without_gradient_strides(alike) == alike
    other = layouts(("contiguous", "expanded"), ("transposed", "contiguous"), ("flat", "sliced"))
    assert {tensor.gradient_layout for tensor in without_gradient_strides(other).tensors} == {""}
    assert [tensor.gradient_layout for tensor in without_expanded_gradients(other).tensors] == [
        "", "contiguous", "sliced",
    ]  # fmt: skip
