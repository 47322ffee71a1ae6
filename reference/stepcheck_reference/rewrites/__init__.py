"""Rewrites: named changes that make one rule from another."""

from __future__ import annotations

from stepcheck_reference.rewrites.decay.coupled_decay import COUPLED_DECAY
from stepcheck_reference.rewrites.decay.decay_after_step import DECAY_AFTER_STEP
from stepcheck_reference.rewrites.decay.decay_of_initial_rate import DECAY_OF_INITIAL_RATE
from stepcheck_reference.rewrites.decay.decoupled_decay import DECOUPLED_DECAY
from stepcheck_reference.rewrites.decay.decoupled_decay_paper import DECOUPLED_DECAY_PAPER
from stepcheck_reference.rewrites.eps_inside import EPS_INSIDE
from stepcheck_reference.rewrites.eps_outside import EPS_OUTSIDE
from stepcheck_reference.rewrites.eps_root import EPS_ROOT
from stepcheck_reference.rewrites.initial_accumulator import INITIAL_ACCUMULATOR
from stepcheck_reference.rewrites.lr_decay import LR_DECAY
from stepcheck_reference.rewrites.lr_inside import LR_INSIDE
from stepcheck_reference.rewrites.maximize import MAXIMIZE
from stepcheck_reference.rewrites.no_bias_correction import NO_BIAS_CORRECTION
from stepcheck_reference.rewrites.no_first_correction import NO_FIRST_CORRECTION
from stepcheck_reference.rewrites.no_second_correction import NO_SECOND_CORRECTION
from stepcheck_reference.rewrites.rewrite import Rewrite, RewriteError

__all__ = ["ALL", "Rewrite", "RewriteError"]

ALL: tuple[Rewrite, ...] = (
    COUPLED_DECAY,
    DECOUPLED_DECAY,
    DECOUPLED_DECAY_PAPER,
    MAXIMIZE,
    EPS_INSIDE,
    EPS_OUTSIDE,
    EPS_ROOT,
    NO_BIAS_CORRECTION,
    NO_FIRST_CORRECTION,
    NO_SECOND_CORRECTION,
    DECAY_AFTER_STEP,
    DECAY_OF_INITIAL_RATE,
    LR_DECAY,
    LR_INSIDE,
    INITIAL_ACCUMULATOR,
)
"""Every rewrite, in the order listings use."""
