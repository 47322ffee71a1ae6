"""What zero gradients do to the parameters."""

from __future__ import annotations

from sympy import Abs, Integer, Symbol

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.alphabet import (
    beta1,
    beta2,
    eps,
    g,
    initial_accumulator,
    lr,
    m,
    sqrt,
    t,
    theta,
    weight_decay,
)
from stepcheck_reference.facts import rest_factor, rests
from stepcheck_reference.facts.equations import equations, has_decoupled_decay, step_of
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adam.adam_l2 import ADAM_L2
from stepcheck_reference.rules.adam.yogi_optax import YOGI_OPTAX
from stepcheck_reference.theorems.theorem import Proof, Theorem, every, proof


def _decays(rule: Rule) -> Proof:
    return proof(
        rests(rule),
        f"with g = 0 and resting states, theta is multiplied by {rest_factor(rule)}",
        otherwise="with g = 0, theta is not multiplied by a factor",
        witness="doubling theta does not double the new theta",
    )


def _moves(rule: Rule) -> Proof:
    first = step_of(equations(rule)).xreplace({g: Integer(0), t: Integer(1), **rule.init})
    positive = {weight_decay: Symbol("decay", positive=True), theta: Symbol("place", positive=True)}
    pulled = -lr * weight_decay * theta / (weight_decay * Abs(theta) + eps)
    return every(
        (vanishes((first - pulled).xreplace(positive)), "the first step is -lr*decay*theta/(decay*|theta| + eps)"),
        how="with g = 0 the first step is -lr*weight_decay*theta/(weight_decay*|theta| + eps): it is lr at eps = 0, "
        "whatever the decay",
    )


def _moves_from_its_start(rule: Rule) -> Proof:
    first = step_of(equations(rule)).xreplace({g: Integer(0), t: Integer(1), **rule.init})
    mean = beta1 * initial_accumulator / (1 - beta1)
    root = sqrt(initial_accumulator / (1 - beta2))
    return every(
        (vanishes(first + lr * mean / (root + eps)), "the first step is -lr*m_hat/(sqrt(v_hat) + eps) of the start"),
        (vanishes(first.xreplace({beta1: Integer(0)})), "the first step is 0 at beta1 = 0"),
        how=f"with g = 0 the first step is {-lr * mean / (root + eps)}",
    )


RESTS = Theorem(
    name="zero_gradients_leave_the_decay",
    sentence="Zero gradients from the initial state leave the parameters unchanged, up to exactly the decoupled decay.",
    source="each rule's equations",
    condition="no state, sign or root depends on the parameters, no average of gradients starts elsewhere than at 0; "
    "eps > 0 if the rule has one",
    applies=lambda rule: has_decoupled_decay(rule) and rule.init.get(m, 0) == 0,
    prove=_decays,
)
ADAM_L2_MOVES = Theorem(
    name="adam_l2_moves_without_a_gradient",
    sentence="Adam with coupled weight decay moves by lr at zero gradient and eps = 0, however small the decay.",
    source="Loshchilov & Hutter 2019, section 2, https://arxiv.org/abs/1711.05101",
    condition="weight_decay > 0, g = 0, theta not 0, the first step; eps > 0 shortens it",
    rules=(ADAM_L2,),
    prove=_moves,
)
YOGI_OPTAX_MOVES = Theorem(
    name="yogi_optax_moves_without_a_gradient",
    sentence="Yogi as in optax moves at zero gradients: its first moment starts at initial_accumulator, too.",
    source="optax.scale_by_yogi, whose initial_accumulator_value is 1e-6",
    condition="initial_accumulator > 0, beta1 > 0, g = 0, the first step",
    rules=(YOGI_OPTAX,),
    prove=_moves_from_its_start,
)
