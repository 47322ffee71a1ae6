"""A learning rate that falls: lr/(1 + (t - 1)*lr_decay) wherever the rule has lr."""

from __future__ import annotations

from stepcheck_reference.alphabet import lr, lr_decay, t
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.rewrites.rewrite import Rewrite, Step
from stepcheck_reference.rule import Rule


def _fall(rule: Rule) -> Step | None:
    fallen = lr / (1 + (t - 1) * lr_decay)
    return {symbol: equation.xreplace({lr: fallen}) for symbol, equation in rule.step.items()}


LR_DECAY = Rewrite(
    "lr_decay",
    title="the learning rate falls as lr/(1 + (t - 1)*lr_decay)",
    source="lr_decay of torch.optim.Adagrad",
    needs="a rule whose step uses lr",
    change=_fall,
    domains={lr_decay: NONNEGATIVE},
)
