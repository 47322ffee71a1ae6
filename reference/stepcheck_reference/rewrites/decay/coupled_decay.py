"""Coupled (L2) weight decay: the rule sees g + weight_decay*theta wherever it had g.

A gradient that is evaluated elsewhere gets weight_decay times the point where it is.
"""

from __future__ import annotations

from stepcheck_reference.alphabet import Expr, g, gradient_at, theta, weight_decay
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.rewrites.rewrite import Rewrite, Step
from stepcheck_reference.rule import Rule


def _decayed(part: Expr) -> Expr:
    elsewhere = part.replace(gradient_at, lambda point: gradient_at(point) + weight_decay * point)
    return elsewhere.xreplace({g: g + weight_decay * theta})


def _couple(rule: Rule) -> Step | None:
    if weight_decay in rule.hyper:
        return None
    return {symbol: _decayed(equation) for symbol, equation in rule.step.items()}


COUPLED_DECAY = Rewrite(
    "coupled_decay",
    title="weight_decay*theta is added to the gradient",
    source="L2 regularisation, as weight_decay of torch.optim.SGD and torch.optim.Adam",
    needs="a rule without weight_decay",
    change=_couple,
    within=_decayed,
    domains={weight_decay: NONNEGATIVE},
)
