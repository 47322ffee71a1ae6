"""``prove``: the theorems about rules, proved one after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stepcheck_reference import rules
from stepcheck_reference.rule import Rule
from stepcheck_reference.theorems import ALL
from stepcheck_reference.theorems.theorem import Proof, Status, Theorem
from stepcheck_reference.verdict import BROKEN, CONFORMS

STATUSES: tuple[Status, ...] = ("refuted", "undecided", "proved")
"""The worst first: a theorem is as good as the worst of its proofs."""


@dataclass(frozen=True, slots=True)
class Proved:
    """The proofs of one theorem: one for each rule, or one for several rules together."""

    theorem: Theorem
    proofs: tuple[tuple[tuple[Rule, ...], Proof], ...]

    @property
    def status(self) -> Status:
        """The worst status of its proofs."""
        return min((proof.status for _, proof in self.proofs), key=STATUSES.index)


def prove(name: str | None = None, theorems: tuple[Theorem, ...] = ALL) -> Iterator[Proved]:
    """Yield the proofs of each theorem about the rule of this name, or about any rule; raises UnknownRule.

    A theorem that is about none of them is left out.
    """
    chosen = rules.ALL if name is None else (rules.find(name),)
    for theorem in theorems:
        if proofs := tuple((case, theorem.prove(*case)) for case in theorem.cases(chosen)):
            yield Proved(theorem, proofs)


def exit_code(results: list[Proved]) -> int:
    """Return 0 where all is proved, and 1 where something is refuted or undecided."""
    return CONFORMS if all(result.status == "proved" for result in results) else BROKEN


def to_dict(results: list[Proved]) -> dict[str, Any]:
    """Return the results as data for JSON: counts, and for each theorem its words and its proofs."""
    return {
        "counts": {status: sum(result.status == status for result in results) for status in reversed(STATUSES)},
        "theorems": [
            {
                "name": result.theorem.name,
                "sentence": result.theorem.sentence,
                "condition": result.theorem.condition,
                "source": result.theorem.source,
                "status": result.status,
                "proofs": [
                    {
                        "rules": [rule.name for rule in case],
                        "status": proof.status,
                        "how": proof.how,
                        "witness": proof.witness,
                    }
                    for case, proof in result.proofs
                ],
            }
            for result in results
        ],
    }
