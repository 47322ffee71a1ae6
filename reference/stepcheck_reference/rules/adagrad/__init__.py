"""AdaGrad."""

from __future__ import annotations

from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adagrad.adagrad import ADAGRAD
from stepcheck_reference.rules.adagrad.adagrad_eps_inside import ADAGRAD_EPS_INSIDE
from stepcheck_reference.rules.adagrad.adagrad_optax import ADAGRAD_OPTAX

RULES: tuple[Rule, ...] = (
    ADAGRAD,
    ADAGRAD_EPS_INSIDE,
    ADAGRAD_OPTAX,
)
"""The family's rules, in the order listings use."""
