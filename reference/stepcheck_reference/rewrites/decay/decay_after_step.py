"""Decoupled weight decay after the step: parameters that were moved shrink by a factor of 1 - lr*weight_decay."""

from __future__ import annotations

from collections.abc import Mapping

from stepcheck_reference.alphabet import Expr, Symbol, lr, theta, weight_decay
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.rewrites.rewrite import Rewrite, Step
from stepcheck_reference.rule import Rule


def _shrink(rule: Rule) -> Step | None:
    theta_t = rule.step[theta]
    if weight_decay in rule.hyper or lr not in rule.hyper or theta not in theta_t.args:
        return None
    return {**rule.step, theta: theta_t * (1 - lr * weight_decay)}


def _subtracted(rule: Rule) -> Mapping[Symbol, tuple[Expr, ...]]:
    """Return the moved parameters minus lr*weight_decay times them."""
    return {theta: (rule.step[theta] - lr * weight_decay * rule.step[theta],)}


DECAY_AFTER_STEP = Rewrite(
    "decay_after_step",
    title="parameters that were moved shrink by a factor of 1 - lr*weight_decay",
    source="bitsandbytes' CUDA kernels (bitsandbytes-foundation/bitsandbytes#2010); SOAP, LaProp",
    needs="a rule theta - ... with lr and without weight_decay",
    change=_shrink,
    domains={weight_decay: NONNEGATIVE},
    forms=_subtracted,
)
