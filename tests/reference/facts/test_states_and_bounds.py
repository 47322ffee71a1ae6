"""Facts about states, special cases and step bounds that are proved from equations, and that a flaw breaks."""

from __future__ import annotations

from itertools import pairwise

import mpmath
import pytest
from sympy import Max, Symbol, sign, sqrt

from exam.flawed import changed
from exam.walks import DIGITS, HYPER, PRECISION, START, walked
from stepcheck_reference.alphabet import (
    beta1,
    beta2,
    dampening,
    eps,
    eta,
    g,
    h,
    initial_accumulator,
    lambd,
    lr,
    lr_max,
    m,
    momentum,
    rho,
    step_max,
    step_size,
    t,
    theta,
    u,
    v,
    v_max,
    weight_decay,
    weight_sum,
)
from stepcheck_reference.facts import (
    fixed,
    monotone_states,
    nonnegative_states,
    reduces,
    rest_factor,
    resting_states,
    rests,
    step_bound,
)
from stepcheck_reference.facts.parity import odd_states
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules import ALL, find
from stepcheck_reference.scripts.objective import needs_objective

NAMES = [rule.name for rule in ALL]
COUPLED = [f"{name}+coupled_decay" for name in ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "radam")]
DECOUPLED = [f"{name}+decoupled_decay" for name in ("sgd", "momentum", "amsgrad", "nadam", "radam")]


# states


@pytest.mark.parametrize("name", NAMES)
def test_even_states_are_never_negative_and_odd_states_are(name: str) -> None:
    rule = find(name)
    odd = odd_states(rule)
    for state, answer in nonnegative_states(rule).items():
        if odd.get(state) is False or state in rule.scalars:
            assert answer is True or (answer is None and rule.step[state].has(sign)), (name, state)
        elif not needs_objective(rule) and theta not in rule.step[state].free_symbols:
            assert answer is False or (answer is None and rule.init[state] != 0), (name, state)


def test_a_second_moment_with_a_wrong_sign_is_negative_somewhere() -> None:
    assert nonnegative_states(changed("adam", v=beta2 * v - (1 - beta2) * g**2))[v] is False
    assert nonnegative_states(changed("adam", v=beta2 * v + (beta2 - 1) * g**2))[v] is False
    assert nonnegative_states(changed("adam", v=beta2 * v + (1 - beta2) * g * m))[v] is False


def test_monotone_states_are_sums_of_squares_and_maxima() -> None:
    for rule in ALL:
        monotone = {state for state, answer in monotone_states(rule).items() if answer}
        assert monotone == {h, v_max, lr_max, weight_sum} & {*rule.init, *rule.scalars}, rule.name
    assert monotone_states(find("adamax"))[u] is False
    assert monotone_states(find("rmsprop"))[v] is False


def test_a_maximum_that_decays_or_is_replaced_is_not_monotone() -> None:
    assert monotone_states(changed("amsgrad", v_max=Max(beta2 * v_max, v)))[v_max] is False
    assert monotone_states(changed("amsgrad", v_max=v))[v_max] is False
    assert monotone_states(changed("adagrad", h=h + g))[h] is False


# zero gradients


@pytest.mark.parametrize("name", [rule.name for rule in ALL if not needs_objective(rule)])
def test_states_rest_at_zero_gradients_as_the_equations_iterated_to_forty_digits_do(name: str) -> None:
    rule = find(name)
    with mpmath.workdps(PRECISION):
        traces = {rate: list(walked(rule, gradients=("0",) * 6, lr=rate)) for rate in (HYPER["lr"], "0.01")}
        for state, answer in resting_states(rule).items():
            start = {**rule.init, **rule.scalars}[state]
            rests_in_iteration = all(
                values[state.name]
                == mpmath.mpf({**HYPER, "lr": rate}[start.name] if start.free_symbols else int(start))
                for rate, trace in traces.items()
                for values in trace
            )
            assert answer is rests_in_iteration or (answer is None and not rests_in_iteration), (name, state)


def test_zero_gradients_leave_the_decoupled_decay() -> None:
    assert rest_factor(find("adamw")) == rest_factor(find("lion")) == 1 - lr * weight_decay
    assert rest_factor(find("adam+decoupled_decay_paper")) == 1 - weight_decay
    assert rest_factor(find("asgd")) == 1 - lambd * eta
    assert rests(find("yogi_optax")) is False
    assert rest_factor(find("ftrl")) == 0
    for rule in (rule for rule in ALL if rule.name not in ("yogi_optax", "ftrl")):
        decays = bool({weight_decay, lambd} & set(rule.hyper))
        assert (rest_factor(rule) == 1) is not decays, rule.name
        assert decays or rests(rule), rule.name


def test_coupled_decay_can_move_parameters_by_more_than_a_factor_at_zero_gradient() -> None:
    assert rests(find("adam_l2")) is False
    assert rests(find("sgd+coupled_decay")) is True
    assert rests(find("momentum+coupled_decay")) is None


def test_a_step_without_a_gradient_is_refuted() -> None:
    assert rests(changed("adam", theta=theta - lr * (m + 1) / (sqrt(v) + eps))) is False


# reductions


@pytest.mark.parametrize(
    ("name", "values", "other"),
    [
        ("momentum", {momentum: 0, dampening: 0}, "sgd"),
        ("momentum_lr_inside", {momentum: 0}, "sgd"),
        ("nesterov", {momentum: 0}, "sgd"),
        ("adamw", {weight_decay: 0}, "adam"),
        ("adam_l2", {weight_decay: 0}, "adam"),
        ("amsgrad+coupled_decay", {weight_decay: 0}, "amsgrad"),
        ("adagrad+lr_decay", {Symbol("lr_decay", real=True, nonnegative=True): 0}, "adagrad"),
        ("adagrad+initial_accumulator", {initial_accumulator: 0}, "adagrad"),
        ("asgd", {lambd: 0}, "sgd"),
        ("radam_resting", {weight_decay: 0}, "radam_resting"),
    ],
)
def test_rules_reduce_to_simpler_ones(name: str, values: dict[Symbol, int], other: str) -> None:
    if name == "asgd":  # its rate is a state, which sgd has not: unknown is not no
        assert reduces(find(name), find(other), values) is not True
    elif name == "radam_resting":
        assert reduces(find(name), fixed(find(other), values), values) is True
    else:
        assert reduces(find(name), find(other), values) is True


@pytest.mark.parametrize(
    ("name", "values", "other"),
    [
        ("momentum", {momentum: 0}, "sgd"),
        ("adamw", {}, "adam"),
        ("adam", {beta1: 0}, "rmsprop"),
        ("adadelta", {rho: 0}, "sgd"),
        ("momentum_ema", {}, "sgd"),
    ],
)
def test_other_rules_are_not_reduced(name: str, values: dict[Symbol, int], other: str) -> None:
    assert reduces(find(name), find(other), values) is not True


def test_a_first_step_that_differs_refutes_a_reduction() -> None:
    assert reduces(find("adam"), find("rmsprop"), {beta1: 0}) is False
    assert reduces(find("momentum_ema"), find("sgd"), {}) is False


def test_a_rule_with_fixed_values_is_created_once() -> None:
    assert fixed(find("adam"), {eps: 0}) is fixed(find("adam"), {eps: 0})
    assert fixed(find("adam"), {}) is find("adam")
    assert eps not in fixed(find("adam"), {eps: 0}).hyper


# how far a step can go


def test_bounds_follow_from_signs_clamps_and_roots_that_contain_the_gradient() -> None:
    bounds = {
        "sign_sgd": lr,
        "rprop": step_max,
        "adagrad": lr,
        "adagrad_eps_inside": lr,
        "adagrad_optax": lr,
        "rmsprop": lr / sqrt(1 - beta2),
        "rmsprop_eps_inside": lr / sqrt(1 - beta2),
    }
    assert {name: step_bound(find(name)) for name in bounds} == bounds
    assert {step_bound(find(name)) for name in ("sgd", "momentum", "adam", "lion", "rmsprop_centered")} == {None}
    assert step_bound(fixed(find("lion"), {weight_decay: 0})) == lr


@pytest.mark.parametrize("name", [rule.name for rule in ALL if step_bound(rule) is not None])
def test_no_step_is_longer_than_the_bound(name: str) -> None:
    rule = find(name)
    with mpmath.workdps(PRECISION):
        values = {symbol: mpmath.mpf(HYPER[symbol.name]) for symbol in rule.hyper}
        thetas = [mpmath.mpf(START), *(state["theta"] for state in walked(rule))]
        for step, (before, after) in enumerate(pairwise(thetas), 1):
            bound = step_bound(rule).subs({**values, t: step})  # type: ignore[union-attr]
            assert abs(after - before) <= mpmath.mpf(bound) * (1 + mpmath.mpf(10) ** -DIGITS)


@pytest.mark.parametrize(
    "planted",
    [
        changed("adagrad", theta=theta - lr * g / (sqrt(h) + eps)),
        changed("adagrad", theta=theta - lr * g**2 / (sqrt(h + g**2) + eps)),
        changed("adagrad", theta=theta - lr * g / (sqrt(h - g**2) + eps)),
        changed("adagrad", theta=theta - lr * g / (sqrt(h + g**2) - eps)),
        changed("adagrad", theta=theta - lr * g / (sqrt(h + g**4) + eps)),
        changed("rprop", theta=theta - Max(step_size, 1) * sign(g)),
    ],
)
def test_a_step_without_a_bound_has_none(planted: Rule) -> None:
    assert step_bound(planted) is None
