"""Epsilon inside the root: sqrt(x) + eps becomes sqrt(x + eps)."""

from __future__ import annotations

from sympy import Add, Expr, Pow, Rational

from stepcheck_reference.alphabet import eps, sqrt
from stepcheck_reference.rewrites.rewrite import Rewrite, Step
from stepcheck_reference.rule import Rule


def _eps_moved(equation: Expr) -> Expr:
    replacements = {}
    for divisor in equation.atoms(Add):
        root = divisor - eps
        if eps in divisor.args and isinstance(root, Pow) and root.exp == Rational(1, 2):
            replacements[divisor] = sqrt(root.base + eps)
    return equation.xreplace(replacements)


def _inside(rule: Rule) -> Step | None:
    return {symbol: _eps_moved(equation) for symbol, equation in rule.step.items()}


EPS_INSIDE = Rewrite(
    "eps_inside",
    title="eps is added inside the root",
    source="common in hand-written optimizers; eps_root of optax.scale_by_adam",
    needs="a rule that adds eps to a square root",
    change=_inside,
    within=_eps_moved,
)
