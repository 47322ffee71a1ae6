"""Facts: properties of a rule that are proved from its equations, never looked up by its name.

A fact is True, False or None: proved, refuted by exact numbers, or unknown. Unknown is never "no".
"""

from __future__ import annotations

from stepcheck_reference.facts.bound import step_bound
from stepcheck_reference.facts.decreasing_steps import is_fading
from stepcheck_reference.facts.homogeneity import Homogeneity, homogeneity
from stepcheck_reference.facts.invariance import is_elementwise, is_translation_invariant
from stepcheck_reference.facts.parity import is_sign_equivariant, odd_states
from stepcheck_reference.facts.rate_linearity import is_linear_in_rate
from stepcheck_reference.facts.signs import monotone_states, nonnegative_states
from stepcheck_reference.facts.special_case import fixed, reduces
from stepcheck_reference.facts.zero_gradients import rest_factor, resting_states, rests

__all__ = [
    "Homogeneity",
    "fixed",
    "homogeneity",
    "is_elementwise",
    "is_fading",
    "is_linear_in_rate",
    "is_sign_equivariant",
    "is_translation_invariant",
    "monotone_states",
    "nonnegative_states",
    "odd_states",
    "reduces",
    "rest_factor",
    "resting_states",
    "rests",
    "step_bound",
]
