"""Epsilon outside the root: sqrt(x + eps) becomes sqrt(x) + eps."""

from __future__ import annotations

from sympy import Add, Expr, Pow, Rational

from stepcheck_reference.alphabet import eps, sqrt
from stepcheck_reference.rewrites.rewrite import Rewrite, Step
from stepcheck_reference.rule import Rule

HALF = Rational(1, 2)


def _eps_moved(equation: Expr) -> Expr:
    roots = [power for power in equation.atoms(Pow) if power.exp in (HALF, -HALF) and isinstance(power.base, Add)]
    moved = {root: sqrt(root.base - eps) + eps for root in roots if eps in root.base.args}
    return equation.xreplace({root: value if root.exp == HALF else 1 / value for root, value in moved.items()})


def _outside(rule: Rule) -> Step | None:
    return {symbol: _eps_moved(equation) for symbol, equation in rule.step.items()}


EPS_OUTSIDE = Rewrite(
    "eps_outside",
    title="eps is added outside the root",
    source="code of rules whose paper has it inside, such as ADADELTA",
    needs="a rule that adds eps under a square root",
    change=_outside,
    within=_eps_moved,
)
