"""Adam and AdamW."""

from __future__ import annotations

from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adam.adabelief import ADABELIEF
from stepcheck_reference.rules.adam.adam import ADAM
from stepcheck_reference.rules.adam.adam_eps_hat import ADAM_EPS_HAT
from stepcheck_reference.rules.adam.adam_eps_inside import ADAM_EPS_INSIDE
from stepcheck_reference.rules.adam.adam_l2 import ADAM_L2
from stepcheck_reference.rules.adam.adamw import ADAMW
from stepcheck_reference.rules.adam.yogi import YOGI

RULES: tuple[Rule, ...] = (
    ADAM,
    ADAM_EPS_HAT,
    ADAM_EPS_INSIDE,
    ADAMW,
    ADAM_L2,
    ADABELIEF,
    YOGI,
)
"""The family's rules, in the order listings use."""
