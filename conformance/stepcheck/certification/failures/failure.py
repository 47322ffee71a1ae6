"""The record of a failure: a broken law with its message, replay token and standalone program."""

from __future__ import annotations

import json

from stepcheck.certification.cells.cell_facts import reference_cell
from stepcheck.certification.certificate import Failure, Worst, number
from stepcheck.certification.failures.replay_token import Replayable, encode
from stepcheck.standalone import jax_program, torch_program
from stepcheck.standalone.construction import constructor_call
from stepcheck.standalone.torch_program import ACCEPTED, GRADIENT, Element, expression_program, pair_program
from stepcheck_implementations.adapters.adapter import Adapter
from stepcheck_properties.failure import LawFailure
from stepcheck_properties.law import Breach
from stepcheck_reference.oracle.judgement import CountBreak, Deviation
from stepcheck_reference.scripts.script_json import to_json


def worst_record(deviation: Deviation) -> Worst:
    """Return ``deviation`` as the certificate writes it."""
    return Worst(
        output=deviation.output,
        tensor=deviation.tensor,
        step=deviation.step,
        index=deviation.index,
        observed=number(deviation.observed),
        expected=number(deviation.expected),
        radius=number(deviation.radius),
        ratio=number(deviation.ratio),
        inputs={name: number(value) for name, value in deviation.inputs.items()},
    )


def failure_record(adapter: Adapter, failure: LawFailure, item: Replayable) -> Failure:
    """Return the certificate's record of ``failure``, whose script ``item`` replays."""
    law, breach, cell, script = failure.law, failure.breach, item.cell, item.script
    shown = worst_record(breach.deviation) if breach.deviation is not None else None
    if shown is None and breach.output == "count":
        shown = next((_count(wrong) for wrong in failure.count_breaks if wrong.tensor == breach.tensor), None)
    message = f"{cell.id}{_place(breach)}: {breach.message} [{constructor_call(adapter, cell, script)}]"
    written = (jax_program if adapter.compiler == "jax" else torch_program).standalone_program
    counterpart = breach.counterpart
    if failure.reference is not None and counterpart is not None and adapter.compiler != "jax":
        reference = reference_cell(cell, failure.reference), failure.reference.script
        one = Element(breach.output, breach.tensor, breach.step, shown.index if shown is not None else 0)
        reference_real = Element(breach.output, counterpart.tensor, counterpart.step, counterpart.index)
        text = pair_program(
            adapter, ((cell, script, one), (*reference, reference_real)), title=message, factor=counterpart.factor
        )
    elif breach.expression:
        text = expression_program(adapter, cell, script, title=message, step=breach.step, reading=breach.expression,
                          wanted=breach.expected_expression, before=breach.before)  # fmt: skip
    elif breach.output in (GRADIENT, ACCEPTED):
        text = written(adapter, cell, script, title=message, output=breach.output, tensor=breach.tensor)
    elif shown is None:
        text = written(adapter, cell, script, title=message)
    else:
        text = written(
            adapter,
            cell,
            script,
            title=message,
            output=shown.output,
            tensor=shown.tensor,
            index=shown.index,
            step=shown.step,
            expected=float(shown.expected),
            radius=float(shown.radius),
        )
    return Failure(
        code=law.code,
        title=law.title,
        message=message,
        rule=item.rule,
        script=json.loads(to_json(script)),
        token=encode(item),
        standalone=text,
        worst=shown,
        fault=breach.output if shown is None else "",
    )


def _place(breach: Breach) -> str:
    """Return where the breach is, as in ", step 2, p1[4]"; a fault says so itself."""
    if breach.deviation is None and breach.output != "count":
        return ""
    where = "before step 1" if breach.step == 0 else f"step {breach.step}"
    index = f"[{breach.deviation.index}]" if breach.deviation is not None else ""
    return f", {where}, p{breach.tensor}{index}"


def _count(wrong: CountBreak) -> Worst:
    """A count is exact: its radius is 0."""
    return Worst(
        output="count",
        tensor=wrong.tensor,
        step=wrong.step,
        index=0,
        observed=number(wrong.observed),
        expected=number(wrong.expected),
        radius=0.0,
        ratio="inf",
    )
