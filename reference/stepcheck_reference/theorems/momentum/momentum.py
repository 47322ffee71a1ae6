"""Momentum: the weights in its buffer, and where the learning rate is applied."""

from __future__ import annotations

from sympy import Expr, Integer, Rational

from stepcheck_reference.algebra.induction import preserves_relation, solves
from stepcheck_reference.algebra.iterate import iterate
from stepcheck_reference.alphabet import M, b, beta, dampening, g, lr, momentum, t, theta, velocity
from stepcheck_reference.facts import fixed
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.momentum.momentum import MOMENTUM
from stepcheck_reference.rules.momentum.momentum_ema import MOMENTUM_EMA
from stepcheck_reference.rules.momentum.momentum_lr_inside import MOMENTUM_LR_INSIDE
from stepcheck_reference.theorems.theorem import Proof, Theorem, every


def _weights(rule: Rule) -> Proof:
    total = (1 - momentum**t) / (1 - momentum)
    return every(
        *solves(fixed(rule, {dampening: 0}), {b: total}, Integer(1)),
        how="by induction: the buffer is linear in the gradients, and for gradients of 1 it is (1 - mu**t)/(1 - mu)",
    )


def _constant_rate(torch_form: Rule, inside: Rule) -> Proof:
    return every(
        *preserves_relation(torch_form, inside, {theta: theta, velocity: lr * b}, {dampening: 0}),
        how="by induction: velocity = lr*b, and the parameters are equal",
    )


def _changing_rate(torch_form: Rule, inside: Rule) -> Proof:
    hyper: list[dict[Expr, Expr | int]] = [
        {lr: rate, momentum: Rational(1, 2), dampening: 0} for rate in (Integer(1), Rational(1, 2))
    ]
    ends = [
        [values[theta] for values in iterate(rule, hyper, 0, [Integer(1), Integer(0)])] for rule in (torch_form, inside)
    ]
    return every(
        (ends[0][1] == ends[1][1], "the first step is the same"),
        (ends[0][2] != ends[1][2], "the second step differs"),
        how=f"from theta = 0 with momentum 1/2, lr = 1, 1/2 and g = 1, 0 torch's form reaches {ends[0][2]}, the form "
        f"with the rate inside {ends[1][2]}",
    )


def _averages(torch_form: Rule, average: Rule) -> Proof:
    return every(
        *solves(fixed(torch_form, {dampening: momentum}), {b: g}, g),
        *solves(average, {M: g * (1 - beta**t)}, g),
        how="by induction for a constant gradient g: torch's b is g, and the average is (1 - beta**t)*g",
    )


WEIGHTS = Theorem(
    name="momentum_weights",
    sentence="Momentum's weights of past gradients sum to (1 - mu**t)/(1 - mu), so the buffer is not an average.",
    source="torch.optim.SGD(momentum=...), after Polyak 1964, https://doi.org/10.1016/0041-5553(64)90137-5",
    condition="dampening 0, momentum not 1",
    rules=(MOMENTUM,),
    prove=_weights,
)
RATE_INSIDE = Theorem(
    name="momentum_rate_inside",
    sentence="Momentum with the learning rate inside the buffer is torch's form at a constant learning rate.",
    source="Sutskever et al. 2013, https://proceedings.mlr.press/v28/sutskever13.html; torch.optim.SGD",
    condition="lr constant, dampening 0",
    rules=(MOMENTUM, MOMENTUM_LR_INSIDE),
    prove=_constant_rate,
)
RATE_INSIDE_DIFFERS = Theorem(
    name="momentum_rate_inside_differs",
    sentence="If the learning rate changes, momentum with it inside the buffer differs from torch's form.",
    source="torch.optim.SGD's note on the difference, https://pytorch.org/docs/stable/generated/torch.optim.SGD.html",
    condition="lr changes, momentum > 0",
    rules=(MOMENTUM, MOMENTUM_LR_INSIDE),
    prove=_changing_rate,
)
DAMPENING_IS_NO_AVERAGE = Theorem(
    name="dampening_is_no_plain_average",
    sentence="With dampening = momentum, torch's buffer equals a constant gradient; an average from 0 is smaller.",
    source="torch.optim.SGD, which does not dampen the first gradient",
    condition="dampening = momentum; the average starts from 0 with beta = momentum > 0",
    rules=(MOMENTUM, MOMENTUM_EMA),
    prove=_averages,
)
