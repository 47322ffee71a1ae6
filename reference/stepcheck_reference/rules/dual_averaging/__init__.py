"""Rules that work the parameters out of sums over all gradients."""

from __future__ import annotations

from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.dual_averaging.ftrl import FTRL

RULES: tuple[Rule, ...] = (FTRL,)
"""The family's rules, in the order listings use."""
