"""Coupled and decoupled weight decay."""

from __future__ import annotations

from sympy import Expr, Integer, Rational, expand

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.algebra.induction import preserves_relation
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
from stepcheck_reference.facts.equations import cases, equations, feeding, has_decoupled_decay
from stepcheck_reference.rewrites.decay.coupled_decay import COUPLED_DECAY
from stepcheck_reference.rewrites.decay.decoupled_decay import DECOUPLED_DECAY
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adam.adam_l2 import ADAM_L2
from stepcheck_reference.rules.gradient_descent.sgd import SGD
from stepcheck_reference.rules.momentum.momentum import MOMENTUM
from stepcheck_reference.theorems.theorem import Proof, Theorem, every, sufficient

LOSHCHILOV = "Loshchilov & Hutter 2019, section 2, https://arxiv.org/abs/1711.05101"


def _decoupled(rule: Rule) -> Proof:
    new, without = equations(rule), equations(fixed(rule, {weight_decay: 0}))
    parts = [(new[one] == without[one], f"{one} does not depend on the decay") for one in feeding(new)]
    with_decay, without_decay = split(new[theta], theta), split(without[theta], theta)
    if with_decay is None or without_decay is None:
        return Proof("undecided", "the new theta is not recognized as a factor times the old one plus a term")
    rate = expand(without_decay[0] - with_decay[0]) / weight_decay
    return every(
        *parts,
        (
            sufficient(rate.free_symbols <= {lr, eta, lr_decay, t}),
            "the decay's coefficient contains no gradient",
        ),
        (vanishes(with_decay[1] - without_decay[1]), "the decay adds nothing else"),
        (
            sufficient(rate.xreplace({lr_decay: Integer(0)}) in (lr, eta, 1)),
            "the coefficient is the rate times weight_decay",
        ),
        how=f"theta_t minus theta_t at weight_decay = 0 is -{rate}*weight_decay*theta; no state depends on the decay",
    )


def _coupled(rule: Rule) -> Proof:
    hyper = {lr: Integer(1), beta1: Integer(0), beta2: Integer(0), eps: Integer(1)}
    added: list[Expr] = []
    for gradient in (Integer(0), Integer(1)):
        ends = [iterate(rule, {**hyper, weight_decay: decay}, Integer(1), [gradient])[-1][theta] for decay in (0, 1)]
        added.append(ends[1] - ends[0])
    return every(
        (added[0] != added[1], "the decay adds different terms for g = 0 and g = 1"),
        how=f"from theta = 1 at beta1 = beta2 = 0, eps = lr = 1 a decay of 1 adds {added[0]} for g = 0 and "
        f"{added[1]} for g = 1",
    )


def _forms_agree(coupled: Rule, decoupled: Rule) -> Proof:
    return every(
        *preserves_relation(coupled, decoupled, {theta: theta}), how="both are theta*(1 - lr*weight_decay) - lr*g"
    )


def _forms_differ(coupled: Rule, decoupled: Rule) -> Proof:
    hyper = {lr: Rational(1, 2), momentum: Rational(1, 2), dampening: Integer(0), weight_decay: Integer(1)}
    ends = [[values[theta] for values in iterate(rule, hyper, 1, [Integer(0)] * 2)] for rule in (coupled, decoupled)]
    return every(
        (ends[0][1] == ends[1][1], "the first step is the same"),
        (ends[0][2] != ends[1][2], "the second step differs"),
        how=f"from theta = 1 with lr = momentum = 1/2, decay 1 and g = 0, 0: coupled {ends[0][1]}, {ends[0][2]}, "
        f"decoupled {ends[1][1]}, {ends[1][2]}",
    )


DECOUPLED = Theorem(
    name="decoupled_decay_is_independent_of_gradients",
    sentence="Decoupled weight decay adds -lr*weight_decay*theta to a step, whatever the gradients.",
    source=LOSHCHILOV,
    condition="the rule decays at every step, and no state depends on the decay; in the paper's first form, without lr",
    applies=lambda rule: weight_decay in rule.hyper and len(cases(rule)) == 1 and has_decoupled_decay(rule),
    prove=_decoupled,
)
COUPLED = Theorem(
    name="coupled_decay_depends_on_gradients",
    sentence="The term that coupled weight decay adds to a step of Adam depends on the gradients.",
    source=LOSHCHILOV,
    condition="weight_decay > 0",
    rules=(ADAM_L2,),
    prove=_coupled,
)
SGD_DECAY_FORMS_AGREE = Theorem(
    name="sgd_decay_forms_agree",
    sentence="In gradient descent, coupled and decoupled weight decay are equivalent.",
    source=f"{LOSHCHILOV}, Proposition 1",
    condition="no momentum; the decoupled decay is multiplied by lr",
    rules=(COUPLED_DECAY(SGD), DECOUPLED_DECAY(SGD)),
    prove=_forms_agree,
)
MOMENTUM_DECAY_FORMS_DIFFER = Theorem(
    name="momentum_decay_forms_differ",
    sentence="With momentum, coupled and decoupled weight decay first differ at the second step.",
    source=LOSHCHILOV,
    condition="momentum > 0, weight_decay > 0",
    rules=(COUPLED_DECAY(MOMENTUM), DECOUPLED_DECAY(MOMENTUM)),
    prove=_forms_differ,
)
