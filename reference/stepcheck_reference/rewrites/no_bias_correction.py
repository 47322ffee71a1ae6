"""No bias correction: every 1 - beta**t of the rule becomes 1."""

from __future__ import annotations

from sympy import Add, Expr, Integer, Pow

from stepcheck_reference.alphabet import ALPHABET, beta1, beta2, t
from stepcheck_reference.domain import AVERAGED
from stepcheck_reference.rewrites.rewrite import Rewrite, Step
from stepcheck_reference.rule import Rule


def corrections(equation: Expr) -> frozenset[Expr]:
    """Return the bias corrections 1 - beta**t that occur in ``equation``."""
    found = set()
    for node in equation.atoms(Add):
        power = 1 - node
        if isinstance(power, Pow) and power.exp == t and power.base in ALPHABET:
            found.add(node)
    return frozenset(found)


def _raw(part: Expr) -> Expr:
    return part.xreplace(dict.fromkeys(corrections(part), Integer(1)))


def _drop(rule: Rule) -> Step | None:
    return {symbol: _raw(equation) for symbol, equation in rule.step.items()}


NO_BIAS_CORRECTION = Rewrite(
    "no_bias_correction",
    title="moments are used as they are",
    source="moments without Kingma & Ba's section 3, as in Reddi et al. 2018, Algorithm 2",
    needs="a rule that divides by 1 - beta**t",
    change=_drop,
    within=_raw,
    domains={beta1: AVERAGED, beta2: AVERAGED},
)
