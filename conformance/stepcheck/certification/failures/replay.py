"""``replay``: one failure run again, in a fresh worker, from its token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from stepcheck.certification.certificate import CellResult, LawResult
from stepcheck.certification.evaluator import arithmetics_of, evidence_of, facts_of
from stepcheck.certification.failures.failure import failure, reference_cell, worst
from stepcheck.certification.failures.replay_token import decode
from stepcheck.certification.plan import Planned
from stepcheck.certification.request import Request
from stepcheck.certification.survey import described
from stepcheck_implementations.adapters.adapter import MODES, Adapter, Cell
from stepcheck_implementations.workers.pool import Workers
from stepcheck_properties import laws
from stepcheck_properties.failure import failures_of
from stepcheck_properties.harness import Harness
from stepcheck_properties.law import ReferenceRun
from stepcheck_properties.laws.contracts.argument_checks import refuses
from stepcheck_reference import dataclass_codec
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.rules import find
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trajectory
from stepcheck_reference.verdict import Verdict, overall


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
        description = described(request, workers)
        adapter = dataclass_codec.decode(Adapter, description["adapter"])
        arithmetics = arithmetics_of(adapter, cell, item.arithmetic)
        trajectory = workers.run(adapter, cell, item.script)
        evidence = evidence_of(rule, item.script, trajectory, arithmetics, cell.dtype)
        judgement = evidence.judgement
        facts = facts_of(adapter, _planned(cell, item.rule, adapter, description), rule)
        facts = replace(facts, observed_states=frozenset(trajectory.observed), shows_step_count=_counted(trajectory))

        def run(script: Script, reference: ReferenceRun | None = None) -> Trajectory:
            return workers.run(adapter, cell if reference is None else reference_cell(cell, reference), script)

        def reference_arithmetic(reference: ReferenceRun) -> Mapping[str, Arithmetic]:
            return arithmetics_of(adapter, reference_cell(cell, reference), item.arithmetic)

        facts = replace(facts, rejects_negative_lr=refuses(facts, run))
        harness = Harness(run, rule, arithmetics, cell.dtype, facts, reference_arithmetic)
        results = []
        for law in laws.ALL:
            if not law.applies(facts):
                continue
            shown = evidence if law.reference is None else harness.evidence(law, item.script, trajectory)
            if shown is None:
                continue
            checked = law.check(shown)
            broken = tuple(failure(adapter, failed, item) for failed in failures_of(law, shown, checked))
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


def _planned(cell: Cell, rule: str, adapter: Adapter, description: Mapping[str, Any]) -> Planned:
    """Return the cell as it is planned where a whole target is certified."""
    there = {
        row["mode"]
        for row in description["availability"]
        if (row["dtype"], row["device"], row["reason"]) == (cell.dtype, cell.device, "")
    }
    fixed = {name: value for name, value in cell.fixed if isinstance(value, (int, float)) and name in adapter.hyper}
    return Planned(
        cell,
        rule,
        {**adapter.configuration(cell.configuration).fixed_hyper, **fixed},
        companions=tuple(
            row["dtype"]
            for row in description["availability"]
            if (row["mode"], row["device"], row["reason"]) == (cell.mode, cell.device, "")
        ),
        modes=tuple(mode for mode in MODES if mode in there and mode in adapter.modes),
        arguments=frozenset(description["arguments"]),
    )


def _counted(trajectory: Trajectory) -> bool:
    return any(bool((trace.count >= 0).any()) for trace in trajectory.traces)
