"""The reader follows numbers and tensors through a step, and says where it could not."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sympy import Abs, Eq, Gt, Integer, Lt, Max, Ne, Piecewise, Rational, Symbol, sign, sqrt

from stepcheck_implementations.driver.target import load
from stepcheck_implementations.reader import answer as answers
from stepcheck_implementations.reader import reading_run
from stepcheck_implementations.reader.operations import elementwise
from stepcheck_implementations.reader.read_target import read
from stepcheck_implementations.reader.torch_mode import ReadingMode
from stepcheck_reference.alphabet import g, lr, momentum, nu, t, theta, v
from stepcheck_reference.reading.from_run import reading_of
from stepcheck_reference.reading.merging import same
from stepcheck_reference.reading.reading import Reading

SUBJECTS = Path(__file__).parents[1] / "subjects" / "readable.py"


def data_of(name: str) -> dict[str, Any]:
    return read(load(f"{SUBJECTS}:{name}"), f"{SUBJECTS}:{name}")


def reading(name: str) -> Reading:
    data = data_of(name)
    assert data["changed"] == []
    return reading_of(data)


def test_numbers_in_front_are_factors() -> None:
    found = reading("OldOverloads")
    new = Rational(9, 10) * v + g**2 / 10
    assert same(found.step[v], new, {})
    assert same(found.step[theta], theta - lr * g - lr * g / (sqrt(new) + Rational(1, 10**8)), {})


def test_masks_are_choices_in_every_element() -> None:
    found, old = reading("Masked"), Symbol("old", real=True)
    size = Piecewise((2 * lr, Gt(g * old, 0)), (lr / 2, Lt(g * old, 0)), (lr, True))
    step = Piecewise((sign(g), Gt(Abs(g), 1)), (g, True))
    assert same(found.step[theta], theta - size * Piecewise((0, Eq(theta, 0)), (step, True)), {})
    assert found.step[old] == g
    assert found.opaque == ()


def test_python_numbers_and_literals_carry_expressions() -> None:
    found = reading("CountsByHand")
    assert same(found.step[theta], theta - lr / sqrt(t) * (1 - Rational(9, 10) ** t) * g, {})
    assert set(found.step) == {theta}


def test_an_argument_that_torch_once_called_required_is_one() -> None:
    found = reading("Quasi")
    assert same(found.step[theta], theta - lr * ((1 - nu) * g + nu * momentum * g), {})


def test_a_first_step_that_differs_is_a_choice() -> None:
    step = reading("TakesAnotherStepAtFirst").step[theta]
    assert step.has(Eq(t, 1)) or step.has(Ne(t, 1))
    assert same(step, theta - lr * g / 2, {t: Integer(1)})
    assert same(step, theta - lr * g, {t: Integer(7)})


def test_numbers_that_change_are_states() -> None:
    found = reading("WithScalars")
    rate, product, gamma = Symbol("rate", real=True), Symbol("product", real=True), Symbol("gamma", nonnegative=True)
    assert {state.name for state in found.scalars} == {"rate", "product"}
    assert {state.name: str(value) for state, value in found.init.items()} == {"rate": "1", "product": "1"}
    assert str(found.step[rate]) == str(gamma * rate)
    assert str(found.step[product]) == str(gamma * product)


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("LosesNumbers", answers.NOT_FOLLOWED),
        ("WritesUnseen", reading_run.UNSEEN),
    ],
)
def test_what_is_not_followed_is_named(name: str, called: str) -> None:
    found = reading(name)
    assert found.opaque == (called,)
    assert not found.complete


def test_a_function_is_called_as_its_arguments_say() -> None:
    target = "examples/handwritten.py:momentum_step"
    found = reading_of(read(load(target), target))
    buffer = Symbol("b", real=True)
    assert same(found.step[buffer], momentum * buffer + g, {})
    assert same(found.step[theta], theta - lr * (momentum * buffer + g), {})


def test_a_reader_that_changes_a_bit_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    honest: Callable[..., Any] = ReadingMode._written

    def changing(self: ReadingMode, function: Any, args: Any, kwargs: Any, entry: int | None, *, in_place: bool) -> Any:
        result = honest(self, function, args, kwargs, entry, in_place=in_place)
        if in_place:
            args[0].mul_(1 + 2**-23)
        return result

    monkeypatch.setattr(ReadingMode, "_written", changing)
    assert "theta" in data_of("OldOverloads")["changed"]


def test_a_reader_that_misreads_an_operation_reads_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = reading("OldOverloads").step[theta]
    monkeypatch.setitem(elementwise.TABLE, "addcdiv", elementwise._scaled("mul"))  # type: ignore[index]
    assert not same(honest, reading("OldOverloads").step[theta], {})


def test_an_optimizer_is_trained_first_and_the_larger_of_two_numbers_is_no_branch() -> None:
    found = reading("NeedsTraining")
    largest = Symbol("largest", real=True)
    assert found.step[largest] == Max(largest, lr)
    assert found.step[theta] == theta - g * Max(largest, lr)
    assert all(path.conditions == () for path in found.paths)


def test_a_number_of_a_whole_tensor_is_named_with_its_line() -> None:
    (called,) = reading("TakesNorm").opaque
    assert re.fullmatch(r"a norm over the whole tensor: line \d+, `g\.norm\(\)`", called)


def test_a_step_that_needs_a_closure_is_read() -> None:
    assert reading("NeedsClosure").step[theta] == theta - lr * g
    assert "def step(self, closure=None)" in data_of("NeedsClosure")["source"]
