"""Facts that are proved of rules from their equations, and that a flaw in them changes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import mpmath
import pytest
from sympy import Abs, Expr, Integer, Max, Piecewise, Rational, Symbol, cos, sign, sqrt

from exam.flawed import changed
from exam.walks import DIGITS, HYPER, PRECISION, START, walked
from stepcheck_reference.alphabet import (
    a,
    b,
    beta1,
    beta2,
    dampening,
    eps,
    eta,
    g,
    g_prev,
    h,
    initial_accumulator,
    lambd,
    lr,
    m,
    momentum,
    mu_product,
    rho,
    step_max,
    step_size,
    t,
    theta,
    u,
    v,
    v_max,
    velocity,
    weight_decay,
)
from stepcheck_reference.facts import (
    fixed,
    homogeneity,
    is_elementwise,
    is_linear_in_rate,
    is_sign_equivariant,
    is_translation_invariant,
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


# elementwise


@pytest.mark.parametrize("name", [*NAMES, *COUPLED, *DECOUPLED])
def test_every_listed_rule_is_elementwise_unless_it_asks_for_gradients(name: str) -> None:
    assert is_elementwise(find(name)) is (None if needs_objective(find(name)) else True)


def test_a_rule_that_couples_elements_is_not_elementwise() -> None:
    assert is_elementwise(replace(find("sgd"), kind="matrix")) is False


def test_a_function_that_is_not_of_numbers_alone_leaves_elementwise_unknown() -> None:
    assert is_elementwise(changed("sgd", theta=theta - lr * cos(g))) is None


# how a step scales with the gradients


@pytest.mark.parametrize("name", [*NAMES, *COUPLED, *DECOUPLED, "adagrad+initial_accumulator", "adam+eps_root"])
def test_scaling_is_that_of_the_family(name: str) -> None:
    rule, scaling = find(name), homogeneity(find(name))
    starts_elsewhere = any(value not in (0, initial_accumulator) for value in rule.init.values()) and eps in rule.hyper
    if name == "adadelta" or starts_elsewhere or needs_objective(rule):  # ADADELTA stands still at eps = 0
        assert scaling is None
        return
    assert scaling is not None
    linear = eps not in rule.hyper and not any(equation.has(sign) for equation in rule.step.values())
    cases = [degree for _, degree in scaling.cases]
    assert cases == ([0, 1] if len(cases) > 1 else [1 if linear else 0])
    assert scaling.degree == (None if len(cases) > 1 else cases[0])
    assert (eps in scaling.at_zero) is (eps in rule.hyper)


def test_states_have_degrees_of_their_own() -> None:
    def degrees(name: str) -> dict[Symbol, Expr]:
        scaling = homogeneity(find(name))
        assert scaling is not None
        return dict(scaling.states)

    assert degrees("adam") == {m: 1, v: 2}
    assert degrees("amsgrad") == {m: 1, v: 2, v_max: 2}
    assert degrees("adamax") == {m: 1, u: 1}
    assert degrees("rprop") == {g_prev: 1, step_size: 0}
    assert degrees("nadam") == {m: 1, v: 2, mu_product: 0}
    assert degrees("rmsprop_centered_momentum") == {v: 2, a: 1, b: 0}
    assert degrees("asgd") == {eta: 0}


def test_scaling_says_what_has_to_be_zero() -> None:
    zeros = {
        name: scaling.at_zero
        for name in ("sgd", "adam", "adamw", "adam_l2", "asgd", "lion", "rprop", "adagrad+initial_accumulator")
        if (scaling := homogeneity(find(name))) is not None
    }
    assert zeros == {
        "sgd": (),
        "adam": (eps,),
        "adamw": (eps,),
        "adam_l2": (eps, weight_decay),
        "asgd": (lambd,),
        "lion": (),
        "rprop": (),
        "adagrad+initial_accumulator": (eps, initial_accumulator),
    }


def test_adam_that_adds_a_number_to_the_root_does_not_scale() -> None:
    assert homogeneity(changed("adam", theta=theta - lr * m / (sqrt(v) + 1))) is None


def test_a_second_moment_without_the_square_halves_the_degree() -> None:
    v_t = beta2 * v + (1 - beta2) * Abs(g)
    scaling = homogeneity(changed("rmsprop", v=v_t, theta=theta - lr * g / (sqrt(v_t) + eps)))
    assert scaling is not None
    assert (scaling.degree, scaling.states) == (Rational(1, 2), {v: 1})


def test_a_second_moment_that_starts_at_a_number_does_not_scale() -> None:
    assert homogeneity(replace(find("adam"), init={m: 0, v: 1})) is None


def test_a_branch_at_a_size_of_the_gradient_does_not_scale() -> None:
    clipped = Piecewise((g, Abs(g) < 1), (sign(g), True))
    assert homogeneity(changed("sgd", theta=theta - lr * clipped)) is None


# signs of parameters and gradients


@pytest.mark.parametrize("name", [*NAMES, *COUPLED, *DECOUPLED, "adamw+maximize"])
def test_every_rule_is_sign_equivariant(name: str) -> None:
    assert is_sign_equivariant(find(name)) is True


@pytest.mark.parametrize(
    "planted",
    [
        changed("sgd", theta=theta - lr * Abs(g)),
        changed("sgd", theta=theta - lr * (g + eps)),
        changed("lion", m=beta2 * m + (1 - beta2) * Max(g, 0)),
        changed("rprop", theta=theta - step_size * Piecewise((0, g < 0), (sign(g), True))),
        changed("adam", v=beta2 * v + (1 - beta2) * g),
        changed("momentum", b=momentum * b + g**2),
        changed("nadam", theta=theta - lr * (m + mu_product) / (sqrt(v) + eps)),
    ],
)
def test_what_treats_signs_apart_is_refuted(planted: Rule) -> None:
    assert is_sign_equivariant(planted) is False


def test_what_the_proof_cannot_read_is_unknown() -> None:
    assert is_sign_equivariant(changed("sgd", theta=theta - lr * (cos(g) - cos(-g) + g))) is not False
    assert is_sign_equivariant(changed("sgd", theta=theta - lr * g * cos(g))) is None


# where the parameters are


@pytest.mark.parametrize("name", [*NAMES, *COUPLED, *DECOUPLED])
def test_steps_depend_on_theta_by_way_of_decay_alone(name: str) -> None:
    rule = find(name)
    assert is_translation_invariant(rule) is not bool({weight_decay, lambd} & set(rule.hyper))
    assert is_translation_invariant(fixed(rule, {weight_decay: 0, lambd: 0})) is True


def test_a_step_that_is_relative_to_theta_is_refuted() -> None:
    assert is_translation_invariant(changed("sgd", theta=theta - lr * g * Abs(theta))) is False


def test_a_state_that_takes_theta_in_is_refuted() -> None:
    assert is_translation_invariant(changed("momentum", b=momentum * b + g + theta / 9)) is False


# the learning rate


@pytest.mark.parametrize("name", [*NAMES, *COUPLED, *DECOUPLED])
def test_steps_are_linear_in_the_rate_but_for_clamps_and_falling_rates(name: str) -> None:
    rule = find(name)
    clamped = step_max in rule.hyper
    falling = eta in rule.scalars
    assert is_linear_in_rate(rule) is not (clamped or falling or needs_objective(rule))


@pytest.mark.parametrize(
    "planted",
    [
        changed("sgd", theta=theta - lr**2 * g),
        changed("adamw", theta=theta * (1 - weight_decay) - lr * m),
        changed("momentum", b=momentum * b + lr * g),
        changed("adam", theta=theta - Max(lr, Integer(1) / 5) * m),
    ],
)
def test_what_is_not_proportional_to_the_rate_is_refuted(planted: Rule) -> None:
    assert is_linear_in_rate(planted) is False


def test_the_rate_may_be_inside_a_buffer() -> None:
    assert is_linear_in_rate(find("momentum_lr_inside")) is True
    assert is_linear_in_rate(changed("momentum_lr_inside", velocity=momentum * velocity + g)) is False


# states


@pytest.mark.parametrize("name", NAMES)
def test_states_that_a_mirrored_run_leaves_alone_are_never_negative_and_those_that_it_mirrors_are(name: str) -> None:
    rule = find(name)
    odd = odd_states(rule)
    for state, answer in nonnegative_states(rule).items():
        if odd.get(state) is False or state in rule.scalars:
            assert answer is True or (answer is None and rule.step[state].has(sign)), (name, state)
        elif not needs_objective(rule) and theta not in rule.step[state].free_symbols:
            assert answer is False, (name, state)


def test_a_second_moment_with_a_wrong_sign_is_negative_somewhere() -> None:
    assert nonnegative_states(changed("adam", v=beta2 * v - (1 - beta2) * g**2))[v] is False
    assert nonnegative_states(changed("adam", v=beta2 * v + (beta2 - 1) * g**2))[v] is False
    assert nonnegative_states(changed("adam", v=beta2 * v + (1 - beta2) * g * m))[v] is False


def test_monotone_states_are_sums_of_squares_and_maxima() -> None:
    for rule in ALL:
        monotone = {state for state, answer in monotone_states(rule).items() if answer}
        assert monotone == {h, v_max} & set(rule.init), rule.name
    assert monotone_states(find("adamax"))[u] is False
    assert monotone_states(find("rmsprop"))[v] is False


def test_a_maximum_that_fades_or_forgets_is_not_monotone() -> None:
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
            rests_there = all(
                values[state.name]
                == mpmath.mpf({**HYPER, "lr": rate}[start.name] if start.free_symbols else int(start))
                for rate, trace in traces.items()
                for values in trace
            )
            assert answer is rests_there or (answer is None and not rests_there), (name, state)


def test_zero_gradients_leave_the_decoupled_decay() -> None:
    assert rest_factor(find("adamw")) == rest_factor(find("lion")) == 1 - lr * weight_decay
    assert rest_factor(find("adam+decoupled_decay_paper")) == 1 - weight_decay
    assert rest_factor(find("asgd")) == 1 - lambd * eta
    for rule in ALL:
        decays = bool({weight_decay, lambd} & set(rule.hyper))
        assert (rest_factor(rule) == 1) is not decays, rule.name
        assert decays or rests(rule), rule.name


def test_coupled_decay_moves_what_has_no_gradient_by_more_than_a_factor() -> None:
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
def test_rules_that_do_not_reduce_are_not_said_to(name: str, values: dict[Symbol, int], other: str) -> None:
    assert reduces(find(name), find(other), values) is not True


def test_a_first_step_that_differs_refutes_a_reduction() -> None:
    assert reduces(find("adam"), find("rmsprop"), {beta1: 0}) is False
    assert reduces(find("momentum_ema"), find("sgd"), {}) is False


def test_a_rule_with_values_is_made_once() -> None:
    assert fixed(find("adam"), {eps: 0}) is fixed(find("adam"), {eps: 0})
    assert fixed(find("adam"), {}) is find("adam")
    assert eps not in fixed(find("adam"), {eps: 0}).hyper


# how far a step can go


def test_bounds_are_those_of_signs_clamps_and_roots_that_hold_the_gradient() -> None:
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
        places = [mpmath.mpf(START), *(state["theta"] for state in walked(rule))]
        for step, (before, after) in enumerate(pairwise(places), 1):
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
def test_a_step_that_gradients_can_stretch_has_no_bound(planted: Rule) -> None:
    assert step_bound(planted) is None
