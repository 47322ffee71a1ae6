"""Theorem: a statement about update rules that SymPy proves from their equations, or refutes with a witness."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from stepcheck_reference.rule import Rule

Status = Literal["proved", "refuted", "undecided"]


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of a theorem: ``how`` it was shown or what failed, and a ``witness`` that a reader can check.

    Undecided means that neither a proof nor a witness was found; it never counts as proved.
    """

    status: Status
    how: str
    witness: str = ""


@dataclass(frozen=True, kw_only=True)
class Theorem:
    """A true sentence with its source and its condition, in words and as a function of a rule's facts.

    A theorem about each rule that it ``applies`` to is proved a rule at a time. One about several ``rules`` together
    is proved once: ``prove`` takes them all, in their order.
    """

    name: str
    sentence: str
    source: str
    condition: str
    prove: Callable[..., Proof]
    applies: Callable[[Rule], bool] = lambda rule: False
    rules: tuple[Rule, ...] = ()

    def cases(self, chosen: Iterable[Rule]) -> tuple[tuple[Rule, ...], ...]:
        """Return what to prove it of: each of the rules ``chosen`` that it applies to, or all of ``rules`` together.

        The latter where one of them, or the rule that it is a variant of, is asked for.
        """
        if not self.rules:
            return tuple((rule,) for rule in chosen if self.applies(rule))
        about = {name for rule in self.rules for name in (rule.name, rule.variant_of)}
        return (self.rules,) if any(rule.name in about for rule in chosen) else ()


def proof(answer: bool | None, how: str, *, otherwise: str, witness: str = "") -> Proof:
    """Return a proof from a fact: proved in this way, or refuted or undecided because of what is said ``otherwise``."""
    if answer:
        return Proof("proved", how)
    return Proof("undecided" if answer is None else "refuted", otherwise, "" if answer is None else witness)


def sufficient(answer: bool) -> bool | None:
    """Return True, or None for what was not shown: that it is not seen in the equations refutes nothing."""
    return answer or None


def every(*parts: tuple[bool | None, str], how: str) -> Proof:
    """Return a proof of several things, each with what it says; one that is refuted decides, then one not shown."""
    for wrong in (False, None):
        for answer, says in parts:
            if answer is wrong:
                if answer is None:
                    return Proof("undecided", f"not shown: {says}")
                return Proof("refuted", f"it is not so that {says}", f"not: {says}")
    return Proof("proved", how)
