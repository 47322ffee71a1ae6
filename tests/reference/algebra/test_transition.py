"""A linear rule on a quadratic: the power of a matrix against the recurrence, in fractions."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from exam.exact import Inputs, generic_inputs, inputs_of, trace_of
from stepcheck_reference.algebra.transition import NotLinear, Transition, center, transition
from stepcheck_reference.alphabet import b, beta, curvature, dampening, g, lr, momentum, theta
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.rewrites import ALL as REWRITES
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules import ALL, find

LISTED = {rule.name: rule for rule in ALL if isinstance(transition(rule), Transition)}
LINEAR = LISTED | {
    rewritten.name: rewritten
    for rule in LISTED.values()
    for rewrite in REWRITES
    if rewrite.applies(rule)
    for rewritten in (rewrite(rule),)
    if isinstance(transition(rewritten), Transition)
}

SMALL = st.fractions(-3, 3, max_denominator=6)


def powered(
    step: Transition, inputs: Inputs, steps: int, curvature_value: Fraction, middle: Fraction
) -> dict[object, Fraction]:
    """Return theta and the states after ``steps`` steps, from a power of the matrix."""
    numbers = {**inputs.hyper, theta: inputs.start, curvature: curvature_value, center: middle}
    exact = {symbol: sympy.Rational(number) for symbol, number in numbers.items()}
    return {symbol: Fraction(int(end.p), int(end.q)) for symbol, end in step.after(steps, exact).items()}


def misses(rule: Rule, step: Transition, inputs: Inputs, curvature_value: Fraction, middle: Fraction) -> list[int]:
    """Return the steps after which the power of the matrix differs from the recurrence."""
    trace = trace_of(rule, inputs, lambda point: curvature_value * (point - middle))
    return [
        number
        for number, values in enumerate(trace)
        if powered(step, inputs, number, curvature_value, middle) != values
    ]


@pytest.mark.parametrize("name", LINEAR)
@settings(max_examples=3, deadline=None, database=None, derandomize=True)
@given(data=st.data())
def test_the_power_of_a_matrix_agrees_exactly_with_the_recurrence(name: str, data: st.DataObject) -> None:
    rule = LINEAR[name]
    inputs, bend, middle = data.draw(inputs_of(rule, steps=6)), data.draw(SMALL), data.draw(SMALL)
    step_matrix, centered = transition(rule), transition(rule, middle=sympy.Integer(0))
    assert isinstance(step_matrix, Transition)
    assert isinstance(centered, Transition)
    assert misses(rule, step_matrix, inputs, bend, middle) == []
    assert misses(rule, centered, inputs, bend, Fraction(0)) == []


def _applies(change: str, name: str) -> bool:
    return any(rewrite.applies(LISTED[name]) for rewrite in REWRITES if rewrite.name == change)


def test_the_linear_rules_are_those_without_a_root_a_sign_or_a_schedule() -> None:
    assert LISTED.keys() == {
        "sgd",
        "momentum",
        "momentum_lr_inside",
        "momentum_ema",
        "nesterov",
        "nesterov_ema",
        "nesterov_gradient_difference",
        "nesterov_lookahead",
        "qhm",
    }
    for name in LISTED:
        for change in ("coupled_decay", "decoupled_decay", "decoupled_decay_paper"):
            assert f"{name}+{change}" in LINEAR or not _applies(change, name)


@pytest.mark.parametrize("name", LINEAR)
def test_a_mistake_in_a_matrix_is_caught(name: str) -> None:
    rule, step_matrix = LINEAR[name], transition(LINEAR[name])
    assert isinstance(step_matrix, Transition)
    inputs, bend, middle = generic_inputs(rule, 4), Fraction(3, 2), Fraction(1, 5)
    assert misses(rule, step_matrix, inputs, bend, middle) == []
    late = replace(step_matrix, first=step_matrix.matrix * step_matrix.first)
    assert misses(rule, late, inputs, bend, middle) == [1, 2, 3, 4]
    for row in range(len(step_matrix.vector)):
        for column in range(len(step_matrix.vector)):
            wrong = step_matrix.matrix.as_mutable()
            wrong[row, column] += 1
            assert misses(rule, replace(step_matrix, matrix=sympy.ImmutableMatrix(wrong)), inputs, bend, middle)


def test_a_wrong_first_step_is_caught() -> None:
    rule, step_matrix = find("momentum"), transition(find("momentum"))
    assert isinstance(step_matrix, Transition)
    wrong = replace(step_matrix, first=step_matrix.matrix)
    assert misses(rule, wrong, generic_inputs(rule, 3), Fraction(3, 2), Fraction(1, 5)) == [1, 2, 3]


def test_the_matrix_of_momentum() -> None:
    step_matrix = transition(find("momentum"), middle=sympy.Integer(0))
    assert isinstance(step_matrix, Transition)
    assert step_matrix.vector == (theta, b)
    undamped = 1 - dampening
    assert step_matrix.matrix == sympy.Matrix(
        [[1 - lr * undamped * curvature, -lr * momentum], [undamped * curvature, momentum]]
    )
    assert step_matrix.first == sympy.Matrix([[1 - lr * curvature, 0], [curvature, 0]])
    assert step_matrix.start == sympy.Matrix([theta, 0])


def test_a_center_adds_a_row_for_1() -> None:
    step_matrix = transition(find("sgd"))
    assert isinstance(step_matrix, Transition)
    assert step_matrix.vector == (theta, 1)
    assert step_matrix.matrix == sympy.Matrix([[1 - lr * curvature, lr * curvature * center], [0, 1]])


@pytest.mark.parametrize(
    ("name", "symbol", "reason"),
    [
        ("adam", theta, "not linear"),
        ("sign_sgd", theta, "not linear"),
        ("asgd", theta, "change with the step"),
        ("sgd+lr_decay", theta, "change with the step"),
    ],
)
def test_a_rule_without_a_matrix_has_a_reason(name: str, symbol: sympy.Symbol, reason: str) -> None:
    step_matrix = transition(find(name))
    assert isinstance(step_matrix, NotLinear)
    assert step_matrix.symbol == symbol
    assert reason in step_matrix.reason


def test_a_product_of_states_is_not_linear() -> None:
    rule = Rule(
        "bilinear",
        title="A product.",
        source="nowhere",
        init={b: 1},
        step={b: b + g, theta: theta - lr * b * theta},
        domains={lr: NONNEGATIVE},
    )
    assert isinstance(transition(rule), NotLinear)


def test_a_gradient_at_another_point_is_evaluated_there() -> None:
    step_matrix = transition(find("nesterov_lookahead"), middle=sympy.Integer(0))
    assert isinstance(step_matrix, Transition)
    ahead = curvature * -lr * momentum
    assert [sympy.expand(part) for part in step_matrix.matrix] == [
        1 - lr * curvature, sympy.expand(-lr * (momentum + ahead)), curvature, sympy.expand(momentum + ahead),
    ]  # fmt: skip


def test_two_forms_of_nesterov_momentum_are_equivalent_on_a_quadratic() -> None:
    torch, difference = (transition(find(name)) for name in ("nesterov", "nesterov_gradient_difference"))
    assert isinstance(torch, Transition)
    assert isinstance(difference, Transition)
    exact = {momentum: beta}
    for steps in range(6):
        ends = [step_matrix.after(steps, exact)[theta] for step_matrix in (torch, difference)]
        assert sympy.expand(ends[0] - ends[1]) == 0
