"""``replay``: one failure run again, in a fresh worker, from its token."""

from __future__ import annotations

from stepcheck.certification.cells.evaluator import CellEvaluator
from stepcheck.certification.certificate import CellResult
from stepcheck.certification.failures.replay_fit import check_fit
from stepcheck.certification.failures.replay_token import decode
from stepcheck.certification.formula.own_order import NAME as OWN_ORDER
from stepcheck.certification.references.bringing import check_rule_or_reference, with_reference
from stepcheck.certification.request import Request, WrongRequest
from stepcheck.certification.survey import survey
from stepcheck.certification.undeclared.inference import CANDIDATES
from stepcheck_implementations.workers.pool import Workers
from stepcheck_reference.suggest import unknown
from stepcheck_reference.verdict import Verdict


def replay(token: str) -> CellResult:
    """Return what the token's script shows now: the cell's result on this one script.

    Raises WrongRequest for a token that is not whole, whose cell is gone, or whose script does not fit its cell or is
    longer than a token's may be (see ``script_limits``), UnknownRule and TargetError where its rule or target is.
    """
    item = decode(token)
    cell, script = item.cell, item.script
    if item.arithmetic not in (names := ["", OWN_ORDER, *(candidate.name for candidate in CANDIDATES)]):
        raise WrongRequest(unknown("arithmetic", item.arithmetic, [repr(name) for name in names]))
    request = Request(
        target=cell.target,
        rule=None if item.like else item.claimed or item.rule,
        like=item.like or None,
        modes=(cell.mode,),
        dtypes=tuple(dict.fromkeys((cell.dtype, *(tensor.dtype for tensor in script.tensors)))),
        devices=(cell.device,),
        fixed={name: value for name, value in cell.fixed if isinstance(value, (bool, int, float))},
        maps=dict(cell.maps),
    )
    check_rule_or_reference(request)
    with Workers() as workers:
        if item.like:
            request = with_reference(request, item.like, workers, verified=False)
        (subject,) = survey(request, workers).subjects
        planned = next((entry for entry in subject.planned if entry.cell == cell and entry.rule is not None), None)
        if planned is None:
            raise WrongRequest(f"token is of {cell.id}, but {cell.target} has no such cell any more")
        if planned.verdict is Verdict.NOT_APPLICABLE:
            raise WrongRequest(f"token is of {cell.id}, but {cell.target} does not support it ({planned.reason})")
        check_fit(subject.adapter, planned, script)
        return CellEvaluator(subject, planned, workers, known_issues=()).replay(script, item.arithmetic)
