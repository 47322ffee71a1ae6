"""Rewrites make one rule from another and say so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sympy import Add, Expr, Integer, Pow, Rational, expand, preorder_traversal

from exam.combinations import COMBINATIONS, VARIANTS
from exam.points import differing_points
from stepcheck_reference import rewrites
from stepcheck_reference.alphabet import (
    ax,
    b,
    beta1,
    beta2,
    eps,
    g,
    gradient_at,
    initial_accumulator,
    initial_lr,
    lambd,
    lr,
    m,
    momentum,
    mu,
    sqrt,
    t,
    theta,
    v,
    weight_decay,
    x,
)
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.rewrites import RewriteError
from stepcheck_reference.rules import ALL, UnknownRule, find

HALF = Rational(1, 2)


def test_the_gradient_is_negated_before_decay_is_added() -> None:
    for name in ("adam+coupled_decay+maximize", "adam_l2+maximize"):
        seen = -g + weight_decay * theta
        assert find(name).step[m] == beta1 * m + (1 - beta1) * seen
        assert find(name).step[v] == beta2 * v + (1 - beta2) * seen**2


def test_the_other_order_negates_the_decay_as_well() -> None:
    assert find("sgd+maximize+coupled_decay").step[theta] == theta + lr * (g + weight_decay * theta)


def test_decoupled_decay_leaves_the_moments_alone() -> None:
    adam, adamw = find("adam"), find("adamw")
    assert (adamw.step[m], adamw.step[v]) == (adam.step[m], adam.step[v])
    assert adamw.step[theta] == theta * (1 - lr * weight_decay) + (adam.step[theta] - theta)


def test_the_paper_s_decay_is_not_multiplied_by_the_learning_rate() -> None:
    assert find("adam+decoupled_decay_paper").step[theta] == find("adam").step[theta] - weight_decay * theta


def test_epsilon_moves_inside_the_root() -> None:
    v_hat = find("adam").step[v] / (1 - beta2**t)
    m_hat = find("adam").step[m] / (1 - beta1**t)
    assert find("adam_eps_inside").step[theta] == theta - lr * m_hat / sqrt(v_hat + eps)


def test_without_bias_correction_no_count_and_no_correction_remain() -> None:
    rule = find("adam+no_bias_correction")
    assert rule.step[theta] == theta - lr * rule.step[m] / (sqrt(rule.step[v]) + eps)
    for name in ("adam_eps_hat", "amsgrad", "amsgrad_corrected_max", "amsgrad_eps_hat", "adamw"):
        plain = find(f"{name}+no_bias_correction")
        assert not any(t in equation.free_symbols for equation in plain.step.values())


def test_with_the_learning_rate_inside_the_buffer_the_step_is_the_buffer() -> None:
    for name in ("rmsprop_momentum", "rmsprop_centered_momentum", "rmsprop_momentum+eps_inside"):
        outside, inside = find(name), find(f"{name}+lr_inside")
        assert inside.step[b] - momentum * b == lr * (outside.step[b] - momentum * b)
        assert inside.step[theta] == theta - inside.step[b]
        assert inside.step[v] == outside.step[v]


def test_amsgrad_without_bias_correction_is_the_paper_s() -> None:
    for name in ("amsgrad", "amsgrad_corrected_max", "amsgrad_eps_hat"):
        assert dict(find(f"{name}+no_bias_correction").step) == dict(find("amsgrad_paper").step)


def test_no_correction_of_either_moment_is_no_correction() -> None:
    for name in ("adam", "adamw", "amsgrad", "qhadam", "ademamix"):
        apart = find(f"{name}+no_first_correction+no_second_correction")
        assert dict(apart.step) == dict(find(f"{name}+no_bias_correction").step)
    hat = find("adam_eps_hat+no_second_correction")
    assert dict(hat.step) == dict(find("adam+no_second_correction").step)
    assert set(find("adam+no_second_correction").domains) == {lr, beta1, beta2, eps}


def test_eps_outside_undoes_eps_inside() -> None:
    for name in ("adam", "rmsprop", "adagrad"):
        assert dict(find(f"{name}_eps_inside+eps_outside").step) == dict(find(name).step)
    assert find("adadelta+eps_outside").step[theta].has(sqrt(x) + eps)


def test_a_decay_after_the_step_shrinks_what_was_moved() -> None:
    for name in ("sgd", "adam", "momentum"):
        after, plain = find(f"{name}+decay_after_step"), find(name)
        assert after.step[theta] == plain.step[theta] * (1 - lr * weight_decay)
        assert dict(after.step).keys() == dict(plain.step).keys()
        before = find(f"{name}+decoupled_decay").step[theta]
        overlap = lr * weight_decay * (theta - plain.step[theta])
        assert expand(after.step[theta] - before - overlap) == 0


def test_a_decay_of_the_initial_rate_is_the_paper_s_at_that_rate() -> None:
    for name in ("sgd", "adam"):
        relative, paper = find(f"{name}+decay_of_initial_rate"), find(f"{name}+decoupled_decay_paper")
        assert expand(relative.step[theta].xreplace({initial_lr: lr}) - paper.step[theta]) == 0
        usual = find(f"{name}+decoupled_decay").step[theta]
        assert expand(relative.step[theta].xreplace({initial_lr: Integer(1)}) - usual) == 0


def test_a_gradient_elsewhere_is_decayed_where_it_is_and_its_buffer_may_hold_the_rate() -> None:
    ahead = theta - lr * momentum * b
    coupled = momentum * b + gradient_at(ahead) + weight_decay * ahead
    assert find("nesterov_lookahead+coupled_decay").step[b] == coupled
    inside = momentum * b + lr * gradient_at(theta - momentum * b)
    assert dict(find("nesterov_lookahead+lr_inside").step) == {b: inside, theta: theta - inside}


@pytest.mark.parametrize(
    ("name", "lacks"),
    [
        ("sgd+eps_inside", "adds eps to a square root"),
        ("adam_eps_inside+eps_inside", "already has it"),
        ("adam+decoupled_decay+decoupled_decay", "already has it"),
        ("adamw+decoupled_decay", "already has it"),
        ("adamw+coupled_decay", "without weight_decay"),
        ("adam_l2+decoupled_decay_paper", "without weight_decay"),
        ("adam+maximize+maximize", "already has it"),
        ("momentum+no_bias_correction", "divides by 1 - beta"),
        ("amsgrad_paper+no_bias_correction", "divides by 1 - beta"),
        ("rmsprop_tf+lr_inside", "buffer b adds to momentum"),
        ("momentum+lr_inside", "buffer b adds to momentum"),
    ],
)
def test_a_rewrite_that_does_not_apply_says_what_it_needs(name: str, lacks: str) -> None:
    with pytest.raises(RewriteError, match=lacks) as caught:
        find(name)
    assert caught.value.rewrite == name.rpartition("+")[2]
    assert caught.value.rule == name.rpartition("+")[0]


def test_every_rewrite_applies_somewhere_and_only_where_find_accepts_it() -> None:
    for rewrite in rewrites.ALL:
        applicable = {rule.name for rule in ALL if rewrite.applies(rule)}
        assert applicable == {rule.name for rule in ALL if f"{rule.name}+{rewrite.name}" in COMBINATIONS}
        assert applicable


@pytest.mark.parametrize(
    ("name", "lacks"),
    [
        ("nadam+no_bias_correction", "no other powers of t"),
        ("nadam_fixed_beta+no_first_correction", "no other powers of beta1"),
        ("radam+no_bias_correction", "no other powers of t"),
        ("nesterov_lookahead+maximize", "the gradient's sign"),
        ("rprop+lr_decay", "whose step uses lr"),
        ("lion+coupled_decay", "without weight_decay"),
        ("rmsprop_tf+initial_accumulator", "starts at 0"),
        ("asgd+decoupled_decay", "a rule theta - "),
    ],
)
def test_a_rewrite_that_would_apply_only_to_part_of_a_rule_is_refused(name: str, lacks: str) -> None:
    with pytest.raises(RewriteError, match=lacks):
        find(name)


@pytest.mark.parametrize("family", VARIANTS)
def test_only_squares_of_gradients_start_from_the_initial_accumulator(family: str) -> None:
    for rule in VARIANTS[family]:
        started = {state.name for state, value in rule.init.items() if value == initial_accumulator}
        own = {state.name for state, value in find(family).init.items() if value == initial_accumulator}
        squares = {"h" if "h" in map(str, rule.init) else "v"} if "initial_accumulator" in rule.rewrites else set()
        assert started == own | squares


def test_the_order_of_initial_accumulator_and_decay_does_not_matter() -> None:
    first, second = find("adagrad+initial_accumulator+coupled_decay"), find("adagrad+coupled_decay+initial_accumulator")
    assert (dict(first.init), dict(first.step)) == (dict(second.init), dict(second.step))


@pytest.mark.parametrize("family", VARIANTS)
def test_every_form_is_its_equation_exactly(family: str) -> None:
    for rule in VARIANTS[family]:
        for symbol, forms in rule.forms.items():
            for form in forms:
                assert not differing_points(rule, form, rule.step[symbol]), (rule.name, symbol, form)


def test_a_form_that_is_not_its_equation_is_caught() -> None:
    for name in ("lion", "adamw", "asgd", "adam+decoupled_decay+maximize"):
        rule = find(name)
        for form in rule.forms[theta]:
            more = {weight_decay: 2 * weight_decay, lambd: 2 * lambd}
            for wrong in (form + lr * g, form.xreplace(more), form.subs(g, -g)):
                assert differing_points(rule, wrong, rule.step[theta]), (name, wrong)
    assert differing_points(find("asgd"), ax + mu * (theta - ax), find("asgd").step[ax])


def test_rewrites_carry_forms_and_quantities_along() -> None:
    for name in ("lion+maximize", "adamw+eps_inside", "adam+decoupled_decay+lr_decay", "asgd+coupled_decay+maximize"):
        assert find(name).forms.keys() == find(name.partition("+")[0] if "adam+" not in name else "adamw").forms.keys()
    decayed = find("nadam+coupled_decay+lr_decay")
    assert list(decayed.where) == ["lr_t", "mu_t", "mu_next", "divisor"]
    assert decayed.where["divisor"].has((g + weight_decay * theta) ** 2)


def test_a_rewritten_rule_records_where_it_comes_from() -> None:
    rule = find("amsgrad+decoupled_decay+maximize")
    assert (rule.name, rule.variant_of) == ("amsgrad+decoupled_decay+maximize", "amsgrad")
    assert rule.rewrites == ("decoupled_decay", "maximize")
    assert find("amsgrad").source in rule.source
    assert "maximize" in rule.source
    assert find("amsgrad").variant_of is None


def test_a_named_variant_keeps_its_provenance_and_hands_it_on() -> None:
    assert (find("adamw").variant_of, find("adamw").rewrites) == ("adam", ("decoupled_decay",))
    assert (find("adam_l2").variant_of, find("adam_l2").rewrites) == ("adam", ("coupled_decay",))
    assert (find("adam_eps_inside").variant_of, find("adam_eps_inside").rewrites) == ("adam", ("eps_inside",))
    assert find("adamw+maximize").rewrites == ("decoupled_decay", "maximize")
    for rule in COMBINATIONS.values():
        if rule.variant_of is not None:
            assert dict(find("+".join((rule.variant_of, *rule.rewrites))).step) == dict(rule.step)


def test_a_name_finds_the_same_rule_each_time() -> None:
    assert find("adamw+maximize") is find("adamw+maximize")
    assert all(find(rule.name) is rule for rule in ALL)
    assert find("adam+decoupled_decay") is not find("adamw")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("adma", r"^no rule 'adma'; there are sgd, .*; did you mean adam\?$"),
        ("Adma", r"did you mean adam\?$"),
        ("AdamW", r"did you mean adamw\?$"),
        (
            "adam+maximise",
            r"^no rewrite 'maximise' in 'adam\+maximise'; there are coupled_decay, .*; did you mean maximize\?$",
        ),
        ("", r"^no rule ''; there are sgd"),
        ("adam+", r"^no rewrite '' in 'adam\+'"),
        ("frobnicate", r"radam_resting$"),
    ],
)
def test_an_unknown_name_lists_the_names_and_suggests_the_nearest(name: str, message: str) -> None:
    with pytest.raises(UnknownRule, match=message) as caught:
        find(name)
    assert caught.value.given == name
    assert caught.value.allowed


def test_only_hyper_parameters_that_are_used_keep_a_domain() -> None:
    for rule in COMBINATIONS.values():
        assert set(rule.domains) == set(rule.hyper)


def test_a_hyper_parameter_of_an_initial_value_keeps_its_domain() -> None:
    started = replace(
        find("sgd"),
        name="started",
        init={b: eps},
        step={b: b, theta: theta - lr * g * b},
        domains={lr: NONNEGATIVE, eps: NONNEGATIVE},
    )
    rule = rewrites.ALL[0](started)
    assert rule.hyper == (lr, eps, weight_decay)


CORRECTED_INSIDE = {
    "adam", "adam_eps_inside", "adam_l2", "adamw", "amsgrad", "amsgrad_corrected_max", "nadam", "nadam_fixed_beta",
    "nadam_ruder", "radam_optax",
}  # fmt: skip
"""Rules that take the root of a corrected moment."""


def roots(equation: Expr) -> list[Expr]:
    return [node for node in preorder_traversal(equation) if node.is_Pow and node.exp in (HALF, -HALF)]


@pytest.mark.parametrize("family", VARIANTS)
def test_no_root_is_split(family: str) -> None:
    for rule in VARIANTS[family]:
        for equation in rule.step.values():
            for root in roots(equation):
                assert not (root.base.is_Pow and root.base.exp < 0), (rule.name, root)
        if family in CORRECTED_INSIDE and not {"no_bias_correction", "no_second_correction"} & set(rule.rewrites):
            assert any(root.base.has(v) and root.base.has(1 - beta2**t) for root in roots(rule.step[theta])), rule.name
            assert not any(root.base == 1 - beta2**t for root in roots(rule.step[theta])), rule.name


def test_a_rule_with_squares_has_a_root_and_others_have_none() -> None:
    rooted = {rule.name for rule in ALL if any(roots(equation) for equation in rule.step.values())}
    squared = {
        rule.name for rule in ALL for equation in rule.step.values() for power in equation.atoms(Pow)
        if power.exp == 2 and power.base.has(g)
    }  # fmt: skip
    assert rooted == squared


def test_the_roots_of_amsgrad_hold_their_correction() -> None:
    amsgrad = find("amsgrad")
    assert [root.base for root in roots(amsgrad.step[theta])] == [amsgrad.step[amsgrad.states[2]] / (1 - beta2**t)]


def test_a_sum_of_gradient_and_decay_is_never_multiplied_out() -> None:
    decayed = {g + weight_decay * theta, -g + weight_decay * theta, -g - weight_decay * theta}
    for name in (
        "adam_l2",
        "adam_l2+maximize",
        "amsgrad+coupled_decay",
        "sgd+coupled_decay",
        "adam+maximize+coupled_decay",
    ):
        for equation in find(name).step.values():
            if weight_decay in equation.free_symbols:
                assert decayed & {node for node in preorder_traversal(equation) if isinstance(node, Add)}
