"""Schedule-Free SGD and AdamW."""

from __future__ import annotations

from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.schedule_free.schedulefree_adamw import SCHEDULEFREE_ADAMW
from stepcheck_reference.rules.schedule_free.schedulefree_sgd import SCHEDULEFREE_SGD

RULES: tuple[Rule, ...] = (
    SCHEDULEFREE_SGD,
    SCHEDULEFREE_ADAMW,
)
"""The family's rules, in the order listings use."""
