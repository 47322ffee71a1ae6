"""Code is named after the rule that it computes, whatever its states are called, and after no other."""

from __future__ import annotations

import json

import pytest
from sympy import Eq, Function, Piecewise, Symbol, sqrt

from reference.identify.readings import (
    ADAM,
    ADAMS,
    BRANCHES,
    OUTSIDE,
    baked,
    eps,
    first,
    lr,
    m_hat,
    m_t,
    moments,
    number,
    of,
    reading,
    state,
    t,
    theta,
    v_hat,
    v_t,
)
from stepcheck_reference import rules
from stepcheck_reference.alphabet import beta1, beta2, g, momentum, weight_decay, z
from stepcheck_reference.identify import Identification
from stepcheck_reference.identify import identify_reading as identify
from stepcheck_reference.identify.comparison import compare_reading, parting
from stepcheck_reference.identify.conclusion import EQUAL
from stepcheck_reference.reading.reading import Path, Reading


@pytest.mark.parametrize("name", ["momentum", "amsgrad_corrected_max", "nadam", "rprop"])
def test_code_that_follows_a_rule_is_that_rule_and_proved(name: str) -> None:
    answer = identify(of(rules.find(name)))
    assert (answer.name, answer.rule, answer.verdict) == (name, name, "proved")


@pytest.mark.parametrize(
    "name", ["amsgrad+decoupled_decay+maximize", "radam+coupled_decay", "adam+no_first_correction"]
)
def test_a_rule_with_rewrites_has_the_name_that_the_registry_gives_it(name: str) -> None:
    answer = identify(of(rules.find(name)))
    assert (answer.name, answer.rule, answer.verdict) == (name, name, "proved")


@pytest.mark.parametrize("how", list(ADAMS))
def test_adam_is_found_whatever_its_states_hold(how: str) -> None:
    answer = identify(ADAMS[how])
    assert (answer.name, answer.verdict) == ("adam", "proved")


def test_what_a_state_holds_is_said_of_each() -> None:
    answer = identify(ADAMS["a state that holds the corrected moment"])
    assert answer.states == {"m": "(1 − β₁ᵗ)·other", "v": "exp_avg_sq"}


def test_numbers_in_the_code_are_hyper_parameters_that_are_fixed() -> None:
    answer = identify(baked(0.9, 0.999, 1e-8))
    assert (answer.name, answer.verdict) == ("adam", "proved")
    assert answer.hyper == {"beta1": "fixed at 0.9", "beta2": "fixed at 0.999", "eps": "fixed at 1e-08"}


def test_states_that_count_steps_by_themselves_are_seen_through() -> None:
    weight, mean = Symbol("weight", real=True), Symbol("mean", real=True)
    heavier = 1 + momentum * weight
    averaged = mean + (g - mean) / heavier
    answer = identify(
        reading({weight: heavier, mean: averaged, theta: theta - lr * averaged * heavier}, {weight: 0, mean: 0})
    )
    assert (answer.name, answer.verdict) == ("momentum", EQUAL)


def test_a_rule_whose_decay_the_code_leaves_out_is_found_with_a_decay_of_0() -> None:
    plain = of(rules.find("adan"))
    answer = identify(reading({state: part.subs(weight_decay, 0) for state, part in plain.step.items()}, plain.init))
    assert (answer.rule, answer.hyper["weight_decay"]) == ("adan", "fixed at 0")


def test_a_state_that_starts_as_a_copy_of_the_parameter_is_one_that_takes_it_at_the_first_step() -> None:
    rule = rules.find("schedulefree_sgd")
    taken = Piecewise((theta, Eq(t, 1)), (z, True))
    plain = of(rule)
    copied = {state: part.xreplace({taken: z}) for state, part in plain.step.items()}
    assert copied != plain.step
    assert identify(reading(copied, {**plain.init, z: theta})).rule == "schedulefree_sgd"


def test_hyper_parameters_of_any_name_are_found() -> None:
    names = {beta1: number("keep"), beta2: number("smooth"), lr: number("speed"), eps: number("tiny")}
    step = {symbol: value.xreplace(names) for symbol, value in ADAM.step.items()}
    answer = identify(reading(step, ADAM.init))
    assert answer.name == "adam"
    assert answer.hyper == {"beta1": "keep", "beta2": "smooth", "lr": "speed", "eps": "tiny"}


@pytest.mark.parametrize("what", list(OUTSIDE))
def test_a_rule_outside_the_space_has_no_name(what: str) -> None:
    answer = identify(OUTSIDE[what])
    assert (answer.name, answer.rule, answer.verdict) == (None, None, "none")
    assert answer.nearest is not None


def test_two_signs_that_seldom_differ_are_not_equal() -> None:
    close = OUTSIDE["Lion whose average has the gradient already"]
    assert compare_reading(close, rules.find("lion")).how == ""
    found = parting(close, rules.find("lion"), {symbol: symbol for symbol in close.hyper})
    assert found is not None
    assert (found.rule, found.of_code) == ("lion", "(1 − β₁)·g + β₁·m")


def test_the_first_part_that_differs_from_the_nearest_rule_is_shown() -> None:
    close = identify(OUTSIDE["eps times beta1"]).nearest
    assert close is not None
    assert (close.rule, close.equation, close.of_rule, close.of_code) == ("adam", "θ", "ε", "β₁·ε")


VARIANTS = {
    "adam_eps_inside": moments(theta - lr * m_hat / sqrt(v_hat + eps)),
    "adam+eps_squared": moments(theta - lr * m_hat / sqrt(v_hat + eps**2)),
    "adamw+no_first_correction+eps_inside": moments(theta - lr * weight_decay * theta - lr * m_t / sqrt(v_hat + eps)),
    "adam+first_correction_t_minus_1+second_correction_t_minus_1": moments(
        theta - lr * m_t / (1 - beta1 ** (t - 1)) / (sqrt(v_t / (1 - beta2 ** (t - 1))) + eps)
    ),
    "adam+decay_after_step": moments((theta - lr * m_hat / (sqrt(v_hat) + eps)) * (1 - lr * weight_decay)),
    "nesterov+decay_is_a_number": reading(
        {
            first: momentum * first + g,
            theta: theta - lr * weight_decay - lr * (g + momentum * (momentum * first + g)),
        },
        {first: 0},
    ),
    "amsgrad_paper": of(rules.find("amsgrad_paper")),
    "momentum_lr_inside": reading(
        {state("last"): theta, theta: theta - lr * g + momentum * (theta - state("last"))}, {state("last"): theta}
    ),
}


@pytest.mark.parametrize("name", list(VARIANTS))
def test_a_variant_is_named_after_what_differs(name: str) -> None:
    answer = identify(VARIANTS[name])
    assert (answer.name, answer.verdict) == (name, "proved")


def test_a_correction_with_t_minus_1_is_said_to_divide_by_zero() -> None:
    answer = identify(VARIANTS["adam+first_correction_t_minus_1+second_correction_t_minus_1"])
    assert answer.rule is None
    assert all("divides by zero at t = 1" in part.sentence for part in answer.differences)


def test_momentum_and_its_look_ahead_are_said_to_be_no_averages() -> None:
    answer = identify(of(rules.find("momentum")))
    assert any("no average" in remark for remark in answer.remarks)
    assert not any("no average" in remark for remark in identify(of(rules.find("momentum_ema"))).remarks)


def test_a_sum_of_gradients_is_momentum_without_dampening() -> None:
    b = state("buf")
    answer = identify(reading({b: momentum * b + g, theta: theta - lr * (momentum * b + g)}, {b: 0}))
    assert (answer.name, answer.verdict, answer.hyper) == ("momentum", "proved", {"dampening": "fixed at 0"})


def test_code_that_is_undefined_at_every_step_has_no_name() -> None:
    v = state("v_old")
    answer = identify(reading({v: v + g**2, theta: theta - lr * g / sqrt(v)}, {v: 0}))
    assert answer.name is None


def test_code_that_was_not_read_is_said_so_and_has_no_name() -> None:
    read = Reading("subject", ADAM.step, ADAM.init, {}, paths=(Path(1, ADAM.step, opaque=("torch._fused_adam_",)),))
    answer = identify(read)
    assert (answer.name, answer.verdict, answer.opaque) == (None, "not read", ("torch._fused_adam_",))
    called = Function("kernel")(g, Symbol("x", real=True))
    assert identify(reading({theta: theta - lr * called}, {})).opaque == ("kernel",)


def test_an_answer_is_json() -> None:
    answer = identify(OUTSIDE["a sum of signs"])
    assert json.loads(json.dumps(answer.to_json()))["nearest"]["rule"] == "signum"
    assert isinstance(answer, Identification)
    assert "no rule here computes this" in answer.text()


@pytest.mark.parametrize("what", ["a bound that gradients seldom pass", "a number of steps that runs seldom take"])
def test_a_branch_that_no_run_took_leaves_code_without_a_name(what: str) -> None:
    answer = identify(BRANCHES[what])
    assert (answer.name, answer.rule, answer.verdict, answer.base) == (None, None, "undecided", "sgd")
    assert "a branch was never taken" in answer.text()


def test_a_branch_that_makes_no_difference_is_seen_through_by_proof() -> None:
    answer = identify(BRANCHES["a gradient that is 0"])
    assert (answer.name, answer.verdict) == ("sgd", "proved")
