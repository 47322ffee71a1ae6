"""``replay``: one failure run again, in a fresh worker, from its token."""

from __future__ import annotations

from stepcheck.certificate import CellResult, LawResult
from stepcheck.failing import failure, worst
from stepcheck.judging import arithmetics_of, evidence_of
from stepcheck.replay_token import decode
from stepcheck.request import Request
from stepcheck.survey import described
from stepcheck.verdict import Verdict, overall
from stepcheck_implementations import wire
from stepcheck_implementations.pool import Workers
from stepcheck_properties import laws
from stepcheck_reference.rules import find


def replay(token: str) -> CellResult:
    """Return what the token's script shows now: the cell's result on this one script.

    Raises WrongRequest for a token that is not whole, UnknownRule and TargetError where its rule or target
    is not there.
    """
    item = decode(token)
    cell, rule = item.cell, find(item.rule)
    with Workers() as workers:
        request = Request(
            target=cell.target,
            rule=item.rule,
            fixed={name: value for name, value in cell.fixed if isinstance(value, (bool, int, float))},
            maps=dict(cell.maps),
        )
        adapter = wire.adapter_from_plain(described(request, workers)["adapter"])
        arithmetics = arithmetics_of(adapter, cell, item.arithmetic)
        evidence = evidence_of(rule, item.script, workers.run(adapter, cell, item.script), arithmetics, cell.dtype)
    judgement = evidence.judgement
    results = []
    for law in laws.ALL:
        checked = law.check(evidence)
        broken = tuple(failure(adapter, law, breach, item, judgement.counts) for breach in checked.breaches)
        verdict = Verdict.BROKEN if broken else Verdict.HOLDS if checked.compared else Verdict.VACUOUS
        results.append(LawResult(code=law.code, verdict=verdict, compared=checked.compared, failures=broken))
    return CellResult(
        id=cell.id,
        configuration=cell.configuration,
        mode=cell.mode,
        dtype=cell.dtype,
        device=cell.device,
        target=cell.target,
        rule=item.rule,
        verdict=overall(result.verdict for result in results),
        scripts=1,
        element_steps=item.script.element_steps,
        compared=judgement.compared,
        not_compared=dict(judgement.not_compared),
        observability=judgement.observability,
        arithmetic=arithmetics[cell.dtype].name,
        arithmetic_source=arithmetics[cell.dtype].source,
        worst={output: worst(entry) for output, entry in judgement.worst.items()},
        laws=tuple(results),
    )
