"""Objectives: the source of gradients for a rule that evaluates them itself.

A script with an objective minimises L(x) = curvature/2 * sum((x - low)**2), with a low per step and tensor; the
gradient at x is curvature * (x - low), in the subject's arithmetic.
"""

from __future__ import annotations

from sympy import Expr

from stepcheck_reference.alphabet import curvature, g, gradient_at
from stepcheck_reference.rule import Rule


def needs_objective(rule: Rule) -> bool:
    """Return whether the rule evaluates gradients itself, so that its scripts need an objective."""
    return any(equation.has(gradient_at) for equation in rule.step.values())


def on_quadratic(expression: Expr) -> Expr:
    """Return ``expression`` with every gradient_at(x) as curvature*(x - g), where g is the minimizer of L."""
    return expression.replace(gradient_at, lambda point: curvature * (point - g))
