"""The rule that a target keeps where it breaks the one that it was certified against, if another one holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stepcheck.certification.answers import RULE, about, answers
from stepcheck.certification.cells.evaluator import CellEvaluator
from stepcheck.certification.certificate import CellResult
from stepcheck.certification.formula.formula_record import Formula
from stepcheck.certification.request import Request, WrongRequest
from stepcheck.certification.runner import Runner
from stepcheck.certification.survey import survey
from stepcheck.certification.undeclared.kept import Kept
from stepcheck.certification.undeclared.suggestion import agreeing_rules
from stepcheck_implementations.adapters import libraries
from stepcheck_implementations.adapters.adapter import compiles_slowly
from stepcheck_implementations.driver.target import TargetError
from stepcheck_reference.rewrites.rewrite import RewriteError
from stepcheck_reference.rule import OutOfDomain
from stepcheck_reference.rules import UnknownRule, find
from stepcheck_reference.scripts.trajectory import FAULTS
from stepcheck_reference.verdict import Verdict

_TRIED = 2
"""Rules that are tried, each by judging a cell."""


def kept_rule(
    request: Request, runner: Runner, cells: Sequence[CellResult], formula: Formula | None = None
) -> Kept | None:
    """Return another rule that holds in the first cell where the claimed one is broken, None where none does.

    Only a target without an adapter of its own is tried, and only the rule that its code computes, as ``formula`` says;
    where the code was not read, those that it steps as in a trial.
    """
    if request.rule is None or libraries.find(request.target) is not None:
        return None
    cell = next((cell for cell in cells if _breaks_its_rule(cell)), None)
    if cell is None or any(failure.fault in FAULTS for failure in cell.failures):
        return None
    try:
        if formula is None or formula.unread:
            candidates = [rule for rule in agreeing_rules(request, runner) if rule != request.rule]
        else:
            candidates = [formula.reads_as] if _is_rule(formula.reads_as) else []
    except TargetError:
        return None
    for rule in candidates[:_TRIED]:
        if _holds(request, runner, cell, rule):
            return Kept(rule=rule, cell=cell.id)
    return None


def _is_rule(name: str) -> bool:
    try:
        return bool(name) and find(name) is not None
    except (UnknownRule, RewriteError):
        return False


def _breaks_its_rule(cell: CellResult) -> bool:
    return any(
        about(failure.code) == RULE and not failure.known_issue and not failure.follows_from
        for failure in cell.failures
    )


def _holds(request: Request, runner: Runner, cell: CellResult, rule: str) -> bool:
    """Whether no law about the rule is broken in ``cell`` when it is judged against ``rule``."""
    hyper = {symbol.name for symbol in find(rule).hyper}
    narrowed = replace(
        request,
        rule=rule,
        like=None,
        modes=(cell.mode,),
        dtypes=(cell.dtype,),
        devices=(cell.device,),
        fixed={name: value for name, value in request.fixed.items() if name in hyper},
        maps={},
        profile="quick",
    )
    try:
        for subject, planned in survey(narrowed, runner).cells:
            if planned.verdict is None and planned.cell.configuration == cell.configuration:
                if compiles_slowly(subject.adapter, cell.mode):
                    return False
                result = CellEvaluator(subject, planned, runner, known_issues=()).evaluate()
                answer, _ = answers([result], rule)
                return answer.verdict is Verdict.HOLDS
    except (WrongRequest, TargetError, OutOfDomain, RewriteError):  # a configuration may have no form of the rule
        return False
    return False
