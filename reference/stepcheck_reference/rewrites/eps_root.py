"""A second epsilon inside the root: sqrt(x) + eps becomes sqrt(x + eps_root) + eps."""

from __future__ import annotations

from sympy import Add, Expr, Pow, Rational

from stepcheck_reference.alphabet import eps, eps_root, sqrt
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.rewrites.rewrite import Rewrite, Step
from stepcheck_reference.rule import Rule


def _add(equation: Expr) -> Expr:
    added = {}
    for divisor in equation.atoms(Add):
        root = divisor - eps
        if eps in divisor.args and isinstance(root, Pow) and root.exp == Rational(1, 2):
            added[divisor] = sqrt(root.base + eps_root) + eps
    return equation.xreplace(added)


def _both(rule: Rule) -> Step | None:
    return {symbol: _add(equation) for symbol, equation in rule.step.items()}


EPS_ROOT = Rewrite(
    "eps_root",
    title="eps_root is added inside the root, in addition to eps outside",
    source="eps_root of optax.adam",
    needs="a rule that adds eps to a square root",
    change=_both,
    within=_add,
    domains={eps_root: NONNEGATIVE},
)
