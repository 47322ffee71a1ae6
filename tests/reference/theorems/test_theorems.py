"""Every theorem is proved, and each fails for a flawed rule."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sympy import Abs, Max, sign, sqrt

from exam.flawed import changed
from stepcheck_reference.alphabet import (
    M,
    a,
    b,
    beta,
    beta1,
    beta2,
    eps,
    eta,
    g,
    g_prev,
    gradient_at,
    h,
    lr,
    m,
    momentum,
    once,
    rho,
    t,
    theta,
    u,
    v,
    v_max,
    velocity,
    x,
)
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules import ALL as RULES
from stepcheck_reference.rules import find
from stepcheck_reference.theorems import ALL
from stepcheck_reference.theorems.theorem import Theorem, every, proof, sufficient

NAMES = [theorem.name for theorem in ALL]
BY_NAME = {theorem.name: theorem for theorem in ALL}


def named(*names: str) -> tuple[Rule, ...]:
    return tuple(map(find, names))


def radam(name: str, flaw: object) -> Rule:
    """Return torch's RAdam with another expression for a quantity that the paper names."""
    rule = find("radam")
    put = {rule.where[name]: flaw}
    return replace(
        rule,
        step={symbol: equation.xreplace(put) for symbol, equation in rule.step.items()},
        where={key: part.xreplace(put) for key, part in rule.where.items()},
        forms={},
    )


RHO_INF, RHO_T = find("radam").where["rho_inf"], find("radam").where["rho_t"]
UNWEIGHED = changed("adamax_keras", u=Max(u, Abs(g)))
UNBOUNDED_WEIGHTS = replace(
    find("adam"), domains={**find("adam").domains, beta1: NONNEGATIVE, beta2: NONNEGATIVE}, forms={}
)

FLAWED: dict[str, tuple[Rule, ...]] = {
    "sign_equivariant": (changed("sgd", theta=theta - lr * Abs(g)),),
    "permutation_equivariant": (replace(find("sgd"), kind="matrix"),),
    "translation_invariant_without_decay": (changed("sgd", theta=theta - lr * g * Abs(theta)),),
    "asgd_depends_on_theta": (changed("asgd", theta=theta - eta * g),),
    "linear_in_rate": (changed("sgd", theta=theta - lr**2 * g),),
    "rprop_moves_at_rate_0": named("rprop_optax", "rprop"),
    "linear_steps_scale_with_gradients": (changed("sgd", theta=theta - lr * g * Abs(g)),),
    "sign_steps_scale_invariant": (changed("sign_sgd", theta=theta - lr * sign(g) * sqrt(Abs(g))),),
    "scale_invariant_at_eps_0": (changed("adam", theta=theta - lr * m / (sqrt(v) + 1)),),
    "scale_invariant_only_at_eps_0": (changed("sgd", theta=theta - lr * sign(g)),),
    "radam_scale_invariant_only_rectified": named("adam"),
    "adadelta_never_moves_at_eps_0": (changed("adadelta", x=rho * x + g**2),),
    "zero_gradients_leave_the_decay": (changed("adam", theta=theta - lr * (m + 1) / (sqrt(v) + eps)),),
    "adam_l2_moves_without_a_gradient": named("sgd+coupled_decay"),
    "yogi_optax_moves_without_a_gradient": named("yogi"),
    "second_moments_never_negative": (changed("adam", v=beta2 * v - (1 - beta2) * g**2),),
    "centered_variance_never_negative": (changed("rmsprop_centered", a=beta2**2 * a + (1 - beta2) * g),),
    "v_max_never_falls": (changed("amsgrad", v_max=Max(beta2 * v_max, v)),),
    "amsgrad_divisor_never_falls": named("amsgrad", "amsgrad_corrected_max"),
    "amsgrad_divisor_can_fall": named("amsgrad", "amsgrad_corrected_max"),
    "amsgrad_is_adam_while_moments_rise": named("amsgrad", "adam_eps_hat"),
    "adagrad_effective_step_never_grows": (changed("adagrad", h=h / 2 + g**2),),
    "bounded_steps": named("sgd"),
    "adam_step_bound": named("nadam_ruder"),
    "adam_step_bound_attained": (changed("adam", m=beta1**2 * m + (1 - beta1) * g),),
    "adam_step_bound_limit": (changed("adam", m=beta1 * m / 2 + (1 - beta1) * g),),
    "adam_step_unbounded": (UNBOUNDED_WEIGHTS,),
    "adam_printed_bound_fails": named("sign_sgd"),
    "decoupled_decay_is_independent_of_gradients": named("adam_l2"),
    "coupled_decay_depends_on_gradients": named("adamw"),
    "sgd_decay_forms_agree": named("sgd+coupled_decay", "sgd+decoupled_decay_paper"),
    "momentum_decay_forms_differ": named("sgd+coupled_decay", "sgd+decoupled_decay"),
    "momentum_weights": (changed("momentum", b=momentum * b + (1 - momentum) * g),),
    "dampening_is_no_plain_average": (find("momentum"), changed("momentum_ema", M=beta * M + (1 - beta**t) * g)),
    "momentum_rate_inside": (find("momentum"), changed("momentum_lr_inside", theta=theta - velocity)),
    "momentum_rate_inside_differs": named("momentum", "momentum"),
    "nesterov_lookahead_is_torch": named("nesterov_lookahead", "momentum"),
    "nesterov_difference_is_torch": (
        changed("nesterov_gradient_difference", M=beta * M + g + (g - g_prev)),
        find("nesterov"),
    ),
    "nesterov_forms_differ_as_momentum_varies": named("nesterov_lookahead", "momentum_lr_inside"),
    "momentum_is_sgd": named("momentum", "sign_sgd"),
    "momentum_lr_inside_is_sgd": named("momentum_lr_inside", "sign_sgd"),
    "nesterov_is_sgd": named("nesterov", "sign_sgd"),
    "adamw_is_adam": named("adamw", "adam_eps_hat"),
    "adam_l2_is_adam": named("adam_l2", "adam_eps_inside"),
    "adagrad+lr_decay_is_adagrad": named("adagrad+lr_decay", "adagrad_eps_inside"),
    "adagrad+initial_accumulator_is_adagrad": named("adagrad+initial_accumulator", "adagrad_eps_inside"),
    "adam_without_first_moment_is_rmsprop": named("adam", "rmsprop_eps_inside"),
    "adam_is_adam_eps_hat": named("adam", "adam_eps_inside"),
    "adam_without_moments_is_sign_descent": (changed("adam", theta=theta - lr * g / (g**2 + eps)),),
    "adamax_is_a_limit": (find("adamax"), UNWEIGHED),
    "adamax_needs_the_power": (UNWEIGHED,),
    "radam_rectification_goes_to_1": (radam("rectification", sqrt(RHO_T * RHO_INF)),),
    "radam_never_rectified": (
        radam("rho_t", once(RHO_INF + 2 * t * beta2**t / (1 - beta2**t))),
    ),
    "constant_gradient_is_its_corrected_moments": (changed("adam", v=beta2 * v + (1 - beta2) * Abs(g)),),
    "corrected_moments_are_unbiased": (changed("adam", v=beta2 * v + (1 - beta2) * g),),
    "corrections_go_to_1": named("rmsprop"),
    "adam_first_step": named("adam_eps_hat"),
    "adam_eps_hat_first_step": named("adam"),
    "adam_eps_inside_first_step": named("adam"),
    "linear_rules_are_matrix_powers": named("adam"),
    "sgd_converges_on_quadratics": (changed("sgd", theta=theta - 2 * lr * g),),
    "momentum_converges_on_quadratics": named("nesterov"),
    "nesterov_converges_on_quadratics": named("momentum"),
    "nesterov_lookahead_converges_as_torch_form": named("momentum"),
    "gradient_descent_bound": (changed("sgd", theta=theta - 2 * lr * g),),
    "nesterov_bound": (changed("nesterov_lookahead", b=momentum * b + gradient_at(theta)),),
    "adagrad_regret": (changed("adagrad", h=h / 2 + g**2),),
    "reddi_adam_goes_up": named("adam"),
    "reddi_amsgrad_goes_down": named("amsgrad"),
}  # fmt: skip


@pytest.mark.parametrize("theorem", ALL, ids=NAMES)
def test_it_is_proved_for_every_rule_it_applies_to(theorem: Theorem) -> None:
    cases = theorem.cases(RULES)
    assert cases
    for case in cases:
        result = theorem.prove(*case)
        assert result.status == "proved", (case, result)
        assert result.how
        assert not result.witness


@pytest.mark.parametrize("theorem", ALL, ids=NAMES)
def test_it_is_not_proved_for_a_flawed_rule(theorem: Theorem) -> None:
    result = theorem.prove(*FLAWED[theorem.name])
    assert result.status in ("refuted", "undecided")
    assert result.how


def test_every_theorem_has_a_flaw_planted_against_it() -> None:
    assert list(FLAWED) == NAMES


def test_theorems_have_unique_names_a_source_and_a_condition() -> None:
    assert len(BY_NAME) == len(ALL)
    for theorem in ALL:
        assert theorem.sentence.endswith(".")
        assert theorem.source
        assert theorem.condition


def test_every_rule_has_a_theorem() -> None:
    for rule in RULES:
        assert any(theorem.cases((rule,)) for theorem in ALL)


def test_a_theorem_about_several_rules_is_selected_by_their_variants() -> None:
    theorem = BY_NAME["sgd_decay_forms_agree"]
    assert theorem.cases(named("sgd")) == theorem.cases(named("sgd+coupled_decay")) == (theorem.rules,)
    assert theorem.cases(named("adam")) == ()


def test_a_false_statement_is_refuted_with_a_witness() -> None:
    result = BY_NAME["amsgrad_divisor_never_falls"].prove(*named("amsgrad_paper", "amsgrad"))
    assert (result.status, result.witness) == ("undecided", "")
    falls = BY_NAME["v_max_never_falls"].prove(changed("amsgrad", v_max=Max(beta2 * v_max, v)))
    assert (falls.status, bool(falls.witness)) == ("refuted", True)


def test_the_worst_part_of_a_proof_decides() -> None:
    assert every((True, "one"), how="so").status == "proved"
    assert every((True, "one"), (None, "two"), (False, "three"), how="so").how == "false: three"
    assert every((None, "two"), (True, "one"), how="so").status == "undecided"
    assert proof(None, "so", otherwise="not", witness="w").witness == ""
    assert proof(False, "so", otherwise="not", witness="w").witness == "w"
    assert (sufficient(True), sufficient(False)) == (True, None)


def test_the_printed_numbers_are_those_of_the_witness() -> None:
    falls = BY_NAME["amsgrad_divisor_can_fall"]
    assert "1.000, 0.707, 0.578" in falls.prove(*falls.rules).how
    printed = BY_NAME["adam_printed_bound_fails"].prove(find("adam")).how
    assert "sqrt(28/27)" in printed
    assert "t = 210" in printed
    limit = BY_NAME["adam_step_bound_limit"].prove(find("adam")).how
    assert "7.27" in limit


@pytest.mark.parametrize(
    "name", ["adam_eps_hat+eps_inside", "adam+maximize", "amsgrad+eps_root", "sign_sgd+coupled_decay"]
)
def test_every_applicable_theorem_is_proved_for_a_rule_with_rewrites(name: str) -> None:
    rule = find(name)
    proved = [theorem.name for theorem in ALL if theorem.applies(rule) and theorem.prove(rule).status == "proved"]
    assert proved == [theorem.name for theorem in ALL if theorem.applies(rule)]
    assert "sign_equivariant" in proved
