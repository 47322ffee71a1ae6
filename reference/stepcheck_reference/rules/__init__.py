"""Rules: one file each, in a folder a family, and how to find them by name.

A new rule is a file in its family's folder and a line in the folder's ``RULES``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from stepcheck_reference import rewrites
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules import (
    adagrad,
    adam,
    adamax,
    adan,
    amsgrad,
    dual_averaging,
    gradient_descent,
    momentum,
    nadam,
    radam,
    rmsprop,
    rprop,
    schedule_free,
)
from stepcheck_reference.suggest import did_you_mean

__all__ = ["ALL", "FAMILIES", "UnknownRule", "find"]


FAMILIES: Mapping[str, tuple[Rule, ...]] = MappingProxyType(
    {
        "gradient descent": gradient_descent.RULES,
        "momentum": momentum.RULES,
        "Schedule-Free": schedule_free.RULES,
        "dual averaging": dual_averaging.RULES,
        "Rprop": rprop.RULES,
        "AdaGrad": adagrad.RULES,
        "RMSprop": rmsprop.RULES,
        "Adam": adam.RULES,
        "Adan": adan.RULES,
        "AMSGrad": amsgrad.RULES,
        "AdaMax": adamax.RULES,
        "NAdam": nadam.RULES,
        "RAdam": radam.RULES,
    }
)
"""The rules of each family, in the order listings use."""

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

    The same name gives the same object. Raises UnknownRule for a name that is no rule or rewrite, and RewriteError
    for a rewrite that does not apply.
    """
    listed = {rule.name: rule for rule in ALL}
    if name in listed:
        return listed[name]
    base, *changes = name.split("+")
    if base not in listed:
        raise UnknownRule(base, name, "rule", tuple(listed))
    by_name = {rewrite.name: rewrite for rewrite in rewrites.ALL}
    rule = listed[base]
    for change in changes:
        if change not in by_name:
            raise UnknownRule(change, name, "rewrite", tuple(by_name))
        rule = by_name[change](rule)
    return rule
