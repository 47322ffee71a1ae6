"""Rules: one file each, and how to find them by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from stepcheck_reference import rewrites
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules.adagrad.adagrad import ADAGRAD
from stepcheck_reference.rules.adagrad.adagrad_eps_inside import ADAGRAD_EPS_INSIDE
from stepcheck_reference.rules.adagrad.adagrad_optax import ADAGRAD_OPTAX
from stepcheck_reference.rules.adam.adam import ADAM
from stepcheck_reference.rules.adam.adam_eps_hat import ADAM_EPS_HAT
from stepcheck_reference.rules.adam.adam_eps_inside import ADAM_EPS_INSIDE
from stepcheck_reference.rules.adam.adam_l2 import ADAM_L2
from stepcheck_reference.rules.adam.adamw import ADAMW
from stepcheck_reference.rules.adamax.adamax import ADAMAX
from stepcheck_reference.rules.adamax.adamax_keras import ADAMAX_KERAS
from stepcheck_reference.rules.amsgrad.amsgrad import AMSGRAD
from stepcheck_reference.rules.amsgrad.amsgrad_corrected_max import AMSGRAD_CORRECTED_MAX
from stepcheck_reference.rules.amsgrad.amsgrad_eps_hat import AMSGRAD_EPS_HAT
from stepcheck_reference.rules.amsgrad.amsgrad_paper import AMSGRAD_PAPER
from stepcheck_reference.rules.gradient_descent.asgd import ASGD
from stepcheck_reference.rules.gradient_descent.sgd import SGD
from stepcheck_reference.rules.gradient_descent.sign_sgd import SIGN_SGD
from stepcheck_reference.rules.momentum.lion import LION
from stepcheck_reference.rules.momentum.momentum import MOMENTUM
from stepcheck_reference.rules.momentum.momentum_ema import MOMENTUM_EMA
from stepcheck_reference.rules.momentum.momentum_lr_inside import MOMENTUM_LR_INSIDE
from stepcheck_reference.rules.momentum.nesterov import NESTEROV
from stepcheck_reference.rules.momentum.nesterov_ema import NESTEROV_EMA
from stepcheck_reference.rules.momentum.nesterov_gradient_difference import NESTEROV_GRADIENT_DIFFERENCE
from stepcheck_reference.rules.momentum.nesterov_lookahead import NESTEROV_LOOKAHEAD
from stepcheck_reference.rules.nadam.nadam import NADAM
from stepcheck_reference.rules.nadam.nadam_fixed_beta import NADAM_FIXED_BETA
from stepcheck_reference.rules.nadam.nadam_ruder import NADAM_RUDER
from stepcheck_reference.rules.radam.radam import RADAM
from stepcheck_reference.rules.radam.radam_optax import RADAM_OPTAX
from stepcheck_reference.rules.radam.radam_paper import RADAM_PAPER
from stepcheck_reference.rules.radam.radam_resting import RADAM_RESTING
from stepcheck_reference.rules.rmsprop.adadelta import ADADELTA
from stepcheck_reference.rules.rmsprop.rmsprop import RMSPROP
from stepcheck_reference.rules.rmsprop.rmsprop_centered import RMSPROP_CENTERED
from stepcheck_reference.rules.rmsprop.rmsprop_centered_eps_inside import RMSPROP_CENTERED_EPS_INSIDE
from stepcheck_reference.rules.rmsprop.rmsprop_centered_momentum import RMSPROP_CENTERED_MOMENTUM
from stepcheck_reference.rules.rmsprop.rmsprop_eps_inside import RMSPROP_EPS_INSIDE
from stepcheck_reference.rules.rmsprop.rmsprop_momentum import RMSPROP_MOMENTUM
from stepcheck_reference.rules.rmsprop.rmsprop_tf import RMSPROP_TF
from stepcheck_reference.rules.rprop.rprop import RPROP
from stepcheck_reference.rules.rprop.rprop_optax import RPROP_OPTAX
from stepcheck_reference.suggest import did_you_mean

__all__ = ["ALL", "FAMILIES", "UnknownRule", "find"]


FAMILIES: Mapping[str, tuple[Rule, ...]] = MappingProxyType(
    {
        "gradient descent": (SGD, SIGN_SGD, ASGD),
        "momentum": (
            MOMENTUM,
            MOMENTUM_LR_INSIDE,
            MOMENTUM_EMA,
            NESTEROV,
            NESTEROV_LOOKAHEAD,
            NESTEROV_GRADIENT_DIFFERENCE,
            NESTEROV_EMA,
            LION,
        ),
        "Rprop": (RPROP, RPROP_OPTAX),
        "AdaGrad": (ADAGRAD, ADAGRAD_EPS_INSIDE, ADAGRAD_OPTAX),
        "RMSprop": (
            RMSPROP,
            RMSPROP_EPS_INSIDE,
            RMSPROP_CENTERED,
            RMSPROP_CENTERED_EPS_INSIDE,
            RMSPROP_MOMENTUM,
            RMSPROP_CENTERED_MOMENTUM,
            RMSPROP_TF,
            ADADELTA,
        ),
        "Adam": (ADAM, ADAM_EPS_HAT, ADAM_EPS_INSIDE, ADAMW, ADAM_L2),
        "AMSGrad": (AMSGRAD, AMSGRAD_PAPER, AMSGRAD_CORRECTED_MAX, AMSGRAD_EPS_HAT),
        "AdaMax": (ADAMAX, ADAMAX_KERAS),
        "NAdam": (NADAM, NADAM_FIXED_BETA, NADAM_RUDER),
        "RAdam": (RADAM, RADAM_PAPER, RADAM_OPTAX, RADAM_RESTING),
    }
)
"""Every rule beside its kin, in the order listings use."""

ALL: tuple[Rule, ...] = tuple(rule for family in FAMILIES.values() for rule in family)
"""Every rule, in the same order."""


class UnknownRule(ValueError):
    """A name that is no rule or rewrite; ``name``, ``given`` and ``allowed`` say which."""

    def __init__(self, name: str, given: str, what: str, allowed: tuple[str, ...]) -> None:
        where = "" if name == given else f" in {given!r}"
        super().__init__(f"no {what} {name!r}{where}; there are {', '.join(allowed)}{did_you_mean(name, allowed)}")
        self.name = name
        self.given = given
        self.allowed = allowed


@cache
def find(name: str) -> Rule:
    """Return the rule ``name``, or a base rule with rewrites in order: "amsgrad+decoupled_decay+maximize".

    The same name gives the same object. Raises UnknownRule for a name that is not there, and RewriteError
    for a rewrite that does not apply.
    """
    listed = {rule.name: rule for rule in ALL}
    if name in listed:
        return listed[name]
    base, *changes = name.split("+")
    if base not in listed:
        raise UnknownRule(base, name, "rule", tuple(listed))
    known = {rewrite.name: rewrite for rewrite in rewrites.ALL}
    rule = listed[base]
    for change in changes:
        if change not in known:
            raise UnknownRule(change, name, "rewrite", tuple(known))
        rule = known[change](rule)
    return rule
