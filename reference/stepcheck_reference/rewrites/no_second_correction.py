"""No correction of the second moment: every 1 - beta2**t under a root becomes 1."""

from __future__ import annotations

from sympy import Expr, Integer, Pow

from stepcheck_reference.alphabet import beta2
from stepcheck_reference.domain import AVERAGED
from stepcheck_reference.rewrites.no_bias_correction import corrections, counts
from stepcheck_reference.rewrites.rewrite import Rewrite, Step
from stepcheck_reference.rule import Rule


def _raw(part: Expr) -> Expr:
    roots = [power.base for power in part.atoms(Pow) if power.exp.is_Rational and not power.exp.is_Integer]
    rooted = {divisor for base in roots for divisor in corrections(base) if beta2 in divisor.free_symbols}
    return part.xreplace(dict.fromkeys(rooted, Integer(1)))


def _drop(rule: Rule) -> Step | None:
    step = {symbol: _raw(equation) for symbol, equation in rule.step.items()}
    return None if counts(step, beta2) else step


NO_SECOND_CORRECTION = Rewrite(
    "no_second_correction",
    title="the second moment is used without bias correction",
    source="code that corrects the first moment alone",
    needs="a rule with 1 - beta2**t under a root, and no other powers of beta2",
    change=_drop,
    within=_raw,
    domains={beta2: AVERAGED},
)
