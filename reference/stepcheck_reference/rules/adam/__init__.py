"""Adam, AdamW and rules that differ from them in a moment."""

from __future__ import annotations

from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adam.adabelief import ADABELIEF
from stepcheck_reference.rules.adam.adabelief_optax import ADABELIEF_OPTAX
from stepcheck_reference.rules.adam.adam import ADAM
from stepcheck_reference.rules.adam.adam_eps_hat import ADAM_EPS_HAT
from stepcheck_reference.rules.adam.adam_eps_inside import ADAM_EPS_INSIDE
from stepcheck_reference.rules.adam.adam_l2 import ADAM_L2
from stepcheck_reference.rules.adam.adamw import ADAMW
from stepcheck_reference.rules.adam.ademamix import ADEMAMIX
from stepcheck_reference.rules.adam.laprop import LAPROP
from stepcheck_reference.rules.adam.qhadam import QHADAM
from stepcheck_reference.rules.adam.sparse_adam import SPARSE_ADAM
from stepcheck_reference.rules.adam.yogi import YOGI
from stepcheck_reference.rules.adam.yogi_optax import YOGI_OPTAX

RULES: tuple[Rule, ...] = (
    ADAM,
    ADAM_EPS_HAT,
    ADAM_EPS_INSIDE,
    ADAMW,
    ADAM_L2,
    SPARSE_ADAM,
    ADABELIEF,
    ADABELIEF_OPTAX,
    YOGI,
    YOGI_OPTAX,
    QHADAM,
    LAPROP,
    ADEMAMIX,
)
"""The family's rules, in the order listings use."""
