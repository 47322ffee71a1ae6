"""Adan."""

from __future__ import annotations

from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adan.adan import ADAN
from stepcheck_reference.rules.adan.adan_no_prox import ADAN_NO_PROX
from stepcheck_reference.rules.adan.adan_optax import ADAN_OPTAX

RULES: tuple[Rule, ...] = (
    ADAN,
    ADAN_NO_PROX,
    ADAN_OPTAX,
)
"""The family's rules, in the order listings use."""
