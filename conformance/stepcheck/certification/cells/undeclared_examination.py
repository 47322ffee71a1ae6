"""The examination of a subject without declared arithmetic: by its rule's envelope, then by what was read of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from stepcheck.certification.formula.own_order import OwnOrder
from stepcheck.certification.undeclared.inference import CANDIDATES, PLAIN
from stepcheck_properties.examination.verdicts import Examination
from stepcheck_properties.failure import LawFailure
from stepcheck_properties.harness import Harness
from stepcheck_reference.oracle.arithmetic import Arithmetic

Arithmetics = Mapping[str, Arithmetic]
"""The arithmetic of each dtype."""


class Undeclared(Protocol):
    """What an undeclared subject is judged with; ``says`` is what the report says of that, "" of the plain one."""

    @property
    def name(self) -> str:
        """The name that a replay token has of it."""

    @property
    def says(self) -> str:
        """The sentence of a report."""

    def arithmetics(self) -> dict[str, Arithmetic]:
        """Return the arithmetic of every dtype."""


@dataclass(frozen=True, slots=True)
class Undeclaredly:
    """An examination and what it was judged with.

    ``plain`` is the one by the rule's own envelope, and ``own`` what was read of the code because that was left; None
    where it was not.
    """

    examination: Examination
    judged_with: Undeclared
    plain: Examination
    own: OwnOrder | None = None


@dataclass(frozen=True, slots=True)
class UndeclaredExamination:
    """Examines a subject: ``examine`` does so under one arithmetic, and ``read`` reads the code of the cell."""

    examine: Callable[[Arithmetics], Examination]
    harness: Callable[[Arithmetics], Harness]
    read: Callable[[], OwnOrder]

    def result(self) -> Undeclaredly:
        """Return the examination by the rule's envelope, or where that is left, by what explains it.

        Nothing is inferred where the code was read: it computes another formula, which the rule's envelope decides, or
        the rule's in an order of its own, which has an envelope too.
        """
        first = self.examine(PLAIN.arithmetics())
        numbers = [failure for failure in first.failures if failure.breach.deviation is not None]
        if first.stopped or not numbers:
            return Undeclaredly(first, PLAIN, first)
        own = self.read()
        if own.order is not None:
            return Undeclaredly(self.examine(own.arithmetics()), own, first, own)
        if own.differs or own.narrow:
            return Undeclaredly(first, PLAIN, first, own)
        return self._inferred(first, own)

    def _inferred(self, first: Examination, own: OwnOrder) -> Undeclaredly:
        """Return the examination under the first arithmetic that explains what any explains, else the plain one.

        No arithmetic explains a failure that is not about a number, nor one that stays under the most permissive
        candidate. Another candidate is examined only where the scripts that broke the earlier ones hold with it.
        """
        unexplained = {failure.key for failure in first.failures if not self._explains(CANDIDATES[-1], failure)}
        witnesses = [failure for failure in first.failures if failure.key not in unexplained]
        for entry in CANDIDATES[1:] if witnesses else ():
            if not all(self._explains(entry, witness) for witness in witnesses):
                continue
            again = self.examine(entry.arithmetics())
            more = [failure for failure in again.failures if failure.key not in unexplained]
            if not more:
                return Undeclaredly(again, entry, first, own)
            witnesses += more
        return Undeclaredly(first, PLAIN, first, own)

    def _explains(self, entry: Undeclared, witness: LawFailure) -> bool:
        """Whether ``witness`` holds with the arithmetic of ``entry``."""
        if witness.breach.deviation is None:
            return False
        return not self.harness(entry.arithmetics()).reproduces(witness)
