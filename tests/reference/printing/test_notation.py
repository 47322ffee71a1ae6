"""Expressions in Unicode and LaTeX, and folding of parts that have a name."""

from __future__ import annotations

import pytest
import sympy

from stepcheck_reference.alphabet import (
    ALPHABET,
    Abs,
    Eq,
    Max,
    Piecewise,
    alpha,
    b,
    beta1,
    beta2,
    eps,
    g,
    gradient_at,
    lambd,
    lr,
    m,
    momentum,
    once,
    sign,
    sqrt,
    t,
    theta,
    v,
)
from stepcheck_reference.printing.folding import fold
from stepcheck_reference.printing.notation import LATEX, UNICODE, Writer


@pytest.mark.parametrize(
    ("expression", "unicode", "latex"),
    [
        (Abs(g) + eps, "|g| + ε", r"\left|g\right| + \epsilon"),
        (-lr * sign(m), "−η·sign(m)", r"-\eta \operatorname{sign}\left(m\right)"),
        (Max(v, g**2), "max(v, g²)", r"\operatorname{max}\left(v, g^{2}\right)"),
        (1 - beta1 ** (t + 1), "1 − β₁ᵗ⁺¹", r"1 - \beta_1^{t + 1}"),
        (g / 2, "g/2", r"\frac{g}{2}"),
        (-g / 3 + b, "−g/3 + b", r"-\frac{g}{3} + b"),
        (1 / sqrt(v), "1/√v", r"\frac{1}{\sqrt{v}}"),
        ((g + m) ** 2, "(g + m)²", r"\left(g + m\right)^{2}"),
        (v ** sympy.Rational(1, 3), "v^(1/3)", r"v^{\frac{1}{3}}"),
        (m / (lr * eps), "m/(η·ε)", r"\frac{m}{\eta \epsilon}"),
        ((g + m) / eps, "(g + m)/ε", r"\frac{g + m}{\epsilon}"),
        (sympy.Mul(-1, 1 - beta2, g + m), "−(1 − β₂)·(g + m)", r"-\left(1 - \beta_2\right) \left(g + m\right)"),
        (theta - lr * Piecewise((g, t > 5), (m, True)), "θ − η·(g if t > 5; m otherwise)", None),
        (Eq(t, 1), "t = 1", "t = 1"),
        (lr * (1 + t * lambd) ** -alpha, "η/(1 + t·λₐ)^α", r"\frac{\eta}{\left(1 + t \lambda_a\right)^{\alpha}}"),
        (once(g + m) * lr, "η·(g + m)", r"\eta \left(g + m\right)"),
        (lr * gradient_at(theta), "η·∇L(θ)", r"\eta \nabla L\left(\theta\right)"),
        (sympy.Integer(0), "0", "0"),
        (sympy.Integer(-2), "−2", "-2"),
    ],
)
def test_an_expression_is_written_in_unicode_and_latex(expression: sympy.Expr, unicode: str, latex: str | None) -> None:
    assert Writer(UNICODE, ALPHABET).write(expression, theta) == unicode
    if latex is not None:
        assert Writer(LATEX, ALPHABET).write(expression, theta) == latex


def test_folding_matches_a_sum_inside_a_sum_with_either_sign() -> None:
    name = sympy.Symbol("name", real=True)
    assert fold(theta - momentum * b - lr * g, momentum * b + lr * g, name) == theta - name
    assert fold(g + eps + sqrt(g + m), g + m, name) == g + eps + sqrt(name)
    assert fold(lr * m / (1 - beta1**t), m / (1 - beta1**t), name) == lr * name
    assert fold(g + m, g, name) == g + m


def test_folding_matches_a_negated_product_and_a_reciprocal_power() -> None:
    name = sympy.Symbol("name", real=True)
    turned = Piecewise((lr, g * m < 0), (eps, True))
    assert fold(turned, -g * m, name) == Piecewise((lr, name > 0), (eps, True))
    assert fold(g / sqrt(v + eps), sqrt(v + eps), name) == g / name
    assert fold(g * m / eps, -g * m, name) == g * m / eps


def test_branches_inside_a_sum_are_shown_around_it() -> None:
    writer = Writer(UNICODE, ALPHABET)
    step = theta - lr * Piecewise((g, v > 0), (0, True))
    assert writer.cases(step, theta) == (("θ − η·g", "v > 0"), ("θ", ""))
    two = step + Piecewise((m, t > 5), (0, True))
    assert len(writer.cases(two)) == 1
