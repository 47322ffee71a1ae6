"""Verdicts: what an examination says of each law, and of the cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stepcheck_properties.failure import LawFailure
from stepcheck_properties.law import Facts, Law
from stepcheck_reference.oracle.judgement import Deviation, Hazard
from stepcheck_reference.verdict import Verdict

LEAST_COMPARED = 0.5
"""The share of element-steps that must be compared for "holds": with less it would speak for the minority of them."""


@dataclass(frozen=True, slots=True)
class LawVerdict:
    """The verdict on one law in one cell: ``compared`` in the law's unit; ``note`` says why where it is not "holds"."""

    law: Law
    verdict: Verdict
    compared: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Examination:
    """The result of examining one cell.

    ``compared`` and ``not_compared`` count element-steps, the latter by reason. ``worst`` maps each output to its
    largest deviation, ``worst_from_zero`` is that of parameters updated from 0. ``nonfinite`` counts admissible
    non-finite results, which ``hazards`` has by output; ``ratios`` counts each output's reals by ratio, in the bins of
    ``oracle.histogram``. ``stopped`` says
    why scripts are missing, "" where none are; ``unconfirmed`` lists crashes and hangs that did not recur. ``facts``
    are the subject's, including what it showed while it ran.
    """

    verdicts: tuple[LawVerdict, ...]
    failures: tuple[LawFailure, ...]
    compared: int
    not_compared: Mapping[str, int]
    worst: Mapping[str, Deviation]
    worst_from_zero: Deviation | None
    observability: str
    nonfinite: int
    scripts: int
    stopped: str = ""
    unconfirmed: tuple[str, ...] = ()
    ratios: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    hazards: Mapping[str, Hazard] = field(default_factory=dict)
    facts: Facts | None = None

    @property
    def broken(self) -> bool:
        """Whether a law is broken."""
        return any(entry.verdict is Verdict.BROKEN for entry in self.verdicts)
