"""Decoupled weight decay as frameworks have it: parameters also shrink by a factor of 1 - lr*weight_decay."""

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
    return {**rule.step, theta: theta * (1 - lr * weight_decay) + (theta_t - theta)}


def _as_steps(rule: Rule) -> Mapping[Symbol, tuple[Expr, ...]]:
    """Return theta - lr*weight_decay*theta - step; and theta - lr*(direction + weight_decay*theta), if lr is a factor.

    The latter is the form of code that adds the decay to the direction.
    """
    shrunk = theta - lr * weight_decay * theta + (rule.step[theta] - theta)
    direction = (theta - rule.step[theta]) / lr
    return {theta: (shrunk,) if direction.has(lr) else (shrunk, theta - lr * (direction + weight_decay * theta))}


DECOUPLED_DECAY = Rewrite(
    "decoupled_decay",
    title="parameters also shrink by a factor of 1 - lr*weight_decay",
    source="Loshchilov & Hutter 2019, section 2, https://arxiv.org/abs/1711.05101, as in torch.optim.AdamW",
    needs="a rule theta - ... with lr and without weight_decay",
    change=_shrink,
    domains={weight_decay: NONNEGATIVE},
    forms=_as_steps,
)
