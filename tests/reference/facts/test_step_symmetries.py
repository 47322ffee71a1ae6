"""Symmetries of steps that are proved from a rule's equations, and that a flaw breaks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sympy import Abs, Expr, Integer, Max, Piecewise, Rational, Symbol, cos, sign, sqrt

from exam.flawed import changed
from stepcheck_reference.alphabet import (
    a,
    b,
    beta2,
    eps,
    eta,
    g,
    g_prev,
    initial_accumulator,
    lambd,
    lr,
    m,
    momentum,
    mu_product,
    step_max,
    step_size,
    theta,
    u,
    v,
    v_max,
    velocity,
    weight_decay,
    z,
)
from stepcheck_reference.facts import (
    fixed,
    homogeneity,
    is_elementwise,
    is_linear_in_rate,
    is_sign_equivariant,
    is_translation_invariant,
)
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules import ALL, find
from stepcheck_reference.scripts.objective import needs_objective

NAMES = [rule.name for rule in ALL]
COUPLED = [f"{name}+coupled_decay" for name in ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "radam")]
DECOUPLED = [f"{name}+decoupled_decay" for name in ("sgd", "momentum", "amsgrad", "nadam", "radam")]


# elementwise


@pytest.mark.parametrize("name", [*NAMES, *COUPLED, *DECOUPLED])
def test_every_listed_rule_is_elementwise_unless_it_evaluates_gradients(name: str) -> None:
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
    adds_to_points = z in rule.init and eps not in rule.hyper
    if name == "adadelta" or starts_elsewhere or adds_to_points or needs_objective(rule):  # it stands still at eps = 0
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


def test_scaling_names_the_hyper_parameters_that_must_be_zero() -> None:
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
    assert is_sign_equivariant(find(name)) is (find(name).init.get(m, 0) == 0)


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
def test_different_treatment_of_signs_is_refuted(planted: Rule) -> None:
    assert is_sign_equivariant(planted) is False


def test_an_equation_outside_the_proof_rules_is_unknown() -> None:
    assert is_sign_equivariant(changed("sgd", theta=theta - lr * (cos(g) - cos(-g) + g))) is not False
    assert is_sign_equivariant(changed("sgd", theta=theta - lr * g * cos(g))) is None


# where the parameters are


@pytest.mark.parametrize("name", [*NAMES, *COUPLED, *DECOUPLED])
def test_steps_depend_on_theta_through_decay_alone(name: str) -> None:
    rule = find(name)
    if name == "ftrl":  # the parameters are worked out anew
        assert is_translation_invariant(rule) is False
        return
    assert is_translation_invariant(rule) is not bool({weight_decay, lambd} & set(rule.hyper))
    assert is_translation_invariant(fixed(rule, {weight_decay: 0, lambd: 0})) is True


def test_a_step_relative_to_theta_is_refuted() -> None:
    assert is_translation_invariant(changed("sgd", theta=theta - lr * g * Abs(theta))) is False


def test_a_state_that_depends_on_theta_is_refuted() -> None:
    assert is_translation_invariant(changed("momentum", b=momentum * b + g + theta / 9)) is False


# the learning rate


@pytest.mark.parametrize("name", [*NAMES, *COUPLED, *DECOUPLED])
def test_steps_are_linear_in_the_rate_except_for_clamps_and_decaying_rates(name: str) -> None:
    rule = find(name)
    clamped = step_max in rule.hyper
    falling = eta in rule.scalars
    divided = rule.step[theta].has(1 / (1 + lr * weight_decay)) or name == "ftrl"
    assert is_linear_in_rate(rule) is not (clamped or falling or divided or needs_objective(rule))


@pytest.mark.parametrize(
    "planted",
    [
        changed("sgd", theta=theta - lr**2 * g),
        changed("adamw", theta=theta * (1 - weight_decay) - lr * m),
        changed("momentum", b=momentum * b + lr * g),
        changed("adam", theta=theta - Max(lr, Integer(1) / 5) * m),
    ],
)
def test_a_step_that_is_not_proportional_to_the_rate_is_refuted(planted: Rule) -> None:
    assert is_linear_in_rate(planted) is False


def test_the_rate_may_be_inside_a_buffer() -> None:
    assert is_linear_in_rate(find("momentum_lr_inside")) is True
    assert is_linear_in_rate(changed("momentum_lr_inside", velocity=momentum * velocity + g)) is False
