"""Steps and the learning rate."""

from __future__ import annotations

from sympy import Expr, Integer, Min, Rational, sympify

from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.alphabet import eta_minus, eta_plus, lr, step_max, step_min, theta, weight_decay
from stepcheck_reference.facts import is_linear_in_rate, rest_factor
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.rprop.rprop import RPROP
from stepcheck_reference.rules.rprop.rprop_optax import RPROP_OPTAX
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.theorems.theorem import Proof, Theorem, every, proof


def _proportional(rule: Rule) -> Proof:
    return proof(
        is_linear_in_rate(rule),
        "lr comes out of the step as one factor, by way of every state that holds it",
        otherwise="lr does not come out of the step as one factor",
        witness="at twice the rate a step from the same parameters is not twice as long",
    )


def _clamped(torch_form: Rule, optax_form: Rule) -> Proof:
    least = Rational(1, 1000000)
    hyper: dict[Expr, Expr] = {lr: Integer(0), eta_minus: Rational(1, 2), eta_plus: Rational(6, 5)}
    hyper |= {step_min: least, step_max: Integer(50)}
    moved, stood = (iterate(rule, hyper, Integer(0), [Integer(1)] * 3) for rule in (torch_form, optax_form))
    return every(
        (
            all(values[theta] == -least * step for step, values in enumerate(moved[:2])),
            "torch's first step is step_min",
        ),
        (all(values[theta] == 0 for values in stood), "optax' form stands still at lr = 0"),
        how=f"at lr = 0 and g = 1 torch's form is at {moved[1][theta]} after a step, and optax' form at 0 for ever",
    )


def _decays_without(rule: Rule) -> bool:
    """Whether zero gradients leave a decay that is not times lr, as the paper's."""
    factor = rest_factor(rule)
    return factor is not None and factor.has(weight_decay) and not factor.has(lr)


LINEAR_IN_RATE = Theorem(
    name="linear_in_rate",
    sentence="From given parameters a step is proportional to the learning rate.",
    source="each rule's equations",
    condition="lr stays; the rule clamps no step, keeps no rate, is given its gradients, and decays by lr",
    applies=lambda rule: (
        lr in rule.hyper
        and not needs_objective(rule)
        and not _decays_without(rule)
        and not any(equation.has(Min) for equation in rule.step.values())
        and not any(sympify(start).has(lr) for start in rule.scalars.values())
    ),
    prove=_proportional,
)
CLAMPED_FROM_BELOW = Theorem(
    name="rprop_moves_at_rate_0",
    sentence="torch's Rprop moves by step_min at lr = 0, for its step is clamped from below; optax' form stands still.",
    source="torch.optim.Rprop and optax.scale_by_rprop, after Riedmiller & Braun 1993",
    condition="lr = 0, step_min > 0",
    rules=(RPROP, RPROP_OPTAX),
    prove=_clamped,
)
