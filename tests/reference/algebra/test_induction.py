"""Proofs by induction over the steps, which a wrong formula or relation fails."""

from __future__ import annotations

from stepcheck_reference.algebra.induction import Part, preserves_relation, solves
from stepcheck_reference.alphabet import (
    M,
    b,
    beta,
    beta1,
    beta2,
    dampening,
    g,
    g_prev,
    lr,
    m,
    momentum,
    t,
    theta,
    v,
    velocity,
)
from stepcheck_reference.facts import fixed
from stepcheck_reference.rules import find


def failed(parts: object) -> list[str]:
    proof: list[Part] = list(parts)  # type: ignore[call-overload]
    assert proof
    return [statement for answer, statement in proof if not answer]


def test_a_formula_is_proved_for_every_step() -> None:
    adam = find("adam")
    assert failed(solves(adam, {m: g * (1 - beta1**t), v: g**2 * (1 - beta2**t)}, g)) == []


def test_a_formula_that_is_right_only_at_step_1_fails_later() -> None:
    assert failed(solves(find("momentum_ema"), {M: (1 - beta) * g * t}, g)) == [
        "if M is its formula before a later step, it is after it"
    ]


def test_a_formula_that_is_right_only_later_fails_at_step_1() -> None:
    undamped = fixed(find("momentum"), {dampening: 0})
    assert failed(solves(undamped, {b: g / (1 - momentum)}, g)) == ["b is its formula after step 1"]


def test_gradients_may_depend_on_the_step() -> None:
    growing = solves(find("momentum_ema"), {M: (1 - beta) * t}, t - beta * (t - 1))
    assert failed(growing) == []


def test_two_rules_preserve_a_relation() -> None:
    torch_form, inside = find("momentum"), find("momentum_lr_inside")
    assert failed(preserves_relation(torch_form, inside, {theta: theta, velocity: lr * b}, {dampening: 0})) == []
    ahead = {theta: theta - lr * momentum * b, b: b}
    assert failed(preserves_relation(find("nesterov_lookahead"), find("nesterov"), ahead)) == []


def test_a_wrong_relation_is_reported() -> None:
    torch_form, inside = find("momentum"), find("momentum_lr_inside")
    failures = failed(preserves_relation(torch_form, inside, {theta: theta, velocity: b}, {dampening: 0}))
    assert "velocity still corresponds after step 1" in failures
    assert failed(preserves_relation(torch_form, inside, {theta: theta, velocity: lr * b}))
    identity = {theta: theta, b: b}
    assert "theta still corresponds after step 1" in failed(
        preserves_relation(find("nesterov_lookahead"), find("nesterov"), identity)
    )


def test_a_state_with_another_initial_value_is_reported() -> None:
    difference, torch_form = find("nesterov_gradient_difference"), find("nesterov")
    relation = {theta: theta, b: (M - g_prev) / beta + 1}
    assert "b corresponds initially" in failed(preserves_relation(difference, torch_form, relation, {momentum: beta}))
