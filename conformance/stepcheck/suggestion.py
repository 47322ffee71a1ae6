"""Suggestions: which rules a target without an adapter might keep, for somebody who has named none."""

from __future__ import annotations

from dataclasses import dataclass

from stepcheck.foreseen import claim_of
from stepcheck.request import Request
from stepcheck.runner import Runner
from stepcheck_implementations.generic import NoMatch
from stepcheck_implementations.offer import fit
from stepcheck_reference.rules import ALL

MOST = 12
"""Rules that are named."""


@dataclass(frozen=True, slots=True)
class _Fit:
    """A rule whose hyper-parameters the target takes.

    ``agrees`` says whether it goes in a trial where the rule goes, ``left`` counts arguments that the rule has no use
    for, ``hyper`` the rule's hyper-parameters.
    """

    rule: str
    agrees: bool
    left: int
    hyper: int


def suggestion(request: Request, runner: Runner) -> str:
    """Return what to say of a request without a rule: the rules that fit, and the command for the best.

    Raises TargetError where the target can be no optimizer.
    """
    signature = runner.signature(request.target)["signature"]
    fits: list[_Fit] = []
    refusals: list[tuple[str, NoMatch]] = []
    for rule in ALL:
        names = {symbol.name for symbol in rule.hyper}
        fixed = {name: value for name, value in request.fixed.items() if name in names}
        try:
            found = fit(runner, request.target, claim_of(rule.name, rule, fixed))
        except NoMatch as error:
            refusals.append((rule.name, error))
            continue
        fits.append(_Fit(rule.name, bool(found["agrees"]), int(found["left"]), len(names)))
    said = f"{signature} has no adapter of its own, so say with --as which rule it keeps"
    if not fits:
        lacking = [entry for entry in refusals if entry[1].missing]
        if not lacking:
            return f"{said}. {refusals[0][1]}"
        name, refusal = min(lacking, key=lambda entry: len(entry[1].missing))
        given = " ".join(f"--set {missing}=NUMBER" for missing in refusal.missing)
        return (
            f"{said}. It takes the hyper-parameters of none; nearest is {name}, which also needs "
            f"{', '.join(refusal.missing)}: stepcheck certify {request.target} --as {name} {given}"
        )
    best = max(fits, key=lambda entry: (entry.agrees, -entry.left, entry.hyper))
    near = [entry for entry in fits if entry.left == min(other.left for other in fits)]
    listed = ", ".join(entry.rule for entry in near[:MOST]) + (", ..." if len(near) > MOST else "")
    alike = [entry.rule for entry in fits if entry.agrees]
    tried = f"; in a trial of three steps it goes where {' and '.join(alike)} goes" if alike else ""
    return f"{said}. Its arguments fit {listed}{tried}. Try: stepcheck certify {request.target} --as {best.rule}"
