"""Rules that reduce to simpler ones where a hyper-parameter is 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sympy import Symbol

from stepcheck_reference.alphabet import dampening, initial_accumulator, lr_decay, momentum, weight_decay
from stepcheck_reference.facts import reduces
from stepcheck_reference.rewrites.initial_accumulator import INITIAL_ACCUMULATOR
from stepcheck_reference.rewrites.lr_decay import LR_DECAY
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adagrad.adagrad import ADAGRAD
from stepcheck_reference.rules.adam.adam import ADAM
from stepcheck_reference.rules.adam.adam_l2 import ADAM_L2
from stepcheck_reference.rules.adam.adamw import ADAMW
from stepcheck_reference.rules.gradient_descent.sgd import SGD
from stepcheck_reference.rules.momentum.momentum import MOMENTUM
from stepcheck_reference.rules.momentum.momentum_lr_inside import MOMENTUM_LR_INSIDE
from stepcheck_reference.rules.momentum.nesterov import NESTEROV
from stepcheck_reference.theorems.theorem import Proof, Theorem, proof


def _proof_at(values: Mapping[Symbol, int]) -> Callable[[Rule, Rule], Proof]:
    def prove(rule: Rule, other: Rule) -> Proof:
        at = ", ".join(f"{symbol} = {value}" for symbol, value in values.items())
        return proof(
            reduces(rule, other, values),
            f"at {at} every equation is that of {other.name}",
            otherwise=f"at {at} an equation is not that of {other.name}",
            witness="the first steps differ",
        )

    return prove


def _reduction(rule: Rule, other: Rule, values: Mapping[Symbol, int], sentence: str) -> Theorem:
    return Theorem(
        name=f"{rule.name}_is_{other.name}",
        sentence=sentence,
        source=rule.source,
        condition=" and ".join(f"{symbol} = {value}" for symbol, value in values.items()),
        rules=(rule, other),
        prove=_proof_at(values),
    )


MOMENTUM_IS_SGD = _reduction(
    MOMENTUM, SGD, {momentum: 0, dampening: 0}, "Momentum is gradient descent at momentum = dampening = 0."
)
MOMENTUM_LR_INSIDE_IS_SGD = _reduction(
    MOMENTUM_LR_INSIDE,
    SGD,
    {momentum: 0},
    "Momentum with its learning rate inside is gradient descent at momentum = 0.",
)
NESTEROV_IS_SGD = _reduction(NESTEROV, SGD, {momentum: 0}, "Nesterov is gradient descent at momentum = 0.")
ADAMW_IS_ADAM = _reduction(ADAMW, ADAM, {weight_decay: 0}, "AdamW without weight decay is Adam.")
ADAM_L2_IS_ADAM = _reduction(ADAM_L2, ADAM, {weight_decay: 0}, "Adam with a coupled weight decay of 0 is Adam.")
ADAGRAD_DECAY_0 = _reduction(
    LR_DECAY(ADAGRAD), ADAGRAD, {lr_decay: 0}, "AdaGrad without learning rate decay is plain AdaGrad."
)
ADAGRAD_START_0 = _reduction(
    INITIAL_ACCUMULATOR(ADAGRAD),
    ADAGRAD,
    {initial_accumulator: 0},
    "AdaGrad whose accumulator starts at 0 is plain AdaGrad.",
)
