"""Unrolled steps against the recurrence, in fractions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from exam.exact import Inputs, Values, constants, generic_inputs, inputs_of, possible_trace, value, without_roots
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


def unrolled(rule: Rule, inputs: Inputs) -> Values:
    """Return the values of the unrolled expressions for ``inputs``."""
    values = {at(g, step): gradient for step, gradient in enumerate(inputs.gradients, 1)}
    values |= {**constants(rule, inputs), at(theta, 0): inputs.start}
    return {
        symbol: value(expression, values.__getitem__)
        for symbol, expression in unroll(rule, len(inputs.gradients)).items()
    }


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=3, deadline=None, database=None, derandomize=True)
@given(data=st.data())
def test_unrolled_steps_and_the_recurrence_agree_exactly(name: str, data: st.DataObject) -> None:
    rule = without_roots(EVERY[name])
    inputs = data.draw(inputs_of(rule, steps=data.draw(st.integers(0, 4))))
    assert possible_trace(rule, inputs)[-1] == unrolled(rule, inputs)


@pytest.mark.parametrize("name", EVERY)
def test_only_gradients_the_initial_theta_and_hyper_parameters_remain(name: str) -> None:
    rule = EVERY[name]
    for steps in range(4):
        expressions = unroll(rule, steps)
        assert expressions.keys() == rule.step.keys()
        for expression in expressions.values():
            assert expression.atoms(sympy.Indexed) <= {at(theta, 0), *(at(g, step + 1) for step in range(steps))}
            plain = expression.xreplace(dict.fromkeys(expression.atoms(sympy.Indexed), sympy.Integer(0)))
            assert plain.free_symbols <= {*rule.hyper, *rule.constants}


@pytest.mark.parametrize("name", EVERY)
def test_a_rule_with_roots_unrolls_to_its_steps_one_by_one(name: str) -> None:
    rule = EVERY[name]
    inputs = generic_inputs(rule, 2)
    numbers = {symbol: sympy.Rational(number) for symbol, number in constants(rule, inputs).items()}
    numbers |= {symbol: number.limit_denominator(100) for symbol, number in numbers.items()}
    symbol_values = {**numbers, at(theta, 0): sympy.Rational(inputs.start)}
    values = {
        theta: symbol_values[at(theta, 0)],
        **{state: first.xreplace(numbers) for state, first in starts(rule).items()},
    }
    for step, gradient in enumerate(map(sympy.Rational, inputs.gradients), 1):
        symbol_values[at(g, step)] = gradient
        old_values = {**numbers, **values, g: gradient, t: sympy.Integer(step)}
        values = {symbol: unwrapped(equation.xreplace(old_values)) for symbol, equation in rule.step.items()}
        for symbol, expression in unroll(rule, step).items():
            assert (number := expression.xreplace(symbol_values)) == values[symbol] or number.equals(
                values[symbol]
            ) is True


def test_the_first_steps_of_some_rules() -> None:
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
    inputs = generic_inputs(rule, 3)
    assert unrolled(rule, inputs) == possible_trace(rule, inputs)[-1]
    assert unrolled(wrong, inputs) != possible_trace(rule, inputs)[-1]


@pytest.mark.parametrize(
    ("rule", "steps", "message"),
    [
        (find("sgd"), -1, "steps=-1, but should be 0 or more"),
        (replace(find("sgd"), kind="matrix"), 1, "sgd is of kind 'matrix', but only elementwise rules are unrolled"),
    ],
)
def test_an_invalid_request_to_unroll_is_refused(rule: Rule, steps: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        unroll(rule, steps)
