"""Suggestions: which rules a target without an adapter might implement, for a request that names none."""

from __future__ import annotations

from dataclasses import dataclass

from stepcheck.certification.request import Request
from stepcheck.certification.runner import Runner
from stepcheck.certification.undeclared.claims import claim_of
from stepcheck_implementations.matching.description import fit
from stepcheck_implementations.matching.hyper_matching import NoMatch
from stepcheck_reference.rules import ALL

MOST_FITTING = 12
"""Rules that are named because a target has all their hyper-parameters."""
MOST_INCOMPLETE = 3
"""Rules that are named although it lacks some."""


@dataclass(frozen=True, slots=True)
class _Fit:
    """A rule that the target could be.

    ``agrees`` says whether it steps as the rule does in a trial; ``distance`` counts arguments that the rule has no use
    for (twice), and hyper-parameters and states that the target does not have; ``missing`` are those it would need.
    """

    rule: str
    agrees: bool
    distance: int
    missing: tuple[str, ...] = ()


def suggestion(request: Request, runner: Runner, *, proposes: bool = True) -> str:
    """Return the message for a request without a rule: the rules that fit, and the command for the best.

    Without ``proposes`` a trial of three steps counts for nothing: more of them have shown that it is no rule here.

    Raises TargetError where the target can be no optimizer.
    """
    signature = runner.signature(request.target)["signature"]
    fits, incomplete, reason = _fits(request, runner)
    parts = [f"{signature} has no adapter of its own; name the rule that it implements with --as"]
    if fits:
        parts += _fitting(fits, request.target, proposes=proposes)
    if incomplete and proposes and not any(entry.agrees or not entry.distance for entry in fits):
        incomplete = sorted(incomplete, key=lambda entry: (entry.distance, len(entry.missing)))[:MOST_INCOMPLETE]
        options = " ".join(f"--set {name}=NUMBER" for name in incomplete[0].missing)
        listed = ", ".join(f"{entry.rule} ({', '.join(entry.missing)})" for entry in incomplete)
        parts.append(
            f"If it has fixed values inside, it could be {listed}: {_command(request.target, incomplete[0])} {options}"
        )
    return ". ".join(parts if len(parts) > 1 else [*parts, reason])


def agreeing_rules(request: Request, runner: Runner) -> tuple[str, ...]:
    """Return the rules that the target steps as in a trial, the one that its arguments fit best first."""
    fits, _, _ = _fits(request, runner)
    agreeing = sorted((entry for entry in fits if entry.agrees), key=lambda entry: entry.distance)
    return tuple(entry.rule for entry in agreeing)


def _fits(request: Request, runner: Runner) -> tuple[list[_Fit], list[_Fit], str]:
    """Return the rules that the target's arguments fit, those of which it lacks some, and why the first does not."""
    fits: list[_Fit] = []
    incomplete: list[_Fit] = []
    reason = ""
    for rule in ALL:
        names = {symbol.name for symbol in rule.hyper}
        fixed = {name: value for name, value in request.fixed.items() if name in names}
        try:
            fitted = fit(runner, request.target, claim_of(rule.name, rule, fixed))
        except NoMatch as error:
            reason = reason or str(error)
            if error.missing:
                incomplete.append(_Fit(rule.name, False, error.left + len(error.missing), error.missing))
        else:
            unseen = len(rule.init) + len(rule.scalars) - len(fitted["adapter"]["states"])
            fits.append(_Fit(rule.name, bool(fitted["agrees"]), 2 * fitted["left"] + fitted["spare"] + unseen))
    return fits, incomplete, reason


def _fitting(fits: list[_Fit], target: str, *, proposes: bool) -> list[str]:
    """Return a sentence about the rules that fit best, and the command to try where one does so in a trial too.

    What only has the arguments of a rule may compute anything else.
    """
    agreeing = [entry for entry in fits if entry.agrees]
    best = _nearest(fits)
    shown = ", ".join(entry.rule for entry in best[:MOST_FITTING]) + (", ..." if len(best) > MOST_FITTING else "")
    if not proposes:
        return [f"Its arguments fit {shown}"]
    if not agreeing:
        return [f"Its arguments fit {shown}; in a trial of three steps it did what none of them does"]
    chosen = _nearest(agreeing)
    same = " or ".join(entry.rule for entry in chosen)
    trial = f"in a trial of three steps it did what {same} does"
    return [f"Its arguments fit {shown}; {trial}", f"Try: {_command(target, chosen[0])}"]


def _nearest(fits: list[_Fit]) -> list[_Fit]:
    least = min(entry.distance for entry in fits)
    return [entry for entry in fits if entry.distance == least]


def _command(target: str, entry: _Fit) -> str:
    return f"stepcheck certify {target} --as {entry.rule}"
