"""Quadratics and Reddi's gradients: exact traces converge, diverge and lead where the theorems say."""

import pytest
from sympy import Rational

from stepcheck_properties.law import Facts
from stepcheck_properties.laws.convergence.quadratics import LINEAR_ON_QUADRATIC
from stepcheck_properties.laws.convergence.reddi_direction import HYPER, PERIODS, REDDI_DIRECTION, clear_end
from stepcheck_properties.scripts.baseline_scripts import hyper
from stepcheck_properties.scripts.quadratic_traces import (
    both_sides,
    exact_steps,
    quadratic_script,
    quadratic_trace,
    spectral_radius,
)
from stepcheck_reference.alphabet import b, lr, momentum, theta
from stepcheck_reference.rules import find


def facts(name, **others):
    rule = find(name)
    return Facts(rule, frozenset(str(state) for state in rule.init), **others)


def test_the_spectral_radius_is_that_of_the_textbooks():
    values = {"lr": 4.0, "momentum": 0.5, "dampening": 0.0}
    assert spectral_radius(find("sgd"), {"lr": 0.5}) == 0.5
    assert spectral_radius(find("momentum"), values) > 1.0
    assert [spectral_radius(find("momentum"), {**values, "lr": at}) < 1.0 for at in (2.9375, 3.0625)] == [True, False]
    assert [spectral_radius(find("nesterov"), {**values, "lr": at}) < 1.0 for at in (1.4375, 1.5625)] == [True, False]


@pytest.mark.parametrize("name", ["sgd", "momentum", "momentum_ema", "nesterov", "nesterov_lookahead", "nesterov_ema"])
def test_linear_rules_have_a_rate_on_both_sides_of_the_boundary(name):
    subject = facts(name)
    assert LINEAR_ON_QUADRATIC.applies(subject)
    outside, inside = both_sides(subject)
    assert spectral_radius(subject.rule, inside) < 1.0 < spectral_radius(subject.rule, outside)
    for values, grows in ((inside, False), (outside, True)):
        ends = [abs(row[theta]) for row in quadratic_trace(subject.rule, values, 1.0, 8)]
        assert bool(ends[-1] > ends[0]) is grows
        assert exact_steps(quadratic_trace(subject.rule, values, 1.0, 8), "float32") == 8
        assert exact_steps(quadratic_trace(subject.rule, values, 1.0, 8), "bfloat16") >= 3
    assert not LINEAR_ON_QUADRATIC.applies(facts("adam"))


def test_look_ahead_nesterov_is_torchs_form_at_the_look_ahead_point():
    values = {"lr": 0.5, "momentum": 0.5}
    look_ahead, torch_form = (
        quadratic_trace(find(name), values, 1.0, 8) for name in ("nesterov_lookahead", "nesterov")
    )
    for one, other in zip(look_ahead, torch_form, strict=True):
        assert one[theta] - Rational(1, 4) * one[b] == other[theta]
    assert {lr, momentum} == set(find("nesterov").hyper)


def test_only_a_rule_that_needs_the_objective_gets_it():
    assert quadratic_script(facts("nesterov_lookahead")).objective is not None
    assert quadratic_script(facts("nesterov")).objective is None


@pytest.mark.parametrize(
    ("name", "up"), [("adam", True), ("adamw", True), ("rmsprop", True), ("amsgrad", False), ("amsgrad_paper", False)]
)
def test_reddis_gradients_lead_up_if_the_rule_forgets_and_down_if_it_keeps_a_maximum(name, up):
    subject = facts(name)
    assert REDDI_DIRECTION.applies(subject)
    assert (clear_end(subject.rule, hyper(subject, 0, **HYPER), PERIODS) > 0) is up


def test_reddis_gradients_do_not_apply_to_rules_without_squares():
    assert not REDDI_DIRECTION.applies(facts("lion"))
    assert not REDDI_DIRECTION.applies(facts("sgd"))
