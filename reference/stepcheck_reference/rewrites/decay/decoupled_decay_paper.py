"""Decoupled weight decay as printed: theta - ... - weight_decay*theta, not multiplied by lr."""

from __future__ import annotations

from stepcheck_reference.alphabet import theta, weight_decay
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.rewrites.rewrite import Rewrite, Step
from stepcheck_reference.rule import Rule


def _shrink(rule: Rule) -> Step | None:
    if weight_decay in rule.hyper or theta not in rule.step[theta].args:
        return None
    return {**rule.step, theta: rule.step[theta] - weight_decay * theta}


DECOUPLED_DECAY_PAPER = Rewrite(
    "decoupled_decay_paper",
    title="weight_decay*theta is also subtracted, not multiplied by lr",
    source="Loshchilov & Hutter 2019, Algorithm 2 line 12 with schedule multiplier 1, https://arxiv.org/abs/1711.05101",
    needs="a rule theta - ... without weight_decay",
    change=_shrink,
    domains={weight_decay: NONNEGATIVE},
)
