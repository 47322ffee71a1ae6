"""AMSGrad's largest second moment, and its divisor, which is not the same thing."""

from __future__ import annotations

from itertools import pairwise

from sympy import Expr, Integer, Max, Pow, Rational, Symbol, diff

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.algebra.induction import Part
from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.alphabet import beta1, beta2, eps, g, lr, m, t, theta, v, v_max
from stepcheck_reference.facts import monotone_states
from stepcheck_reference.facts.equations import equations
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adam.adam import ADAM
from stepcheck_reference.rules.adam.adam_eps_hat import ADAM_EPS_HAT
from stepcheck_reference.rules.amsgrad.amsgrad import AMSGRAD
from stepcheck_reference.rules.amsgrad.amsgrad_corrected_max import AMSGRAD_CORRECTED_MAX
from stepcheck_reference.rules.amsgrad.amsgrad_eps_hat import AMSGRAD_EPS_HAT
from stepcheck_reference.rules.amsgrad.amsgrad_paper import AMSGRAD_PAPER
from stepcheck_reference.theorems.theorem import Proof, Theorem, every, proof, sufficient

REDDI = "Reddi, Kale & Kumar 2018, https://arxiv.org/abs/1904.09237"
top = Symbol("top", positive=True)
"""The largest moment after this step."""


def _never_falls(rule: Rule) -> Proof:
    return proof(
        monotone_states(rule)[v_max],
        "the new value is a maximum of which the old one is an argument",
        otherwise="the new value is not a maximum with the old one",
        witness="v_max decreases on an iteration of nine steps",
    )


def _divisor_never_falls(*rules: Rule) -> Proof:
    parts: list[Part] = []
    for rule in rules:
        new = equations(rule)
        parts.append((monotone_states(rule)[v_max], f"v_max of {rule.name} never decreases"))
        divisors = _divisors(new[theta])
        parts.append((sufficient(len(divisors) == 1), f"exactly one divisor of {rule.name} contains v_max"))
        for divisor in divisors:
            alone = divisor.xreplace({new[v_max]: top})
            other_symbols = alone.free_symbols - {top, eps}
            parts.append((sufficient(not other_symbols), f"the divisor of {rule.name} depends on v_max and eps alone"))
            parts.append((diff(alone, top).is_nonnegative, f"the divisor of {rule.name} increases with v_max"))
    return every(*parts, how="the divisor is an increasing function of v_max alone, and v_max never decreases")


def _divisors(equation: Expr) -> list[Expr]:
    return [power.base for power in equation.atoms(Pow) if power.exp == -1 and power.has(Max)]


def _effective(rule: Rule) -> Expr:
    """Return the divisor of lr times the corrected first moment."""
    new = equations(rule)
    return lr * new[m] / (1 - beta1**t) / (theta - new[theta])


def _divisor_decreases(*rules: Rule) -> Proof:
    parts: list[Part] = []
    printed = ""
    hyper = {lr: Integer(1), beta1: Rational(9, 10), beta2: Rational(999, 1000), eps: Integer(0)}
    gradients = [Integer(1), Integer(0), Integer(0)]
    for rule in rules:
        trace = iterate(rule, hyper, Integer(0), gradients)
        values = [
            _effective(rule).xreplace({**hyper, **trace[step], g: gradients[step], t: Integer(step + 1)})
            for step in range(3)
        ]
        parts.append((all((old - new).is_positive for old, new in pairwise(values)), f"it decreases in {rule.name}"))
        printed = ", ".join(f"{float(value):.3f}" for value in values)
    return every(*parts, how=f"g = 1, 0, 0 at eps = 0 and beta2 = 0.999 gives {printed}, exactly decreasing")


def _is_adam(*pairs: Rule) -> Proof:
    parts: list[Part] = []
    for rule, other in zip(pairs[::2], pairs[1::2], strict=True):
        amsgrad_equations, adam_equations = equations(rule), equations(other)
        largest = [part for part in amsgrad_equations[v_max].args if part != v_max]
        parts.append((sufficient(len(largest) == 1), f"{rule.name} takes the maximum of two moments"))
        for symbol in (m, v, theta):
            while_rising = amsgrad_equations[symbol].xreplace({amsgrad_equations[v_max]: largest[0]})
            parts.append(
                (vanishes(while_rising - adam_equations[symbol]), f"{symbol} of {rule.name} is that of {other.name}")
            )
    return every(*parts, how="while the new moment is the maximum, every equation is that of Adam; so by induction")


V_MAX_NEVER_FALLS = Theorem(
    name="v_max_never_falls",
    sentence="The largest second moment v_max never decreases.",
    source=REDDI,
    condition="the rule has the state v_max",
    applies=lambda rule: v_max in rule.init,
    prove=_never_falls,
)
DIVISOR_NEVER_FALLS = Theorem(
    name="amsgrad_divisor_never_falls",
    sentence="AMSGrad's divisor never decreases if no bias correction follows the maximum.",
    source=f"{REDDI}, section 4",
    condition="the paper's form, or the maximum over corrected moments",
    rules=(AMSGRAD_PAPER, AMSGRAD_CORRECTED_MAX),
    prove=_divisor_never_falls,
)
DIVISOR_CAN_FALL = Theorem(
    name="amsgrad_divisor_can_fall",
    sentence="AMSGrad's divisor can decrease if the maximum is corrected afterwards: g = 1, 0, 0 gives 1, 0.71, 0.58.",
    source="torch.optim.Adam(amsgrad=True) and keras.optimizers.Adam(amsgrad=True), step by step",
    condition="torch's and Keras' form; at eps = 0, beta2 = 0.999",
    rules=(AMSGRAD, AMSGRAD_EPS_HAT),
    prove=_divisor_decreases,
)
AMSGRAD_IS_ADAM = Theorem(
    name="amsgrad_is_adam_while_moments_rise",
    sentence="AMSGrad is Adam as long as the second moment that its maximum runs over never decreases.",
    source=f"{REDDI}, Algorithm 2",
    condition="each form and the Adam with its corrections; the moment is raw or corrected as in the maximum",
    rules=(AMSGRAD, ADAM, AMSGRAD_CORRECTED_MAX, ADAM, AMSGRAD_EPS_HAT, ADAM_EPS_HAT),
    prove=_is_adam,
)
