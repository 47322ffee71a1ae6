"""Laws of equivalence and convergence: what is found in equations, and where the numbers they give are exact."""

import pytest
from sympy import Rational

from stepcheck_properties.law import Facts
from stepcheck_properties.laws.convergence.forgetting import PERIODS, REDDI_DIRECTION, WANTED, led
from stepcheck_properties.laws.convergence.quadratics import LINEAR_ON_QUADRATIC
from stepcheck_properties.laws.equivalences.special_cases import SPECIAL_CASE
from stepcheck_properties.profile import QUICK, STANDARD
from stepcheck_properties.scripts.baseline_scripts import hyper
from stepcheck_properties.scripts.quadratic_traces import both_sides, course, held_exactly, quadratic, radius
from stepcheck_properties.scripts.special_cases import reductions
from stepcheck_reference.alphabet import b, lr, momentum, theta
from stepcheck_reference.rules import find


def facts(name, **others):
    rule = find(name)
    return Facts(rule, frozenset(str(state) for state in rule.init), **others)


def reduced(name):
    found = reductions(find(name))
    return {("+".join(sorted(map(str, one.zeros))), one.other.name, one.rising, one.signs) for one in found}


@pytest.mark.parametrize(
    ("name", "zeros", "other"),
    [
        ("adamw", "weight_decay", "adam"),
        ("adam_l2", "weight_decay", "adam"),
        ("momentum_ema", "beta", "sgd"),
        ("momentum_lr_inside", "momentum", "sgd"),
        ("nesterov_gradient_difference", "beta", "sgd"),
        ("lion", "beta1+weight_decay", "sign_sgd"),
        ("adagrad+initial_accumulator+lr_decay", "initial_accumulator+lr_decay", "adagrad"),
        ("amsgrad+coupled_decay+maximize", "weight_decay", "amsgrad+maximize"),
        ("radam", "beta1+beta2", "sgd"),
    ],
)
def test_a_rule_is_another_at_zeros(name, zeros, other):
    assert (zeros, other, False, False) in reduced(name)


def test_amsgrad_is_adam_while_gradients_grow_and_not_where_decay_is_in_them():
    assert ("", "adam", True, False) in reduced("amsgrad")
    assert ("", "adamw", True, False) in reduced("amsgrad+decoupled_decay")
    assert all(zeros == "weight_decay" for zeros, _, rising, _ in reduced("amsgrad+coupled_decay") if rising)


def test_adam_without_memory_and_eps_is_sign_descent_for_powers_of_two_alone():
    assert ("beta1+beta2+eps", "sign_sgd", False, True) in reduced("adam")
    assert ("beta1+beta2+eps", "sign_sgd", False, False) not in reduced("adam")


def test_rules_that_differ_are_not_taken_for_each_other():
    assert reduced("sgd") == reduced("momentum") == reduced("nesterov_lookahead") == reduced("adadelta") == set()
    assert not any(other == "rmsprop" for _, other, _, _ in reduced("adam"))


def test_a_reduction_is_asked_only_where_its_zeros_can_be_set():
    assert SPECIAL_CASE.applies(facts("adamw", fixed_hyper={"weight_decay": 0.0, "eps": 1e-8}))
    assert not SPECIAL_CASE.applies(facts("adamw", fixed_hyper={"weight_decay": 0.01}))


@pytest.mark.parametrize("name", ["adamw", "amsgrad", "amsgrad+decoupled_decay", "momentum_ema", "lion"])
@pytest.mark.parametrize("profile", [QUICK, STANDARD], ids=lambda profile: profile.name)
def test_every_script_of_a_reduction_is_judged_by_the_other_rule(name, profile):
    known = facts(name)
    for script in SPECIAL_CASE.scripts(known, profile, 3):
        assert SPECIAL_CASE.reference(script, known).rule is not known.rule


def test_the_spectral_radius_is_that_of_the_textbooks():
    values = {"lr": 4.0, "momentum": 0.5, "dampening": 0.0}
    assert radius(find("sgd"), {"lr": 0.5}) == 0.5
    assert radius(find("momentum"), values) > 1.0
    assert [radius(find("momentum"), {**values, "lr": at}) < 1.0 for at in (2.9375, 3.0625)] == [True, False]
    assert [radius(find("nesterov"), {**values, "lr": at}) < 1.0 for at in (1.4375, 1.5625)] == [True, False]


@pytest.mark.parametrize("name", ["sgd", "momentum", "momentum_ema", "nesterov", "nesterov_lookahead", "nesterov_ema"])
def test_both_sides_of_the_boundary_are_asked_of_linear_rules(name):
    known = facts(name)
    assert LINEAR_ON_QUADRATIC.applies(known)
    outside, inside = both_sides(known)
    assert radius(known.rule, inside) < 1.0 < radius(known.rule, outside)
    for values, grows in ((inside, False), (outside, True)):
        ends = [abs(held[theta]) for held in course(known.rule, values, 1.0, 8)]
        assert bool(ends[-1] > ends[0]) is grows
        assert held_exactly(course(known.rule, values, 1.0, 8), "float32") == 8
        assert held_exactly(course(known.rule, values, 1.0, 8), "bfloat16") >= 3
    assert not LINEAR_ON_QUADRATIC.applies(facts("adam"))


def test_looking_ahead_is_torchs_nesterov_at_the_point_looked_ahead_to():
    values = {"lr": 0.5, "momentum": 0.5}
    ahead, torchs = (course(find(name), values, 1.0, 8) for name in ("nesterov_lookahead", "nesterov"))
    for one, other in zip(ahead, torchs, strict=True):
        assert one[theta] - Rational(1, 4) * one[b] == other[theta]
    assert {lr, momentum} == set(find("nesterov").hyper)


def test_only_a_rule_that_asks_gets_the_objective():
    assert quadratic(facts("nesterov_lookahead")).objective is not None
    assert quadratic(facts("nesterov")).objective is None


@pytest.mark.parametrize(
    ("name", "up"), [("adam", True), ("adamw", True), ("rmsprop", True), ("amsgrad", False), ("amsgrad_paper", False)]
)
def test_reddis_gradients_lead_up_what_forgets_and_down_what_keeps_its_maximum(name, up):
    known = facts(name)
    assert REDDI_DIRECTION.applies(known)
    assert (led(known.rule, hyper(known, 0, **WANTED), PERIODS) > 0) is up


def test_reddis_gradients_say_nothing_of_rules_without_squares():
    assert not REDDI_DIRECTION.applies(facts("lion"))
    assert not REDDI_DIRECTION.applies(facts("sgd"))
