"""Suggestions: which rules a target without an adapter might keep, for somebody who has named none."""

from __future__ import annotations

from dataclasses import dataclass

from stepcheck.certification.request import Request
from stepcheck.certification.runner import Runner
from stepcheck.certification.undeclared.claims import claim_of
from stepcheck_implementations.matching.description import fit
from stepcheck_implementations.matching.hyper_matching import NoMatch
from stepcheck_reference.rules import ALL

MOST = 12
"""Rules that are named because a target has all their hyper-parameters."""
MOST_NEAR = 3
"""Rules that are named although it lacks some."""


@dataclass(frozen=True, slots=True)
class _Fit:
    """A rule that the target could be.

    ``agrees`` says whether it goes in a trial where the rule goes, ``apart`` counts arguments that the rule has no use
    for (twice), and hyper-parameters and states that the target does not have; ``missing`` are those it would need.
    """

    rule: str
    agrees: bool
    apart: int
    missing: tuple[str, ...] = ()


def suggestion(request: Request, runner: Runner) -> str:
    """Return what to say of a request without a rule: the rules that fit, and the command for the best.

    Raises TargetError where the target can be no optimizer.
    """
    signature = runner.signature(request.target)["signature"]
    fits: list[_Fit] = []
    near: list[_Fit] = []
    why = ""
    for rule in ALL:
        names = {symbol.name for symbol in rule.hyper}
        fixed = {name: value for name, value in request.fixed.items() if name in names}
        try:
            found = fit(runner, request.target, claim_of(rule.name, rule, fixed))
        except NoMatch as error:
            why = why or str(error)
            if error.missing:
                near.append(_Fit(rule.name, False, error.left + len(error.missing), error.missing))
        else:
            unseen = len(rule.init) + len(rule.scalars) - len(found["adapter"]["states"])
            fits.append(_Fit(rule.name, bool(found["agrees"]), 2 * found["left"] + found["spare"] + unseen))
    parts = [f"{signature} has no adapter of its own, so say with --as which rule it keeps"]
    if fits:
        parts += _told(fits, request.target)
    if near and not any(entry.agrees or not entry.apart for entry in fits):
        near = sorted(near, key=lambda entry: (entry.apart, len(entry.missing)))[:MOST_NEAR]
        given = " ".join(f"--set {name}=NUMBER" for name in near[0].missing)
        listed = ", ".join(f"{entry.rule} ({', '.join(entry.missing)})" for entry in near)
        parts.append(
            f"With values that stand inside, it could be {listed}: {_command(request.target, near[0])} {given}"
        )
    return ". ".join(parts if len(parts) > 1 else [*parts, why])


def _told(fits: list[_Fit], target: str) -> list[str]:
    """Return the rules that fit best, and those among them that a trial speaks for."""
    alike = [entry for entry in fits if entry.agrees]
    best = _nearest(fits)
    chosen = _nearest(alike or fits)
    shown = ", ".join(entry.rule for entry in best[:MOST]) + (", ..." if len(best) > MOST else "")
    went = " or ".join(entry.rule for entry in chosen)
    trial = f"; in a trial of three steps it went where {went} goes" if alike else ""
    return [f"Its arguments fit {shown}{trial}", f"Try: {_command(target, chosen[0])}"]


def _nearest(fits: list[_Fit]) -> list[_Fit]:
    least = min(entry.apart for entry in fits)
    return [entry for entry in fits if entry.apart == least]


def _command(target: str, entry: _Fit) -> str:
    return f"stepcheck certify {target} --as {entry.rule}"
