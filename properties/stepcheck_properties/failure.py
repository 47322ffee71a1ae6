"""LawFailure: a broken law with the script that shows it, as shrinking, replay and certificates take it."""

from __future__ import annotations

from dataclasses import dataclass

from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Law, ReferenceRun
from stepcheck_reference.oracle.judgement import CountBreak
from stepcheck_reference.scripts.script import Script


@dataclass(frozen=True, slots=True)
class LawFailure:
    """One way in which a subject breaks a law, with everything that its record in a certificate is made of.

    ``reference`` is the second run that the law compares ``script`` with, None where it needs none. ``count_breaks``
    are the script's wrong step counts if the breach is one of them. ``origin`` says where the script comes from: the
    name of an edge case, "drawn", or the code of a law with scripts of its own. ``runs`` counts the runs spent on
    shrinking it, 0 where the script was not shrunk.
    """

    law: Law
    breach: Breach
    script: Script
    reference: ReferenceRun | None = None
    count_breaks: tuple[CountBreak, ...] = ()
    origin: str = ""
    runs: int = 0

    @property
    def output(self) -> str:
        """What is wrong: "theta", a state, "count", or the kind of a fault."""
        return self.breach.output

    @property
    def key(self) -> tuple[str, str]:
        """The law's code and the output: failures that share them are the same failure."""
        return self.law.code, self.breach.output


def failures_of(law: Law, evidence: Evidence, outcome: CheckOutcome, origin: str = "") -> tuple[LawFailure, ...]:
    """Return a failure for each breach of ``outcome``, which is ``law``'s check of ``evidence``."""
    return tuple(
        LawFailure(
            law,
            breach,
            evidence.script,
            evidence.reference_run,
            tuple(evidence.judgement.counts) if breach.output == "count" else (),
            origin,
        )
        for breach in outcome.breaches
    )
