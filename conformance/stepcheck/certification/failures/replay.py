"""``replay``: one failure run again, in a fresh worker, from its token."""

from __future__ import annotations

from stepcheck.certification.certificate import CellResult
from stepcheck.certification.evaluator import CellEvaluator
from stepcheck.certification.failures.replay_token import decode
from stepcheck.certification.request import Request, WrongRequest
from stepcheck.certification.survey import survey
from stepcheck_implementations.workers.pool import Workers


def replay(token: str) -> CellResult:
    """Return what the token's script shows now: the cell's result on this one script.

    Raises WrongRequest for a token that is not whole or whose cell is gone, UnknownRule and TargetError where its rule
    or target is.
    """
    item = decode(token)
    cell, script = item.cell, item.script
    request = Request(
        target=cell.target,
        rule=item.rule,
        modes=(cell.mode,),
        dtypes=tuple(dict.fromkeys((cell.dtype, *(tensor.dtype for tensor in script.tensors)))),
        devices=(cell.device,),
        fixed={name: value for name, value in cell.fixed if isinstance(value, (bool, int, float))},
        maps=dict(cell.maps),
    )
    with Workers() as workers:
        (subject,) = survey(request, workers).subjects
        planned = next((entry for entry in subject.planned if entry.cell == cell and entry.rule is not None), None)
        if planned is None:
            raise WrongRequest(f"token is of {cell.id}, but {cell.target} has no such cell any more")
        return CellEvaluator(subject, planned, workers, known_issues=()).replay(script, item.arithmetic)
