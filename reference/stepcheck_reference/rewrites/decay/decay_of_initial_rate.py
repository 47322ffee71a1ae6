"""Weight decay relative to the initial learning rate: a factor of 1 - weight_decay*lr/initial_lr as the rate falls."""

from __future__ import annotations

from stepcheck_reference.alphabet import initial_lr, lr, theta, weight_decay
from stepcheck_reference.domain import NONNEGATIVE, POSITIVE
from stepcheck_reference.rewrites.rewrite import Rewrite, Step
from stepcheck_reference.rule import Rule


def _shrink(rule: Rule) -> Step | None:
    theta_t = rule.step[theta]
    if weight_decay in rule.hyper or lr not in rule.hyper or theta not in theta_t.args:
        return None
    return {**rule.step, theta: theta * (1 - weight_decay * lr / initial_lr) + (theta_t - theta)}


DECAY_OF_INITIAL_RATE = Rewrite(
    "decay_of_initial_rate",
    title="parameters also shrink by a factor of 1 - weight_decay*lr/initial_lr",
    source="Loshchilov & Hutter 2019, Algorithm 2 with multiplier lr/initial_lr, https://arxiv.org/abs/1711.05101",
    needs="a rule theta - ... with lr and without weight_decay",
    change=_shrink,
    domains={weight_decay: NONNEGATIVE, initial_lr: POSITIVE},
)
