"""How steps depend on the learning rate."""

from __future__ import annotations

from sympy import Expr, Integer, Min, Pow, Rational, sympify

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
        "lr factors out of the step, including through every state that contains it",
        otherwise="lr does not factor out of the step",
        witness="at twice the rate a step from the same parameters is not twice as long",
    )


def _clamped(torch_form: Rule, optax_form: Rule) -> Proof:
    least = Rational(1, 1000000)
    hyper: dict[Expr, Expr] = {lr: Integer(0), eta_minus: Rational(1, 2), eta_plus: Rational(6, 5)}
    hyper |= {step_min: least, step_max: Integer(50)}
    torch_trace, optax_trace = (iterate(rule, hyper, Integer(0), [Integer(1)] * 3) for rule in (torch_form, optax_form))
    return every(
        (
            all(values[theta] == -least * step for step, values in enumerate(torch_trace[:2])),
            "torch's first step is step_min",
        ),
        (all(values[theta] == 0 for values in optax_trace), "optax' form does not move at lr = 0"),
        how=f"at lr = 0 and g = 1 torch's form is at {torch_trace[1][theta]} after a step, and optax' form stays at 0",
    )


def _decays_without_lr(rule: Rule) -> bool:
    """Return whether the rule has a weight decay that is not multiplied by lr, as in the paper."""
    factor = rest_factor(rule)
    return factor is not None and factor.has(weight_decay) and not factor.has(lr)


def _divides_by_rate(rule: Rule) -> bool:
    """Return whether the new parameters are a quotient over lr, as with a decay that divides by 1 + lr*weight_decay."""
    return any(power.base.has(lr) and power.exp.is_negative for power in rule.step[theta].atoms(Pow))


LINEAR_IN_RATE = Theorem(
    name="linear_in_rate",
    sentence="A step from given parameters is proportional to the learning rate.",
    source="each rule's equations",
    condition="lr constant; the rule clamps no step, keeps no learning rate as a state, evaluates no gradients itself, "
    "multiplies its decay by lr, and divides by nothing that depends on lr",
    applies=lambda rule: (
        lr in rule.hyper
        and not needs_objective(rule)
        and not _decays_without_lr(rule)
        and not _divides_by_rate(rule)
        and not any(equation.has(Min) for equation in rule.step.values())
        and not any(sympify(start).has(lr) for start in rule.scalars.values())
    ),
    prove=_proportional,
)
CLAMPED_FROM_BELOW = Theorem(
    name="rprop_moves_at_rate_0",
    sentence="torch's Rprop moves by step_min at lr = 0, as its step is clamped from below; optax' form does not move.",
    source="torch.optim.Rprop and optax.scale_by_rprop, after Riedmiller & Braun 1993",
    condition="lr = 0, step_min > 0",
    rules=(RPROP, RPROP_OPTAX),
    prove=_clamped,
)
