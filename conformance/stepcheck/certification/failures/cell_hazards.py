"""Hazards of a cell: what is not finite although the exact rule is, as the certificate holds it."""

from __future__ import annotations

import math

from stepcheck.certification.failures.hazard import Hazard
from stepcheck_properties.examination.verdicts import Examination
from stepcheck_reference.facts.negative_roots import negative_roots
from stepcheck_reference.rule import Rule


def hazards_of(examination: Examination, rule: Rule) -> tuple[Hazard, ...]:
    """Return the hazards of an examined cell, parameters first."""
    return tuple(
        Hazard(
            output=output,
            reals=hazard.reals,
            of=hazard.reals + sum(examination.ratios.get(output, ())),
            step=hazard.first.step,
            observed=_number(hazard.first.observed),
            inputs={name: _number(value) for name, value in hazard.first.inputs.items()},
            remedy=remedy(rule, output),
        )
        for output, hazard in sorted(examination.hazards.items(), key=lambda item: (item[0] != "theta", item[0]))
    )


def remedy(rule: Rule, output: str) -> str:
    """Return what keeps the new value of ``output`` finite."""
    roots = " and ".join(str(argument) for argument in negative_roots(rule, output)) or "a square root's argument"
    return (
        f"{roots} is rounded below 0 where it is nearly 0; max(0, {roots}) before the root removes it, and so does an "
        "eps inside the root that is larger than the rounding error of its other terms"
    )


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else repr(value)
