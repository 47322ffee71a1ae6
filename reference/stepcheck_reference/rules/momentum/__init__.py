"""Momentum, Nesterov momentum, QHM and Lion."""

from __future__ import annotations

from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.momentum.lion import LION
from stepcheck_reference.rules.momentum.momentum import MOMENTUM
from stepcheck_reference.rules.momentum.momentum_ema import MOMENTUM_EMA
from stepcheck_reference.rules.momentum.momentum_lr_inside import MOMENTUM_LR_INSIDE
from stepcheck_reference.rules.momentum.nesterov import NESTEROV
from stepcheck_reference.rules.momentum.nesterov_ema import NESTEROV_EMA
from stepcheck_reference.rules.momentum.nesterov_gradient_difference import NESTEROV_GRADIENT_DIFFERENCE
from stepcheck_reference.rules.momentum.nesterov_lookahead import NESTEROV_LOOKAHEAD
from stepcheck_reference.rules.momentum.qhm import QHM

RULES: tuple[Rule, ...] = (
    MOMENTUM,
    MOMENTUM_LR_INSIDE,
    MOMENTUM_EMA,
    NESTEROV,
    NESTEROV_LOOKAHEAD,
    NESTEROV_GRADIENT_DIFFERENCE,
    NESTEROV_EMA,
    QHM,
    LION,
)
"""The family's rules, in the order listings use."""
