"""Laws with exact numbers: their scripts need no rounding, and expected values are subject in closed form."""

import math

import pytest
from sympy import Rational, sqrt

from stepcheck_properties.law import Facts
from stepcheck_properties.laws.equivalences.first_steps import CONSTANT_GRADIENT, FIRST_STEP
from stepcheck_properties.laws.invariants.accumulation import ACCUMULATION
from stepcheck_properties.laws.invariants.bounded_steps import BOUNDED_STEP, bound
from stepcheck_properties.scripts.exact_scripts import (
    GRADIENT,
    STEPS,
    all_steps_hyper,
    exact_script,
    first_step_hyper,
)
from stepcheck_properties.scripts.exact_traces import constant_gradient, constant_gradient_trace, dyadic
from stepcheck_properties.scripts.from_zero import longest_adam_steps
from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.alphabet import b, beta1, beta2, eps, lr, m, theta, v
from stepcheck_reference.facts import homogeneity
from stepcheck_reference.rules import ALL, find


def facts(name, **others):
    rule = find(name)
    return Facts(rule, frozenset(str(state) for state in rule.init), **others)


FIRST_STEPS = {
    "adam": lambda lr, g, beta2, eps: lr * g / (abs(g) + eps),
    "adam_eps_hat": lambda lr, g, beta2, eps: lr * g / (abs(g) + eps / math.sqrt(1 - beta2)),
    "adam_eps_inside": lambda lr, g, beta2, eps: lr * g / math.sqrt(g * g + eps),
}


@pytest.mark.parametrize("name", FIRST_STEPS)
def test_the_first_step_is_the_published_limit(name):
    subject = facts(name)
    (numbers,) = first_step_hyper(subject)
    hyper = exact_script(subject).groups[0].hyper
    row = constant_gradient_trace(subject.rule, hyper, GRADIENT, 1)[1]
    assert float(row[theta]) == -FIRST_STEPS[name](1.0, GRADIENT, numbers["beta2"], numbers["eps"])


def test_a_constant_gradient_has_corrected_moments_equal_to_it_at_every_step():
    values = {"lr": 1.0, "beta1": 0.5, "beta2": 0.75, "eps": 1.0}
    for t, row in enumerate(constant_gradient_trace(find("adam"), values, GRADIENT, STEPS)[1:], 1):
        assert row[m] / (1 - Rational(1, 2) ** t) == 2
        assert row[v] / (1 - Rational(3, 4) ** t) == 4


def test_weights_of_a_momentum_buffer_sum_to_the_geometric_series():
    values = {"lr": 1.0, "momentum": 0.5, "dampening": 0.0}
    for t, row in enumerate(constant_gradient_trace(find("momentum"), values, GRADIENT, STEPS)[1:], 1):
        assert row[b] == 2 * (1 - Rational(1, 2) ** t) / Rational(1, 2)


def test_laws_with_exact_numbers_apply_where_there_are_such_numbers():
    assert not FIRST_STEP.applies(facts("adadelta"))
    assert not FIRST_STEP.applies(facts("adam", fixed_hyper={"eps": 1e-8}))
    assert {rule.name for rule in ALL if CONSTANT_GRADIENT.applies(facts(rule.name))} >= {
        "adam",
        "adamw",
        "amsgrad",
        "adamax",
        "radam",
    }
    assert not CONSTANT_GRADIENT.applies(facts("adagrad"))
    assert not CONSTANT_GRADIENT.applies(facts("amsgrad_paper"))
    assert not ACCUMULATION.applies(facts("sgd"))
    assert all(
        ACCUMULATION.applies(facts(name)) for name in ("momentum", "nesterov", "adam", "adagrad", "lion", "rmsprop")
    )


def test_each_correction_is_checked_without_the_other():
    weights = [(one["beta1"], one["beta2"]) for one in all_steps_hyper(facts("adam"))]
    assert weights == [(0.5, 0.0), (0.0, 0.5)]


def test_only_one_power_of_two_at_every_step_is_a_constant_gradient():
    script = exact_script(facts("adam"))
    assert constant_gradient(script, 0) == GRADIENT
    assert constant_gradient(longest_adam_steps(facts("adam"), 1, homogeneity(find("adam"))), 0) is None


def test_dyadic_numbers_are_those_of_a_format():
    assert dyadic(Rational(255, 64), "bfloat16") == 255 / 64
    assert dyadic(Rational(257, 64), "bfloat16") is None
    assert dyadic(Rational(257, 64), "float16") == 257 / 64
    assert dyadic(Rational(1, 3), "float64") is None
    assert dyadic(sqrt(2), "float64") is None
    assert dyadic(Rational(2) ** 20, "float16") is None
    assert dyadic(Rational(0), "float16") == 0.0


def test_the_bound_of_adam_is_attained_by_growing_gradients_and_known_in_the_limit():
    values = {"lr": 1.0, "beta1": 0.25, "beta2": 0.5}
    rule = find("adam")
    numbers = {lr: 1, beta1: Rational(1, 4), beta2: Rational(1, 2), eps: 0}
    rows = iterate(rule, numbers, 0, [2**t for t in range(5)], reset_theta=True)
    for t in range(1, 6):
        longest = bound(values, t)
        assert abs(rows[t][theta]) <= longest
        assert abs(rows[t][theta].evalf(30)) > longest * (1 - 2.0**-48)
    assert 7.26 < bound({"lr": 1.0, "beta1": 0.9, "beta2": 0.999}, 20_000) < 7.28


def test_only_rules_that_are_adam_at_eps_zero_have_its_bound():
    bounded = {rule.name for rule in ALL if BOUNDED_STEP.applies(facts(rule.name))}
    assert bounded == {"adam", "adamw", "adam_l2", "adam_eps_inside"}
