"""A learning rate that falls: lr/(1 + (t - 1)*lr_decay) wherever the rule has lr."""

from __future__ import annotations

from sympy import Pow

from stepcheck_reference.alphabet import Expr, lr, lr_decay, t
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.rewrites.rewrite import Rewrite, Step
from stepcheck_reference.rule import Rule

FALLEN = lr / (1 + (t - 1) * lr_decay)


def _fallen(part: Expr) -> Expr:
    return part.xreplace({lr: FALLEN})


def _fall(rule: Rule) -> Step | None:
    if any(power.base == lr and power.exp.is_negative for step in rule.step.values() for power in step.atoms(Pow)):
        return None
    return {symbol: _fallen(equation) for symbol, equation in rule.step.items()}


LR_DECAY = Rewrite(
    "lr_decay",
    title="the learning rate falls as lr/(1 + (t - 1)*lr_decay)",
    source="lr_decay of torch.optim.Adagrad",
    needs="a rule whose step uses lr, and divides by none of it",
    change=_fall,
    within=_fallen,
    where={"lr_t": FALLEN},
    domains={lr_decay: NONNEGATIVE},
)
