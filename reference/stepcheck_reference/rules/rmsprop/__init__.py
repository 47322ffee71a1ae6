"""RMSprop and ADADELTA."""

from __future__ import annotations

from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.rmsprop.adadelta import ADADELTA
from stepcheck_reference.rules.rmsprop.rmsprop import RMSPROP
from stepcheck_reference.rules.rmsprop.rmsprop_centered import RMSPROP_CENTERED
from stepcheck_reference.rules.rmsprop.rmsprop_centered_eps_inside import RMSPROP_CENTERED_EPS_INSIDE
from stepcheck_reference.rules.rmsprop.rmsprop_centered_momentum import RMSPROP_CENTERED_MOMENTUM
from stepcheck_reference.rules.rmsprop.rmsprop_eps_inside import RMSPROP_EPS_INSIDE
from stepcheck_reference.rules.rmsprop.rmsprop_momentum import RMSPROP_MOMENTUM
from stepcheck_reference.rules.rmsprop.rmsprop_tf import RMSPROP_TF

RULES: tuple[Rule, ...] = (
    RMSPROP,
    RMSPROP_EPS_INSIDE,
    RMSPROP_CENTERED,
    RMSPROP_CENTERED_EPS_INSIDE,
    RMSPROP_MOMENTUM,
    RMSPROP_CENTERED_MOMENTUM,
    RMSPROP_TF,
    ADADELTA,
)
"""The family's rules, in the order listings use."""
