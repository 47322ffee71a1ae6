"""Resilient propagation."""

from __future__ import annotations

from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.rprop.rprop import RPROP
from stepcheck_reference.rules.rprop.rprop_optax import RPROP_OPTAX

RULES: tuple[Rule, ...] = (
    RPROP,
    RPROP_OPTAX,
)
"""The family's rules, in the order listings use."""
