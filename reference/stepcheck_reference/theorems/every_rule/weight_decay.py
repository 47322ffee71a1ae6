"""Coupled and decoupled weight decay."""

from __future__ import annotations

from sympy import Expr, Integer, Rational, expand

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.algebra.induction import carries
from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.algebra.linear import split
from stepcheck_reference.alphabet import (
    beta1,
    beta2,
    dampening,
    eps,
    eta,
    lr,
    lr_decay,
    momentum,
    t,
    theta,
    weight_decay,
)
from stepcheck_reference.facts import fixed
from stepcheck_reference.facts.equations import cases, decays_apart, equations, feeding
from stepcheck_reference.rewrites.coupled_decay import COUPLED_DECAY
from stepcheck_reference.rewrites.decoupled_decay import DECOUPLED_DECAY
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adam.adam_l2 import ADAM_L2
from stepcheck_reference.rules.gradient_descent.sgd import SGD
from stepcheck_reference.rules.momentum.momentum import MOMENTUM
from stepcheck_reference.theorems.theorem import Proof, Theorem, every, sufficient

LOSHCHILOV = "Loshchilov & Hutter 2019, section 2, https://arxiv.org/abs/1711.05101"


def _apart(rule: Rule) -> Proof:
    new, without = equations(rule), equations(fixed(rule, {weight_decay: 0}))
    parts = [(new[one] == without[one], f"{one} does not depend on the decay") for one in feeding(new)]
    here, there = split(new[theta], theta), split(without[theta], theta)
    if here is None or there is None:
        return Proof("undecided", "the new theta is not seen to be a factor times the old one and a rest")
    rate = expand(there[0] - here[0]) / weight_decay
    return every(
        *parts,
        (sufficient(rate.free_symbols <= {lr, eta, lr_decay, t}), "no gradient is in what the decay adds over theta"),
        (vanishes(here[1] - there[1]), "it is all that the decay adds"),
        (sufficient(rate.xreplace({lr_decay: Integer(0)}) in (lr, eta, 1)), "it is the rate times weight_decay"),
        how=f"theta_t less theta_t at weight_decay = 0 is -{rate}*weight_decay*theta; no state depends on it",
    )


def _mixed(rule: Rule) -> Proof:
    hyper = {lr: Integer(1), beta1: Integer(0), beta2: Integer(0), eps: Integer(1)}
    added: list[Expr] = []
    for gradient in (Integer(0), Integer(1)):
        ends = [iterate(rule, {**hyper, weight_decay: decay}, Integer(1), [gradient])[-1][theta] for decay in (0, 1)]
        added.append(ends[1] - ends[0])
    return every(
        (added[0] != added[1], "the decay adds other things on g = 0 and g = 1"),
        how=f"from theta = 1 at beta1 = beta2 = 0, eps = lr = 1 a decay of 1 adds {added[0]} on g = 0 and "
        f"{added[1]} on g = 1",
    )


def _alike(coupled: Rule, decoupled: Rule) -> Proof:
    return every(*carries(coupled, decoupled, {theta: theta}), how="both are theta*(1 - lr*weight_decay) - lr*g")


def _part(coupled: Rule, decoupled: Rule) -> Proof:
    hyper = {lr: Rational(1, 2), momentum: Rational(1, 2), dampening: Integer(0), weight_decay: Integer(1)}
    ends = [[values[theta] for values in iterate(rule, hyper, 1, [Integer(0)] * 2)] for rule in (coupled, decoupled)]
    return every(
        (ends[0][1] == ends[1][1], "the first step is the same"),
        (ends[0][2] != ends[1][2], "the second step is not"),
        how=f"from theta = 1 with lr = momentum = 1/2, decay 1 and g = 0, 0: coupled {ends[0][1]}, {ends[0][2]}, "
        f"decoupled {ends[1][1]}, {ends[1][2]}",
    )


DECOUPLED = Theorem(
    name="decoupled_decay_is_apart",
    sentence="Decoupled decay adds -lr*weight_decay*theta to a step, whatever the gradients.",
    source=LOSHCHILOV,
    condition="the rule decays at every step, and no state takes that in; as first printed, without lr",
    applies=lambda rule: weight_decay in rule.hyper and len(cases(rule)) == 1 and decays_apart(rule),
    prove=_apart,
)
COUPLED = Theorem(
    name="coupled_decay_is_not",
    sentence="What coupled decay adds to a step of Adam depends on the gradients.",
    source=LOSHCHILOV,
    condition="weight_decay > 0",
    rules=(ADAM_L2,),
    prove=_mixed,
)
SGD_DECAYS_ALIKE = Theorem(
    name="sgd_decays_alike",
    sentence="In gradient descent coupled and decoupled decay are the same.",
    source=f"{LOSHCHILOV}, Proposition 1",
    condition="without momentum, decoupled decay times lr",
    rules=(COUPLED_DECAY(SGD), DECOUPLED_DECAY(SGD)),
    prove=_alike,
)
MOMENTUM_DECAYS_APART = Theorem(
    name="momentum_decays_apart",
    sentence="With momentum coupled and decoupled decay part in the second step.",
    source=LOSHCHILOV,
    condition="momentum > 0, weight_decay > 0",
    rules=(COUPLED_DECAY(MOMENTUM), DECOUPLED_DECAY(MOMENTUM)),
    prove=_part,
)
