"""No correction of the first moment: every 1 - beta1**t of the rule becomes 1."""

from __future__ import annotations

from sympy import Expr, Integer

from stepcheck_reference.alphabet import beta1
from stepcheck_reference.domain import AVERAGED
from stepcheck_reference.rewrites.no_bias_correction import corrections, counts
from stepcheck_reference.rewrites.rewrite import Rewrite, Step
from stepcheck_reference.rule import Rule


def _raw(part: Expr) -> Expr:
    return part.xreplace({divisor: Integer(1) for divisor in corrections(part) if beta1 in divisor.free_symbols})


def _drop(rule: Rule) -> Step | None:
    step = {symbol: _raw(equation) for symbol, equation in rule.step.items()}
    return None if counts(step, beta1) else step


NO_FIRST_CORRECTION = Rewrite(
    "no_first_correction",
    title="the first moment is used without bias correction",
    source="code that works out the corrected first moment and then uses the raw one",
    needs="a rule that divides by 1 - beta1**t, and takes no other powers of beta1",
    change=_drop,
    within=_raw,
    domains={beta1: AVERAGED},
)
