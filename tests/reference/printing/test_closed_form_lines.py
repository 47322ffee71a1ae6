"""What solves a rule, as lines to read."""

from __future__ import annotations

import pytest
import sympy

from stepcheck_reference.algebra.closed_form import closed_forms
from stepcheck_reference.algebra.history import at, i, j
from stepcheck_reference.algebra.transition import Transition, transition
from stepcheck_reference.alphabet import ALPHABET, beta1, eta, g, g_prev, lr, m, t, theta
from stepcheck_reference.printing import closed_form_lines, rule_page
from stepcheck_reference.printing.columns import WIDTH, columns
from stepcheck_reference.printing.notation import LATEX, UNICODE, Writer
from stepcheck_reference.rules import ALL, find

LETTERS = {**ALPHABET, **closed_form_lines.STEPS}


def block(name: str, heading: str) -> list[str]:
    """Return the lines of ``rules NAME`` below this heading."""
    parts = rule_page.text(find(name)).split("\n\n")
    return [line.strip() for line in parts[parts.index(heading) + 1].splitlines()]


def test_adam_is_solved_as_sums_over_its_gradients() -> None:
    assert block("adam", closed_form_lines.FORMS) == [
        "mₜ = (1 − β₁)·Σᵢ₌₁ᵗ β₁ᵗ⁻ⁱ·gᵢ",
        "vₜ = (1 − β₂)·Σᵢ₌₁ᵗ β₂ᵗ⁻ⁱ·gᵢ²",
        "m̂ₜ = mₜ/(1 − β₁ᵗ)",
        "v̂ₜ = vₜ/(1 − β₂ᵗ)",
        "θₜ = θ₀ − η·Σᵢ₌₁ᵗ m̂ᵢ/(√v̂ᵢ + ε)",
    ]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("momentum", "bₜ = μᵗ⁻¹·g₁ + (1 − τ)·Σᵢ₌₂ᵗ μᵗ⁻ⁱ·gᵢ"),
        ("adamw", "θₜ = (1 − η·λ)ᵗ·θ₀ − η·Σᵢ₌₁ᵗ (1 − η·λ)ᵗ⁻ⁱ·m̂ᵢ/(√v̂ᵢ + ε)"),
        ("nesterov_gradient_difference", "Mₜ       = gₜ + β·Σᵢ₌₁ᵗ βᵗ⁻ⁱ·gᵢ"),
        ("nesterov_gradient_difference", "g_prev,ₜ = gₜ"),
        ("rmsprop_tf", "vₜ        = β₂ᵗ + (1 − β₂)·Σᵢ₌₁ᵗ β₂ᵗ⁻ⁱ·gᵢ²"),
        ("nadam", "Pₜ = Πᵢ₌₁ᵗ μᵢ"),
        ("asgd", "θ̄ₜ   = Σᵢ₌₁ᵗ μₐ,ᵢ₋₁·θᵢ·Πⱼ₌ᵢ₊₁ᵗ (1 − μₐ,ⱼ₋₁)"),
        ("asgd", "ηₐ,ₜ = η/(1 + t·η·λₐ)^α"),
        ("amsgrad", "v_max has none: the new value is not linear in the old one"),
        ("amsgrad", "θ has none: because of v_max"),
        ("adadelta", "x has none: the decay of the old value depends on gradients"),
        ("adam_l2", "m, v and θ have none: they depend on each other"),
        ("adagrad_optax", "θₜ = θ₀ − η·Σᵢ₌₁ᵗ (gᵢ/√(hᵢ + ε) if hᵢ > 0; 0 otherwise)"),
    ],
)
def test_a_solution_is_shown_with_this_line(name: str, line: str) -> None:
    assert line in block(name, closed_form_lines.FORMS)


def test_momentum_on_a_quadratic_is_shown_as_a_power_of_a_matrix() -> None:
    assert block("momentum", closed_form_lines.POWER) == [
        "(θₜ, bₜ) = Aᵗ⁻¹·A₁·(θ₀, 0)",
        "A  = ⎡ 1 − η·κ·(1 − τ)   −η·μ ⎤",
        "⎣ κ·(1 − τ)         μ    ⎦",
        "A₁ = ⎡ 1 − η·κ   0 ⎤",
        "⎣ κ         0 ⎦",
    ]
    assert block("sgd", closed_form_lines.POWER) == ["θₜ = (1 − η·κ)ᵗ·θ₀"]
    assert block("momentum_ema", closed_form_lines.POWER)[0] == "(θₜ, Mₜ) = Aᵗ·(θ₀, 0)"
    assert len(block("nesterov_gradient_difference", closed_form_lines.POWER)) == 1 + 3


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.name)
def test_every_state_is_shown_with_its_form_or_without_one(rule: object) -> None:
    assert isinstance(rule, type(ALL[0]))
    shown = "\n".join(closed_form_lines.text(rule))
    forms = closed_forms(rule)
    writer = Writer(UNICODE, LETTERS)
    for symbol in forms.values.keys() & rule.step.keys():
        assert f"    {writer.write(at(symbol, t))} " in shown
    for sentence in (line for line in shown.splitlines() if " none: " in line):
        assert "{" not in sentence
    assert shown.count(" none: ") == len(set(forms.missing.values()))
    assert (closed_form_lines.POWER in shown) == isinstance(transition(rule), Transition)
    assert max(map(columns, shown.splitlines())) <= WIDTH
    assert all(line == line.rstrip() for line in shown.splitlines())


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.name)
def test_its_latex_is_ascii_with_braces_that_close(rule: object) -> None:
    assert isinstance(rule, type(ALL[0]))
    written = closed_form_lines.latex(rule)
    assert written.isascii()
    for left, right in (("{", "}"), (r"\left", r"\right"), (r"\begin", r"\end")):
        assert written.count(left) == written.count(right)
    assert rule_page.latex(rule).endswith(written)
    solved = closed_forms(rule).values.keys() & rule.step.keys()
    assert bool(written) == bool(solved or isinstance(transition(rule), Transition))


def test_latex_shows_sums_and_powers() -> None:
    written = closed_form_lines.latex(find("momentum"))
    assert r"\left(1 - \tau\right) \sum_{i=2}^{t} \mu^{t - i} g_{i} \\" in written
    assert r"\begin{pmatrix} \theta_{t} \\ b_{t} \end{pmatrix} &= \begin{pmatrix} 1 - " in written
    assert r"\end{pmatrix}^{t - 1} \begin{pmatrix} 1 - " in written
    assert r"\begin{pmatrix} \theta_{0} \\ 0 \end{pmatrix}" in written
    optax = closed_form_lines.latex(find("adagrad_optax"))
    assert r" & \text{if } h_{i} > 0 \\ 0 & \text{otherwise} \end{cases}" in optax


@pytest.mark.parametrize(
    ("expression", "unicode", "latex"),
    [
        (at(m, t - 1), "mₜ₋₁", "m_{t - 1}"),
        (at(g_prev, i), "g_prev,ᵢ", r"g^{\mathrm{prev}}_{i}"),
        (at(eta, i - 1), "ηₐ,ᵢ₋₁", r"\eta_{a,i - 1}"),
        (at(theta, 0), "θ₀", r"\theta_{0}"),
        (lr * sympy.Sum(beta1 ** (t - i) * at(g, i), (i, 1, t)), "η·Σᵢ₌₁ᵗ β₁ᵗ⁻ⁱ·gᵢ", None),
        (sympy.Sum(at(g, i) + at(m, i), (i, 2, t)), "Σᵢ₌₂ᵗ (gᵢ + mᵢ)", r"\sum_{i=2}^{t} \left(g_{i} + m_{i}\right)"),
        (sympy.Product(1 - at(eta, j), (j, i + 1, t)), "Πⱼ₌ᵢ₊₁ᵗ (1 − ηₐ,ⱼ)", None),
        (at(m, t) + sympy.Sum(at(g, i), (i, 1, t)) + lr, "mₜ + η + Σᵢ₌₁ᵗ gᵢ", None),
    ],
)
def test_an_expression_over_steps_is_written_in_unicode_and_latex(
    expression: sympy.Expr, unicode: str, latex: str | None
) -> None:
    assert Writer(UNICODE, LETTERS).write(expression) == unicode
    if latex is not None:
        assert Writer(LATEX, LETTERS).write(expression) == latex
