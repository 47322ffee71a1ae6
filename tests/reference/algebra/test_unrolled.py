"""Unrolled steps against the recurrence, in fractions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from exam.exact import Course, Held, constants, courses, generic, possible, value, without_roots
from stepcheck_reference.algebra.history import at, unwrapped
from stepcheck_reference.algebra.unrolled import unroll
from stepcheck_reference.alphabet import (
    Abs,
    Max,
    b,
    beta1,
    beta2,
    eps,
    g,
    lr,
    m,
    momentum,
    mu_product,
    sqrt,
    t,
    theta,
    v,
    v_max,
)
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules import ALL, find

EVERY = {rule.name: rule for rule in ALL}


def starts(rule: Rule) -> dict[Any, Any]:
    return {**rule.init, **rule.scalars}


def unrolled(rule: Rule, course: Course) -> Held:
    """Return what unrolled expressions give for ``course``."""
    known = {at(g, step): gradient for step, gradient in enumerate(course.gradients, 1)}
    known |= {**constants(rule, course), at(theta, 0): course.start}
    return {
        symbol: value(expression, known.__getitem__)
        for symbol, expression in unroll(rule, len(course.gradients)).items()
    }


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=3, deadline=None, database=None, derandomize=True)
@given(data=st.data())
def test_unrolled_steps_and_the_recurrence_agree_exactly(name: str, data: st.DataObject) -> None:
    rule = without_roots(EVERY[name])
    course = data.draw(courses(rule, steps=data.draw(st.integers(0, 4))))
    assert possible(rule, course)[-1] == unrolled(rule, course)


@pytest.mark.parametrize("name", EVERY)
def test_only_gradients_the_start_and_hyper_parameters_are_left(name: str) -> None:
    rule = EVERY[name]
    for steps in range(4):
        found = unroll(rule, steps)
        assert found.keys() == rule.step.keys()
        for expression in found.values():
            assert expression.atoms(sympy.Indexed) <= {at(theta, 0), *(at(g, step + 1) for step in range(steps))}
            plain = expression.xreplace(dict.fromkeys(expression.atoms(sympy.Indexed), sympy.Integer(0)))
            assert plain.free_symbols <= {*rule.hyper, *rule.constants}


@pytest.mark.parametrize("name", EVERY)
def test_with_its_roots_too_a_rule_unrolls_to_what_its_steps_give_one_by_one(name: str) -> None:
    rule = EVERY[name]
    course = generic(rule, 2)
    numbers = {symbol: sympy.Rational(number) for symbol, number in constants(rule, course).items()}
    numbers |= {symbol: number.limit_denominator(100) for symbol, number in numbers.items()}
    known = {**numbers, at(theta, 0): sympy.Rational(course.start)}
    held = {theta: known[at(theta, 0)], **{state: first.xreplace(numbers) for state, first in starts(rule).items()}}
    for step, gradient in enumerate(map(sympy.Rational, course.gradients), 1):
        known[at(g, step)] = gradient
        now = {**numbers, **held, g: gradient, t: sympy.Integer(step)}
        held = {symbol: unwrapped(equation.xreplace(now)) for symbol, equation in rule.step.items()}
        for symbol, expression in unroll(rule, step).items():
            assert (number := expression.xreplace(known)) == held[symbol] or number.equals(held[symbol]) is True


def test_the_first_steps_read_so() -> None:
    g1, g2, theta0 = at(g, 1), at(g, 2), at(theta, 0)
    assert unroll(find("sgd"), 0) == {theta: theta0}
    assert unroll(find("sgd"), 2) == {theta: theta0 - lr * g1 - lr * g2}
    assert unroll(find("nesterov"), 2)[b] == momentum * g1 + g2
    assert unroll(find("adam"), 1) == {
        m: (1 - beta1) * g1,
        v: (1 - beta2) * g1**2,
        theta: theta0 - lr * g1 / (Abs(g1) + eps),
    }
    assert unroll(find("rmsprop"), 1)[theta] == theta0 - lr * g1 / (sqrt((1 - beta2) * g1**2) + eps)
    assert unroll(find("amsgrad"), 1)[v_max] == Max(0, (1 - beta2) * g1**2)
    assert unroll(find("nadam"), 0)[mu_product] == 1


def test_a_rule_with_a_mistake_is_caught() -> None:
    rule = find("nesterov")
    wrong = replace(rule, step={**rule.step, theta: theta - lr * (g + b)})
    course = generic(rule, 3)
    assert unrolled(rule, course) == possible(rule, course)[-1]
    assert unrolled(wrong, course) != possible(rule, course)[-1]


@pytest.mark.parametrize(
    ("rule", "steps", "message"),
    [
        (find("sgd"), -1, "steps=-1, but should be 0 or more"),
        (replace(find("sgd"), kind="matrix"), 1, "sgd is of kind 'matrix', but only elementwise rules are unrolled"),
    ],
)
def test_what_cannot_be_unrolled_is_refused(rule: Rule, steps: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        unroll(rule, steps)
