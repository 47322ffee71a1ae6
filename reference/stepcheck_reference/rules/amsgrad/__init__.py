"""AMSGrad."""

from __future__ import annotations

from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.amsgrad.amsgrad import AMSGRAD
from stepcheck_reference.rules.amsgrad.amsgrad_corrected_max import AMSGRAD_CORRECTED_MAX
from stepcheck_reference.rules.amsgrad.amsgrad_eps_hat import AMSGRAD_EPS_HAT
from stepcheck_reference.rules.amsgrad.amsgrad_paper import AMSGRAD_PAPER

RULES: tuple[Rule, ...] = (
    AMSGRAD,
    AMSGRAD_PAPER,
    AMSGRAD_CORRECTED_MAX,
    AMSGRAD_EPS_HAT,
)
"""The family's rules, in the order listings use."""
