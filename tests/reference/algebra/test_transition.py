"""A linear rule on a quadratic: the power of a matrix against the recurrence, in fractions."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from exam.exact import Course, courses, generic, walked
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


def powered(found: Transition, course: Course, steps: int, bent: Fraction, middle: Fraction) -> dict[object, Fraction]:
    """Return what a power of the matrix gives after ``steps`` steps."""
    numbers = {**course.hyper, theta: course.start, curvature: bent, center: middle}
    exact = {symbol: sympy.Rational(number) for symbol, number in numbers.items()}
    return {symbol: Fraction(int(end.p), int(end.q)) for symbol, end in found.after(steps, exact).items()}


def misses(rule: Rule, found: Transition, course: Course, bent: Fraction, middle: Fraction) -> list[int]:
    """Return the steps after which the power of the matrix is not what the recurrence holds."""
    held = walked(rule, course, lambda point: bent * (point - middle))
    return [step for step, now in enumerate(held) if powered(found, course, step, bent, middle) != now]


@pytest.mark.parametrize("name", LINEAR)
@settings(max_examples=3, deadline=None, database=None, derandomize=True)
@given(data=st.data())
def test_the_power_of_a_matrix_agrees_exactly_with_the_recurrence(name: str, data: st.DataObject) -> None:
    rule = LINEAR[name]
    course, bent, middle = data.draw(courses(rule, steps=6)), data.draw(SMALL), data.draw(SMALL)
    found, centered = transition(rule), transition(rule, middle=sympy.Integer(0))
    assert isinstance(found, Transition)
    assert isinstance(centered, Transition)
    assert misses(rule, found, course, bent, middle) == []
    assert misses(rule, centered, course, bent, Fraction(0)) == []


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
    }
    for name in LISTED:
        for change in ("coupled_decay", "decoupled_decay", "decoupled_decay_paper"):
            assert f"{name}+{change}" in LINEAR or not _applies(change, name)


@pytest.mark.parametrize("name", LINEAR)
def test_a_mistake_in_a_matrix_is_caught(name: str) -> None:
    rule, found = LINEAR[name], transition(LINEAR[name])
    assert isinstance(found, Transition)
    course, bent, middle = generic(rule, 4), Fraction(3, 2), Fraction(1, 5)
    assert misses(rule, found, course, bent, middle) == []
    late = replace(found, first=found.matrix * found.first)
    assert misses(rule, late, course, bent, middle) == [1, 2, 3, 4]
    for row in range(len(found.vector)):
        for column in range(len(found.vector)):
            wrong = found.matrix.as_mutable()
            wrong[row, column] += 1
            assert misses(rule, replace(found, matrix=sympy.ImmutableMatrix(wrong)), course, bent, middle)


def test_a_first_step_like_the_others_is_caught_where_it_is_not() -> None:
    rule, found = find("momentum"), transition(find("momentum"))
    assert isinstance(found, Transition)
    wrong = replace(found, first=found.matrix)
    assert misses(rule, wrong, generic(rule, 3), Fraction(3, 2), Fraction(1, 5)) == [1, 2, 3]


def test_the_matrix_of_momentum_reads_so() -> None:
    found = transition(find("momentum"), middle=sympy.Integer(0))
    assert isinstance(found, Transition)
    assert found.vector == (theta, b)
    taken = 1 - dampening
    assert found.matrix == sympy.Matrix([[1 - lr * taken * curvature, -lr * momentum], [taken * curvature, momentum]])
    assert found.first == sympy.Matrix([[1 - lr * curvature, 0], [curvature, 0]])
    assert found.start == sympy.Matrix([theta, 0])


def test_a_center_adds_a_row_for_1() -> None:
    found = transition(find("sgd"))
    assert isinstance(found, Transition)
    assert found.vector == (theta, 1)
    assert found.matrix == sympy.Matrix([[1 - lr * curvature, lr * curvature * center], [0, 1]])


@pytest.mark.parametrize(
    ("name", "symbol", "reason"),
    [
        ("adam", theta, "not linear"),
        ("sign_sgd", theta, "not linear"),
        ("asgd", theta, "changes with the step"),
        ("sgd+lr_decay", theta, "changes with the step"),
    ],
)
def test_a_rule_without_a_matrix_says_why(name: str, symbol: sympy.Symbol, reason: str) -> None:
    found = transition(find(name))
    assert isinstance(found, NotLinear)
    assert found.symbol == symbol
    assert reason in found.reason


def test_a_product_of_states_is_not_linear_though_it_is_in_each() -> None:
    rule = Rule(
        "bilinear",
        title="A product.",
        source="nowhere",
        init={b: 1},
        step={b: b + g, theta: theta - lr * b * theta},
        domains={lr: NONNEGATIVE},
    )
    assert isinstance(transition(rule), NotLinear)


def test_a_gradient_taken_elsewhere_is_taken_there() -> None:
    found = transition(find("nesterov_lookahead"), middle=sympy.Integer(0))
    assert isinstance(found, Transition)
    ahead = curvature * -lr * momentum
    assert [sympy.expand(part) for part in found.matrix] == [
        1 - lr * curvature, sympy.expand(-lr * (momentum + ahead)), curvature, sympy.expand(momentum + ahead),
    ]  # fmt: skip


def test_two_forms_of_nesterov_momentum_are_one_iteration_on_a_quadratic() -> None:
    torch, difference = (transition(find(name)) for name in ("nesterov", "nesterov_gradient_difference"))
    assert isinstance(torch, Transition)
    assert isinstance(difference, Transition)
    exact = {momentum: beta}
    for steps in range(6):
        ends = [found.after(steps, exact)[theta] for found in (torch, difference)]
        assert sympy.expand(ends[0] - ends[1]) == 0
