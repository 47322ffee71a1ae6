"""Rules: one file each, and how to find them by name."""

from __future__ import annotations

from functools import cache

from stepcheck_reference import rewrites
from stepcheck_reference.rule import Rule, near
from stepcheck_reference.rules.adam import ADAM
from stepcheck_reference.rules.adam_eps_hat import ADAM_EPS_HAT
from stepcheck_reference.rules.adam_eps_inside import ADAM_EPS_INSIDE
from stepcheck_reference.rules.adam_l2 import ADAM_L2
from stepcheck_reference.rules.adamw import ADAMW
from stepcheck_reference.rules.amsgrad import AMSGRAD
from stepcheck_reference.rules.amsgrad_corrected_max import AMSGRAD_CORRECTED_MAX
from stepcheck_reference.rules.amsgrad_eps_hat import AMSGRAD_EPS_HAT
from stepcheck_reference.rules.amsgrad_paper import AMSGRAD_PAPER
from stepcheck_reference.rules.momentum import MOMENTUM
from stepcheck_reference.rules.momentum_ema import MOMENTUM_EMA
from stepcheck_reference.rules.momentum_lr_inside import MOMENTUM_LR_INSIDE
from stepcheck_reference.rules.nesterov import NESTEROV
from stepcheck_reference.rules.sgd import SGD

__all__ = ["ALL", "UnknownRule", "find"]

ALL: tuple[Rule, ...] = (
    SGD,
    MOMENTUM,
    MOMENTUM_LR_INSIDE,
    MOMENTUM_EMA,
    NESTEROV,
    ADAM,
    ADAM_EPS_HAT,
    ADAM_EPS_INSIDE,
    AMSGRAD,
    AMSGRAD_PAPER,
    AMSGRAD_CORRECTED_MAX,
    AMSGRAD_EPS_HAT,
    ADAMW,
    ADAM_L2,
)
"""Every rule, in the order listings use."""


class UnknownRule(ValueError):
    """A name that is no rule or rewrite; ``name``, ``given`` and ``allowed`` say which."""

    def __init__(self, name: str, given: str, what: str, allowed: tuple[str, ...]) -> None:
        where = "" if name == given else f" in {given!r}"
        super().__init__(f"no {what} {name!r}{where}; there are {', '.join(allowed)}{near(name, allowed)}")
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
