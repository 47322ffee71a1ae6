"""Adam with Nesterov momentum."""

from __future__ import annotations

from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.nadam.nadam import NADAM
from stepcheck_reference.rules.nadam.nadam_fixed_beta import NADAM_FIXED_BETA
from stepcheck_reference.rules.nadam.nadam_ruder import NADAM_RUDER

RULES: tuple[Rule, ...] = (
    NADAM,
    NADAM_FIXED_BETA,
    NADAM_RUDER,
)
"""The family's rules, in the order listings use."""
