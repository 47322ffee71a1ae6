"""Maximize: the rule sees -g wherever it had g.

After a coupled decay this gives -g + weight_decay*theta: the gradient is negated first, then decayed.
"""

from __future__ import annotations

from stepcheck_reference.alphabet import Expr, g
from stepcheck_reference.rewrites.rewrite import Rewrite, Step
from stepcheck_reference.rule import Rule


def _negated(part: Expr) -> Expr:
    return part.xreplace({g: -g})


def _negate(rule: Rule) -> Step | None:
    return {symbol: _negated(equation) for symbol, equation in rule.step.items()}


MAXIMIZE = Rewrite(
    "maximize",
    title="the gradient is negated, so the objective rises",
    source="maximize=True of torch.optim",
    needs="a rule that depends on the gradient's sign",
    change=_negate,
    within=_negated,
)
