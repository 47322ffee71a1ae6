"""Gradient descent, its sign and its average."""

from __future__ import annotations

from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.gradient_descent.asgd import ASGD
from stepcheck_reference.rules.gradient_descent.sgd import SGD
from stepcheck_reference.rules.gradient_descent.sign_sgd import SIGN_SGD
from stepcheck_reference.rules.gradient_descent.signum import SIGNUM

RULES: tuple[Rule, ...] = (
    SGD,
    SIGN_SGD,
    SIGNUM,
    ASGD,
)
"""The family's rules, in the order listings use."""
