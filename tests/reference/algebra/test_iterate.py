"""Walks: exact steps of one element."""

from __future__ import annotations

import pytest
from sympy import Float, Integer, Rational, Symbol, sqrt

from stepcheck_reference.algebra.history import at
from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.algebra.unrolled import unroll
from stepcheck_reference.alphabet import ax, b, beta1, beta2, dampening, eps, eta, g, lr, m, momentum, theta, v
from stepcheck_reference.rules import ALL, find

ADAM = {lr: Rational(1, 10), beta1: Rational(1, 2), beta2: Rational(3, 4), eps: Integer(0)}


def test_a_walk_holds_the_start_and_each_step() -> None:
    trace = iterate(find("adam"), ADAM, 1, [Integer(2), Integer(0)])
    assert trace[0] == {theta: 1, m: 0, v: 0}
    assert trace[1] == {theta: Rational(9, 10), m: 1, v: 1}
    assert trace[2] == {theta: Rational(9, 10) - sqrt(Rational(7, 12)) / 15, m: Rational(1, 2), v: Rational(3, 4)}


@pytest.mark.parametrize("name", [rule.name for rule in ALL if rule.name != "nesterov_lookahead"])
def test_a_walk_is_the_unrolled_rule(name: str) -> None:
    rule = find(name)
    hyper = {symbol: Rational(point + 1, point + 3) for point, symbol in enumerate(rule.hyper)}
    gradients = [Rational(1, 3), Rational(-3, 2)]
    symbol_values = {**hyper, at(theta, 0): Integer(2), **{at(g, step + 1): one for step, one in enumerate(gradients)}}
    symbol_values |= {symbol: Rational(value) for symbol, value in rule.constants.items()}
    values = iterate(rule, hyper, 2, gradients)[-1]
    for symbol, value in unroll(rule, 2).items():
        assert abs((values[symbol] - value.xreplace(symbol_values)).evalf(30)) < Float(10) ** -25


def test_hyper_parameters_may_change_and_scalar_states_start_with_the_first() -> None:
    rates = [{lr: rate, momentum: Integer(0), dampening: Integer(0)} for rate in (1, 2)]
    assert [values[theta] for values in iterate(find("momentum"), rates, 0, [Integer(1)] * 2)] == [0, -1, -3]
    asgd = find("asgd")
    values = {symbol: Integer(0) for symbol in asgd.hyper}
    trace = iterate(asgd, [{**values, lr: Integer(3)}, {**values, lr: Integer(5)}], 0, [Integer(1)] * 2)
    assert [(values[eta], values[ax]) for values in trace] == [(3, 0), (3, -3), (5, -6)]


def test_gradients_may_be_a_function_of_where_they_are_taken() -> None:
    hyper = {lr: Rational(1, 2), momentum: Rational(1, 2)}
    trace = iterate(find("nesterov_lookahead"), hyper, 1, lambda point: point, steps=2)
    assert [values[theta] for values in trace] == [1, Rational(1, 2), Rational(1, 8)]
    assert trace[2][b] == Rational(3, 4)


def test_the_start_may_be_a_symbol() -> None:
    point = Symbol("place", real=True)
    assert iterate(find("sgd"), {lr: Integer(1)}, point, [Integer(2)])[-1][theta] == point - 2


def test_theta_may_be_put_back_before_every_step() -> None:
    trace = iterate(find("sgd"), {lr: Integer(1)}, 5, lambda point: point, steps=3, reset_theta=True)
    assert [values[theta] for values in trace] == [5, 0, 0, 0]


def test_numbers_may_be_rounded() -> None:
    trace = iterate(find("adam"), ADAM, 1, [Integer(2), Integer(1)], digits=30)
    exact = iterate(find("adam"), ADAM, 1, [Integer(2), Integer(1)])
    assert isinstance(trace[2][theta], Float)
    assert abs(trace[2][theta] - exact[2][theta].evalf(30)) < Float(10) ** -25


def test_a_walk_whose_length_nothing_says_is_refused() -> None:
    with pytest.raises(ValueError, match="steps=None"):
        iterate(find("sgd"), {lr: Integer(1)}, 1, lambda point: point)
