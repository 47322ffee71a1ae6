"""A page of a reading shows equations as papers print them, whatever form the code has."""

from __future__ import annotations

from sympy import Eq, Max, Ne, Piecewise, Rational, Symbol, sqrt

from stepcheck_reference.alphabet import beta1, beta2, eps, g, lr, m, t, theta, v, weight_decay
from stepcheck_reference.printing import reading_page, rule_file
from stepcheck_reference.printing.parts import with_parts
from stepcheck_reference.reading.reading import Path, Reading
from stepcheck_reference.rules import find

exp_avg, exp_avg_sq = Symbol("exp_avg", real=True), Symbol("exp_avg_sq", real=True)
m_t = exp_avg + (1 - beta1) * (g - exp_avg)
v_t = beta2 * exp_avg_sq + (1 - beta2) * g**2
moved = theta * (1 - lr * weight_decay) - lr * m_t / (1 - beta1**t) / (sqrt(v_t) / sqrt(1 - beta2**t) + eps)
STEP = {exp_avg: m_t, exp_avg_sq: v_t, theta: moved}
READING = Reading(
    "module:AdamW",
    STEP,
    {exp_avg: Rational(0), exp_avg_sq: Rational(0)},
    {lr: 0.1, beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.5},
    names={exp_avg: "exp_avg", exp_avg_sq: "exp_avg_sq"},
    paths=(Path(1, STEP, (Ne(weight_decay, 0),)), Path(1000, STEP, (Ne(weight_decay, 0),))),
    letters={exp_avg: (m,), exp_avg_sq: (v,)},
    slots={lr: "lr", beta1: "betas[0]", beta2: "betas[1]", eps: "eps", weight_decay: "weight_decay"},
)


def test_equations_are_those_of_the_paper() -> None:
    assert reading_page.text(READING).split("\n\n")[1].splitlines() == [
        "    m′ = β₁·m + (1 − β₁)·g",
        "    v′ = β₂·v + (1 − β₂)·g²",
        "    m̂  = m′/(1 − β₁ᵗ)",
        "    v̂  = v′/(1 − β₂ᵗ)",
        "    θ′ = (1 − η·λ)·θ − η·m̂/(√v̂ + ε)",
    ]


def test_states_have_their_own_names_and_conditions_are_lines() -> None:
    page = reading_page.text(READING)
    assert "state       m  exp_avg     0 at first" in page
    assert "where       λ ≠ 0" in page
    assert "not read" not in page


def test_a_state_whose_name_says_nothing_keeps_it() -> None:
    page = reading_page.text(Reading("a:B", {exp_avg: g, theta: theta - exp_avg}, {exp_avg: Rational(0)}, {}))
    assert "    exp_avg′ = g" in page


def test_a_rule_file_is_the_rule(tmp_path: object) -> None:
    names: dict[str, object] = {}
    exec(rule_file.text(READING), names)
    rule, expected = names["ADAMW"], find("adamw")
    assert isinstance(rule, type(expected))
    assert rule.step[v] == expected.step[v]


def test_exact_numbers_stay_exact_in_a_rule_file() -> None:
    step = {theta: theta - lr * Rational(24, 25) ** t * Piecewise((g, Eq(t, 1)), (Max(g, 0), True))}
    names: dict[str, object] = {}
    exec(rule_file.text(Reading("a:B", step, {}, {lr: 0.1})), names)
    assert names["B"].step[theta] == step[theta]  # type: ignore[attr-defined]


def test_quantities_of_rules_are_found_whatever_stands_around_them() -> None:
    step = dict(find("radam").step)
    found, parts = with_parts({theta: step[theta].doit()})
    assert list(parts)[:2] == ["rho_inf", "rho_t"]
    assert found[theta] != step[theta]
