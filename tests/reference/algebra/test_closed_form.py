"""Closed forms against recurrences, in fractions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from exam.exact import disagreements, generic_inputs, inputs_of, possible_trace
from stepcheck_reference.algebra.closed_form import DEPENDENT, GRADIENTS_DECIDE, MUTUAL, NOT_LINEAR, closed_forms
from stepcheck_reference.algebra.history import at, i
from stepcheck_reference.alphabet import (
    ALPHABET,
    M,
    a,
    alpha,
    b,
    beta,
    beta1,
    beta2,
    dampening,
    eta,
    g,
    g_prev,
    h,
    initial_accumulator,
    lambd,
    lr,
    m,
    momentum,
    mu_product,
    pending,
    step_size,
    t,
    theta,
    u,
    v,
    v_max,
    velocity,
    weight_decay,
    x,
)
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules import ALL, find

EVERY = {rule.name: rule for rule in ALL} | {
    name: find(name)
    for name in (
        "sgd+coupled_decay", "sgd+decoupled_decay", "sgd+lr_decay", "momentum+decoupled_decay", "momentum+maximize",
        "nesterov+coupled_decay", "adagrad+lr_decay", "adagrad+initial_accumulator", "amsgrad+decoupled_decay",
        "adam+decoupled_decay_paper", "nadam+decoupled_decay", "radam+decoupled_decay",
    )
}  # fmt: skip


def total(expression: sympy.Expr, first: int = 1) -> sympy.Expr:
    return sympy.Sum(expression, (i, first, t))


@pytest.mark.parametrize("name", EVERY)
def test_every_state_has_a_closed_form_or_a_reason_for_none(name: str) -> None:
    rule, forms = EVERY[name], closed_forms(EVERY[name])
    assert forms.values.keys() & rule.step.keys() | forms.missing.keys() == rule.step.keys()
    assert not forms.values.keys() & forms.missing.keys()
    for symbol, form in forms.values.items():
        used = {part.base.label for part in form.atoms(sympy.Indexed)}
        assert used <= forms.values.keys() | {g, theta}
        plain = {part for part in form.free_symbols if part.is_Symbol} - used
        assert plain <= {t, *rule.hyper, *rule.constants, *forms.values}
        assert symbol in ALPHABET or symbol not in rule.step


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=3, deadline=None, database=None, derandomize=True)
@given(data=st.data())
def test_recurrence_and_closed_form_agree_exactly(name: str, data: st.DataObject) -> None:
    rule = EVERY[name]
    inputs = data.draw(inputs_of(rule, steps=5))
    possible_trace(rule, inputs)
    assert disagreements(rule, closed_forms(rule), inputs) == []


def plants(form: sympy.Expr) -> Iterator[sympy.Expr]:
    """Yield ``form`` with a mistake: the newest step left out, stuck at step 1, or every weight a step too old."""
    runs = form.atoms(sympy.Sum, sympy.Product)
    shorter = {run: run.func(run.function, (*run.limits[0][:2], t - 1)) for run in runs}
    yield form.xreplace(shorter) if runs else form.subs(t, 1)
    older = form.replace(lambda part: part.is_Pow and part.exp == t - i, lambda part: part * part.base)
    if older != form:
        yield older


@pytest.mark.parametrize("name", EVERY)
def test_a_mistake_in_a_closed_form_is_caught(name: str) -> None:
    rule, forms = EVERY[name], closed_forms(EVERY[name])
    inputs = generic_inputs(rule, 7)
    assert disagreements(rule, forms, inputs) == []
    for symbol in forms.values.keys() & rule.step.keys():
        for wrong in plants(forms.values[symbol]):
            planted = replace(forms, values={**forms.values, symbol: wrong})
            assert symbol.name in {caught for caught, _ in disagreements(rule, planted, inputs)}


def test_a_rule_with_a_mistake_is_caught_by_the_closed_form_of_the_right_one() -> None:
    weighed = replace(find("momentum"), step={b: momentum * b + (1 - dampening) * g, theta: theta - lr * b})
    uncorrected = find("adam+no_first_correction")
    for right, wrong in (("momentum", weighed), ("adam", uncorrected)):
        forms = closed_forms(find(right))
        assert disagreements(find(right), forms, generic_inputs(find(right), 3)) == []
        assert disagreements(wrong, forms, generic_inputs(find(right), 3)) != []


@pytest.mark.parametrize(
    ("name", "symbol", "form"),
    [
        ("sgd", theta, at(theta, 0) - lr * total(at(g, i))),
        ("sgd+coupled_decay", theta, (1 - lr * weight_decay) ** t * at(theta, 0)
         - lr * total((1 - lr * weight_decay) ** (t - i) * at(g, i))),
        ("momentum", b, momentum ** (t - 1) * at(g, 1)
         + (1 - dampening) * total(momentum ** (t - i) * at(g, i), 2)),
        ("nesterov", b, total(momentum ** (t - i) * at(g, i))),
        ("momentum_lr_inside", velocity, lr * total(momentum ** (t - i) * at(g, i))),
        ("momentum_ema", M, (1 - beta) * total(beta ** (t - i) * at(g, i))),
        ("nesterov_gradient_difference", M, at(g, t) + beta * total(beta ** (t - i) * at(g, i))),
        ("nesterov_gradient_difference", g_prev, at(g, t)),
        ("adam", m, (1 - beta1) * total(beta1 ** (t - i) * at(g, i))),
        ("adam", v, (1 - beta2) * total(beta2 ** (t - i) * at(g, i) ** 2)),
        ("lion", m, (1 - beta2) * total(beta2 ** (t - i) * at(g, i))),
        ("adagrad", h, total(at(g, i) ** 2)),
        ("adagrad+initial_accumulator", h, initial_accumulator + total(at(g, i) ** 2)),
        ("rmsprop_tf", v, beta2**t + (1 - beta2) * total(beta2 ** (t - i) * at(g, i) ** 2)),
        ("rmsprop_centered", a, (1 - beta2) * total(beta2 ** (t - i) * at(g, i))),
        ("nadam", mu_product, sympy.Product(at(sympy.Symbol("μₜ", real=True), i), (i, 1, t))),
        ("asgd", eta, lr / (1 + lambd * lr * t) ** alpha),
    ],
)  # fmt: skip
def test_a_closed_form_reads_so(name: str, symbol: sympy.Symbol, form: sympy.Expr) -> None:
    assert closed_forms(EVERY[name]).values[symbol] == form


def test_corrected_moments_are_closed_too() -> None:
    forms = {symbol.name: form for symbol, form in closed_forms(find("adam")).values.items()}
    assert forms["m\N{COMBINING CIRCUMFLEX ACCENT}"] == at(m, t) / (1 - beta1**t)
    assert forms["v\N{COMBINING CIRCUMFLEX ACCENT}"] == at(v, t) / (1 - beta2**t)


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("adam", {}),
        ("amsgrad", {v_max: (NOT_LINEAR.reason, ()), theta: (DEPENDENT, (v_max,))}),
        ("adamax", {u: (NOT_LINEAR.reason, ()), theta: (DEPENDENT, (u,))}),
        ("adadelta", {x: (GRADIENTS_DECIDE.reason, ()), theta: (DEPENDENT, (x,))}),
        ("adam_l2", dict.fromkeys((theta, m, v), (MUTUAL, (theta, m, v)))),
        ("nesterov+coupled_decay", dict.fromkeys((theta, b), (MUTUAL, (theta, b)))),
        ("rprop", {
            **dict.fromkeys((step_size, g_prev), (NOT_LINEAR.reason, ())), theta: (DEPENDENT, (g_prev, step_size)),
        }),
        ("rprop_optax", {
            **dict.fromkeys((step_size, pending), (MUTUAL, (step_size, pending))),
            theta: (DEPENDENT, (step_size, pending)),
        }),
    ],
)  # fmt: skip
def test_what_has_no_closed_form_says_why(name: str, missing: dict[object, object]) -> None:
    missing_forms = closed_forms(EVERY[name]).missing
    assert {symbol: (why.reason, why.states) for symbol, why in missing_forms.items()} == missing


def test_a_coefficient_that_holds_the_gradient_has_no_closed_form() -> None:
    gated = Rule(
        "gated",
        title="A gate.",
        source="nowhere",
        init={b: 0},
        step={b: g * b + g, theta: theta - lr * b},
        domains={lr: NONNEGATIVE},
    )
    assert closed_forms(gated).missing[b] == GRADIENTS_DECIDE
