"""Rectified Adam."""

from __future__ import annotations

from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.radam.radam import RADAM
from stepcheck_reference.rules.radam.radam_optax import RADAM_OPTAX
from stepcheck_reference.rules.radam.radam_paper import RADAM_PAPER
from stepcheck_reference.rules.radam.radam_resting import RADAM_RESTING

RULES: tuple[Rule, ...] = (
    RADAM,
    RADAM_PAPER,
    RADAM_OPTAX,
    RADAM_RESTING,
)
"""The family's rules, in the order listings use."""
