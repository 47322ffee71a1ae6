"""Proofs by induction over the steps, which a wrong formula or relation fails."""

from __future__ import annotations

from stepcheck_reference.algebra.induction import Part, carries, solves
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
    found: list[Part] = list(parts)  # type: ignore[call-overload]
    assert found
    return [says for answer, says in found if not answer]


def test_a_formula_is_proved_for_every_step() -> None:
    adam = find("adam")
    assert failed(solves(adam, {m: g * (1 - beta1**t), v: g**2 * (1 - beta2**t)}, g)) == []


def test_a_formula_that_is_right_at_first_alone_fails_later() -> None:
    assert failed(solves(find("momentum_ema"), {M: (1 - beta) * g * t}, g)) == [
        "M is its formula after a step that it was before"
    ]


def test_a_formula_that_is_right_later_alone_fails_at_first() -> None:
    undamped = fixed(find("momentum"), {dampening: 0})
    assert failed(solves(undamped, {b: g / (1 - momentum)}, g)) == ["b is its formula after step 1"]


def test_gradients_may_depend_on_the_step() -> None:
    growing = solves(find("momentum_ema"), {M: (1 - beta) * t}, t - beta * (t - 1))
    assert failed(growing) == []


def test_two_rules_move_as_one_under_a_relation() -> None:
    torch_form, inside = find("momentum"), find("momentum_lr_inside")
    assert failed(carries(torch_form, inside, {theta: theta, velocity: lr * b}, {dampening: 0})) == []
    ahead = {theta: theta - lr * momentum * b, b: b}
    assert failed(carries(find("nesterov_lookahead"), find("nesterov"), ahead)) == []


def test_a_relation_that_is_off_is_told() -> None:
    torch_form, inside = find("momentum"), find("momentum_lr_inside")
    off = failed(carries(torch_form, inside, {theta: theta, velocity: b}, {dampening: 0}))
    assert "velocity goes on to correspond in step 1" in off
    assert failed(carries(torch_form, inside, {theta: theta, velocity: lr * b}))
    there = {theta: theta, b: b}
    assert "theta goes on to correspond in step 1" in failed(
        carries(find("nesterov_lookahead"), find("nesterov"), there)
    )


def test_a_state_that_starts_elsewhere_is_told() -> None:
    difference, torch_form = find("nesterov_gradient_difference"), find("nesterov")
    relation = {theta: theta, b: (M - g_prev) / beta + 1}
    assert "b corresponds at first" in failed(carries(difference, torch_form, relation, {momentum: beta}))
