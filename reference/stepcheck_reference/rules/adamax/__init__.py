"""AdaMax."""

from __future__ import annotations

from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adamax.adamax import ADAMAX
from stepcheck_reference.rules.adamax.adamax_keras import ADAMAX_KERAS

RULES: tuple[Rule, ...] = (
    ADAMAX,
    ADAMAX_KERAS,
)
"""The family's rules, in the order listings use."""
