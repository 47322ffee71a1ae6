"""Naming: the rule that a variant is, or the nearest rule and what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from stepcheck_reference import rewrites, rules
from stepcheck_reference.identify.variants import words
from stepcheck_reference.identify.variants.combinations import NAMED
from stepcheck_reference.identify.variants.variant import Numerator, Variant
from stepcheck_reference.rewrites import RewriteError


@dataclass(frozen=True, slots=True)
class Difference:
    """One choice in which a variant differs from a rule: its name, a sentence, and what both chose."""

    name: str
    sentence: str
    part: str


@dataclass(frozen=True, slots=True)
class Name:
    """A rule, and how a variant differs from it; ``rule`` is its name in the registry, if it is there.

    ``fixed`` are hyper-parameters of the rule that are fixed in the variant.
    """

    base: str
    differences: tuple[Difference, ...]
    rule: str | None
    fixed: Mapping[str, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The name of the rule, or of the base and the differences."""
        return self.rule or "+".join((self.base, *(difference.name for difference in self.differences)))

    @property
    def cost(self) -> tuple[int, int, int]:
        """How far the variant is from a name: outside the registry, differences, length."""
        return (0 if self.rule else 1, len(self.differences), len(self.text))


SPECIAL: tuple[tuple[str, Variant, Mapping[str, int]], ...] = (
    ("momentum", Variant(Numerator("sum")), {"dampening": 0}),
    ("lion", Variant(Numerator("two_betas", sign=True)), {"weight_decay": 0}),
)
"""Variants that are a rule with a hyper-parameter fixed."""

TABLES: Mapping[str, Mapping[Any, tuple[str, str]]] = {
    "numerator.buffer": words.BUFFER,
    "numerator.correction": words.FIRST,
    "numerator.ahead": words.AHEAD,
    "numerator.sign": words.SIGN_ONLY,
    "numerator.old": words.OLD_FIRST,
    "divisor.moment": words.MOMENT,
    "divisor.correction": words.SECOND,
    "divisor.eps": words.EPS,
    "divisor.root": words.ROOT,
    "divisor.old": words.OLD_SECOND,
    "divisor.start": words.START,
    "behind": words.BEHIND,
    "decay": words.DECAY,
    "sign": words.SIGN,
    "rate": words.RATE,
}
"""The choices of a variant, each with its words."""

ORDER = (
    "no_bias_correction",
    "no_first_correction",
    "no_second_correction",
    "eps_inside",
    "eps_outside",
    "eps_root",
    "lr_inside",
    "initial_accumulator",
    "coupled_decay",
    "decoupled_decay",
    "decoupled_decay_paper",
    "decay_after_step",
    "decay_of_initial_rate",
    "lr_decay",
    "maximize",
)
"""Rewrites that say what a difference says, in the order in which they are applied."""


def choice(variant: Variant, path: str) -> Any:
    """Return what ``variant`` chose for a part such as "divisor.eps"."""
    value: Any = variant
    for name in path.split("."):
        value = getattr(value, name)
    return value


def differences(variant: Variant, base: Variant) -> tuple[Difference, ...]:
    """Return the choices in which ``variant`` is not ``base``."""
    found = []
    for path, table in TABLES.items():
        mine = choice(variant, path)
        if mine != choice(base, path):
            found.append(Difference(*table[mine], path))
    return tuple(found)


@cache
def names(variant: Variant) -> tuple[Name, ...]:
    """Return the names of ``variant``, the nearest first: a rule of the registry if it is one."""
    return tuple(sorted(_names(variant), key=lambda each: each.cost))


def _names(variant: Variant) -> Iterator[Name]:
    for base, named, fixed in (*((base, named, {}) for base, named in NAMED.items()), *SPECIAL):
        found = differences(variant, named)
        yield Name(base, found, _registered(base, found), fixed)


@cache
def _registered(base: str, found: tuple[Difference, ...]) -> str | None:
    """Return the name of ``base`` with a rewrite for each difference, where the registry has all of them."""
    changes = [difference.name for difference in found]
    if {"no_first_correction", "no_second_correction"} <= set(changes):
        kept = [change for change in changes if change not in ("no_first_correction", "no_second_correction")]
        changes = ["no_bias_correction", *kept]
    known = {rewrite.name for rewrite in rewrites.ALL}
    if not set(changes) <= known or not set(changes) <= set(ORDER):
        return None
    full = "+".join((base, *sorted(changes, key=ORDER.index)))
    try:
        rules.find(full)
    except RewriteError:
        return None
    return full
