"""Rules: one file each, in a folder a family, and how to find them by name.

A new rule is a file in its family's folder and a line in the folder's ``RULES``. A rule that a request brings, such as
one that was read from code, is found under the place that it comes from, once it has been registered.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from stepcheck_reference import rewrites
from stepcheck_reference.rule import Rule
from stepcheck_reference.rule_names import is_place, parts_of
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

__all__ = ["ALL", "FAMILIES", "UnknownRule", "find", "register"]


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


_registered: dict[str, Rule] = {}
"""The rules that requests have brought, and their variants, by name."""


def register(rule: Rule) -> None:
    """Let ``find`` return ``rule``, which is named after the place that it comes from, in this process.

    Another rule from the same place is forgotten. Raises ValueError where its name could be that of a listed rule.
    """
    if not is_place(rule.name):
        raise ValueError(f"rule {rule.name!r} is no place, as path/file.py:NAME is, so that it could be a listed one")
    for name in [name for name in _registered if parts_of(name)[0] == rule.name]:
        del _registered[name]
    _registered[rule.name] = rule


def find(name: str) -> Rule:
    """Return the rule ``name``, or a base rule with rewrites in order: "amsgrad+decoupled_decay+maximize".

    The same name gives the same object. Raises UnknownRule for a name that is no rule or rewrite, and RewriteError
    for a rewrite that does not apply.
    """
    base, changes = parts_of(name)
    if base not in _registered:
        return _listed(name)
    if name not in _registered:
        _registered[name] = _rewritten(_registered[base], changes, name)
    return _registered[name]


@cache
def _listed(name: str) -> Rule:
    listed = {rule.name: rule for rule in ALL}
    if name in listed:
        return listed[name]
    base, changes = parts_of(name)
    if base not in listed:
        raise UnknownRule(base, name, "rule", tuple(listed))
    return _rewritten(listed[base], changes, name)


def _rewritten(rule: Rule, changes: tuple[str, ...], name: str) -> Rule:
    by_name = {rewrite.name: rewrite for rewrite in rewrites.ALL}
    for change in changes:
        if change not in by_name:
            raise UnknownRule(change, name, "rewrite", tuple(by_name))
        rule = by_name[change](rule)
    return rule
