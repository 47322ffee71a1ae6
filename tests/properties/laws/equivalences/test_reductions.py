"""Reductions: the rules that a rule equals follow from its equations, and scripts are judged by the other rule."""

import pytest

from stepcheck_properties.law import Facts
from stepcheck_properties.laws.equivalences.special_cases import SPECIAL_CASE
from stepcheck_properties.laws.reductions import reductions
from stepcheck_properties.profile import QUICK, STANDARD
from stepcheck_reference.rules import find


def facts(name, **others):
    rule = find(name)
    return Facts(rule, frozenset(str(state) for state in rule.init), **others)


def reduced(name):
    special_cases = reductions(find(name))
    return {
        ("+".join(sorted(map(str, one.zeros))), one.other.name, one.growing, one.powers_of_two) for one in special_cases
    }


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


def test_amsgrad_is_adam_while_gradients_grow_unless_decay_is_added_to_them():
    assert ("", "adam", True, False) in reduced("amsgrad")
    assert ("", "adamw", True, False) in reduced("amsgrad+decoupled_decay")
    assert all(zeros == "weight_decay" for zeros, _, growing, _ in reduced("amsgrad+coupled_decay") if growing)


def test_adam_without_memory_and_eps_is_sign_descent_for_powers_of_two_alone():
    assert ("beta1+beta2+eps", "sign_sgd", False, True) in reduced("adam")
    assert ("beta1+beta2+eps", "sign_sgd", False, False) not in reduced("adam")


def test_rules_that_differ_do_not_reduce_to_each_other():
    assert reduced("sgd") == reduced("momentum") == reduced("nesterov_lookahead") == reduced("adadelta") == set()
    assert not any(other == "rmsprop" for _, other, _, _ in reduced("adam"))


def test_a_reduction_applies_only_where_its_zeros_can_be_set():
    assert SPECIAL_CASE.applies(facts("adamw", fixed_hyper={"weight_decay": 0.0, "eps": 1e-8}))
    assert not SPECIAL_CASE.applies(facts("adamw", fixed_hyper={"weight_decay": 0.01}))


@pytest.mark.parametrize("name", ["adamw", "amsgrad", "amsgrad+decoupled_decay", "momentum_ema", "lion"])
@pytest.mark.parametrize("profile", [QUICK, STANDARD], ids=lambda profile: profile.name)
def test_every_script_of_a_reduction_is_judged_by_the_other_rule(name, profile):
    subject = facts(name)
    for script in SPECIAL_CASE.scripts(subject, profile, 3):
        assert SPECIAL_CASE.reference(script, subject).rule is not subject.rule
