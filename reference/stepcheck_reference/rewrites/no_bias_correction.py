"""No bias correction: every 1 - beta**t of the rule becomes 1."""

from __future__ import annotations

from sympy import Add, Expr, Integer, Pow

from stepcheck_reference.alphabet import ALPHABET, Symbol, beta1, beta2, t
from stepcheck_reference.domain import AVERAGED
from stepcheck_reference.rewrites.rewrite import Rewrite, Step
from stepcheck_reference.rule import Rule


def corrections(equation: Expr) -> frozenset[Expr]:
    """Return the bias corrections 1 - beta**t that occur in ``equation``."""
    divisors = set()
    for node in equation.atoms(Add):
        power = 1 - node
        if isinstance(power, Pow) and power.exp == t and power.base in ALPHABET:
            divisors.add(node)
    return frozenset(divisors)


def _raw(part: Expr) -> Expr:
    return part.xreplace(dict.fromkeys(corrections(part), Integer(1)))


def counts(step: Step, base: Symbol | None = None) -> bool:
    """Return whether ``step`` still contains a power with t in its exponent, of ``base`` if that is given."""
    powers = {power for equation in step.values() for power in equation.atoms(Pow) if t in power.exp.free_symbols}
    return any(base in (None, power.base) for power in powers)


def _drop(rule: Rule) -> Step | None:
    step = {symbol: _raw(equation) for symbol, equation in rule.step.items()}
    return None if counts(step) else step


NO_BIAS_CORRECTION = Rewrite(
    "no_bias_correction",
    title="moments are used without bias correction",
    source="moments without Kingma & Ba's section 3, as in Reddi et al. 2018, Algorithm 2",
    needs="a rule that divides by 1 - beta**t, and takes no other powers of t",
    change=_drop,
    within=_raw,
    domains={beta1: AVERAGED, beta2: AVERAGED},
)
