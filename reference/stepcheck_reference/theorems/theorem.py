"""Theorem: a statement about update rules that SymPy proves from their equations, or refutes with a witness."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from stepcheck_reference.rule import Rule

Status = Literal["proved", "refuted", "undecided"]


@dataclass(frozen=True, slots=True)
class Proof:
    """The result for a theorem: ``how`` it was proved or what failed, and a ``witness`` that a reader can check.

    Undecided means that there is neither a proof nor a witness; it never counts as proved.
    """

    status: Status
    how: str
    witness: str = ""


@dataclass(frozen=True, kw_only=True)
class Theorem:
    """A true sentence with its source and its condition, in words and as a function of a rule's facts.

    A theorem about every rule that it ``applies`` to is proved for one rule at a time. A theorem about several
    ``rules`` together is proved once: ``prove`` takes all of them, in order.
    """

    name: str
    sentence: str
    source: str
    condition: str
    prove: Callable[..., Proof]
    applies: Callable[[Rule], bool] = lambda rule: False
    rules: tuple[Rule, ...] = ()

    def cases(self, chosen: Iterable[Rule]) -> tuple[tuple[Rule, ...], ...]:
        """Return the rules to prove it for: each one of ``chosen`` that it applies to, or all of ``rules`` together.

        The latter if ``chosen`` contains one of them, or a rule that one of them is a variant of.
        """
        if not self.rules:
            return tuple((rule,) for rule in chosen if self.applies(rule))
        about = {name for rule in self.rules for name in (rule.name, rule.variant_of)}
        return (self.rules,) if any(rule.name in about for rule in chosen) else ()


def proof(answer: bool | None, how: str, *, otherwise: str, witness: str = "") -> Proof:
    """Return a proof from a fact: proved, as ``how`` says, or refuted or undecided for the reason ``otherwise``."""
    if answer:
        return Proof("proved", how)
    return Proof("undecided" if answer is None else "refuted", otherwise, "" if answer is None else witness)


def sufficient(answer: bool) -> bool | None:
    """Return True, or None for False: that a form is not recognized in the equations refutes nothing."""
    return answer or None


def every(*parts: tuple[bool | None, str], how: str) -> Proof:
    """Return a proof of all parts, each with a statement; a refuted part decides first, then one that is not shown."""
    for wrong in (False, None):
        for answer, statement in parts:
            if answer is wrong:
                if answer is None:
                    return Proof("undecided", f"not shown: {statement}")
                return Proof("refuted", f"false: {statement}", f"not: {statement}")
    return Proof("proved", how)
