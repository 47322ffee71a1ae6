"""Special and limiting cases of Adam, and its two placements of eps."""

from __future__ import annotations

from sympy import Expr, Integer, Symbol, limit

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.alphabet import beta1, beta2, eps, g, lr, t, v
from stepcheck_reference.facts import fixed
from stepcheck_reference.facts.equations import Equations, equations, step_of
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adam.adam import ADAM
from stepcheck_reference.rules.adam.adam_eps_hat import ADAM_EPS_HAT
from stepcheck_reference.rules.rmsprop.rmsprop import RMSPROP
from stepcheck_reference.theorems.theorem import Proof, Theorem, every

size = Symbol("size", nonnegative=True)
"""The root of the new second moment, which is never negative."""
corrected = Symbol("corrected", positive=True)
"""The root of 1 - beta2**t, which is positive."""
magnitude = Symbol("some", positive=True)


def _rooted(new: Equations) -> Expr:
    """Return the step with the new second moment and its correction written as squares of their roots."""
    return step_of(new).xreplace({new[v]: size**2, 1 - beta2**t: corrected**2})


def _rmsprop(adam: Rule, rmsprop: Rule) -> Proof:
    adam_equations, rmsprop_equations = equations(fixed(adam, {beta1: 0})), equations(rmsprop)
    substitution = {lr: lr * corrected, eps: eps * corrected}
    return every(
        (vanishes(adam_equations[v] - rmsprop_equations[v]), "the second moments are equal"),
        (vanishes(_rooted(adam_equations) - _rooted(rmsprop_equations).xreplace(substitution)), "the steps are equal"),
        how="with v_t and 1 - beta2**t as squares of their roots the steps are the same expression",
    )


def _eps_hat(adam: Rule, other: Rule) -> Proof:
    adam_equations, other_equations = equations(adam), equations(other)
    parts = [(vanishes(adam_equations[state] - other_equations[state]), f"{state} is the same") for state in adam.init]
    other_step = _rooted(other_equations).xreplace({eps: eps * corrected})
    return every(
        *parts,
        (vanishes(_rooted(adam_equations) - other_step), "the steps are equal"),
        how="with v_t and 1 - beta2**t as squares of their roots the steps are the same expression",
    )


def _sign(adam: Rule) -> Proof:
    step = step_of(equations(fixed(adam, {beta1: 0, beta2: 0})))
    up, down = (limit(step.xreplace({g: direction * magnitude}), eps, 0, "+") for direction in (1, -1))
    return every(
        (vanishes(up + lr), "the step is -lr where g > 0"),
        (vanishes(down - lr), "the step is lr where g < 0"),
        (step.xreplace({g: Integer(0), eps: magnitude}) == 0, "the step is 0 where g = 0"),
        how=f"the step is {step}, whose limit at eps -> 0 is -lr*sign(g), case by case",
    )


ADAM_IS_RMSPROP = Theorem(
    name="adam_without_first_moment_is_rmsprop",
    sentence="Adam at beta1 = 0 is RMSprop with lr*sqrt(1 - beta2^t) and eps*sqrt(1 - beta2^t).",
    source="Kingma & Ba 2015, section 5, https://arxiv.org/abs/1412.6980; torch.optim.RMSprop",
    condition="beta1 = 0",
    rules=(ADAM, RMSPROP),
    prove=_rmsprop,
)
ADAM_IS_EPS_HAT = Theorem(
    name="adam_is_adam_eps_hat",
    sentence="Adam is its eps-hat form with eps*sqrt(1 - beta2^t) in place of eps.",
    source="Kingma & Ba 2015, end of section 2, https://arxiv.org/abs/1412.6980",
    condition="eps changes with t",
    rules=(ADAM, ADAM_EPS_HAT),
    prove=_eps_hat,
)
ADAM_IS_SIGN_DESCENT = Theorem(
    name="adam_without_moments_is_sign_descent",
    sentence="Adam at beta1 = beta2 = 0 converges to sign descent as eps goes to 0.",
    source="Balles & Hennig 2018, https://arxiv.org/abs/1705.07774",
    condition="beta1 = beta2 = 0, eps -> 0",
    rules=(ADAM,),
    prove=_sign,
)
