"""Sparse gradients: rows that have one go where a dense gradient takes them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stepcheck_properties.compare.equivalence import divergence
from stepcheck_properties.compare.within_rounding import beyond_rounding
from stepcheck_properties.law import Breach, CheckOutcome, Counterpart, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_properties.scripts.invocation_variants import plain_invocation, refused, with_invocation
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Data, Drawn, Script, Tensor
from stepcheck_reference.scripts.trajectory import Array, Trace

SHAPES = ((4, 3), (6,), (3, 2, 2))
NEVER = 1
"""The row of every tensor that has no gradient at any step."""
WHAT = "the run with dense gradients"


def _reads_gradients(facts: Facts) -> bool:
    return facts.interface == "torch" and facts.mode != "compiled" and not needs_objective(facts.rule)


def _emptied(data: Data | None, tensor: Tensor) -> Data | None:
    """Return ``data`` with zeros in row ``NEVER``."""
    assert isinstance(data, Drawn)
    width = tensor.size // tensor.shape[0]
    zeros = tuple((index, 0.0) for index in range(NEVER * width, (NEVER + 1) * width))
    return replace(data, specials=zeros)


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    script = ordinary(facts, seed, shapes=SHAPES, weight_decay=0.0, lambd=0.0)
    steps = tuple(
        replace(step, gradients=tuple(_emptied(*pair) for pair in zip(step.gradients, script.tensors, strict=True)))
        for step in script.steps
    )
    yield with_invocation(replace(script, steps=steps), "sparse")


def _touched(script: Script, index: int) -> NDArray[np.bool_]:
    """Return, a step and a row each, whether the row has a gradient; shape (steps, rows)."""
    tensor = script.tensors[index]
    given = [step.applied[index] for step in script.steps]
    rows = [np.zeros(tensor.size) if data is None else expand(data, tensor.size, tensor.dtype) for data in given]
    apart = np.array(rows).reshape(len(rows), tensor.shape[0], -1) != 0
    return np.asarray(apart.any(axis=2))


def _as_dense(evidence: Evidence) -> CheckOutcome:
    if refused(evidence, steps=1):
        return CheckOutcome(1)
    assert evidence.reference is not None
    first, second = evidence.trajectory, evidence.reference.trajectory
    if first.fault is not None and second.fault is None:
        told = f"step {first.fault.step}={first.fault.kind}, but should be finished ({first.fault.message})"
        return CheckOutcome(0, (Breach(first.fault.kind, 0, first.fault.step, float("inf"), told),))
    compared, parted, moved = 0, list[Breach](), list[Breach]()
    steps = min(first.steps, second.steps)
    for index, tensor in enumerate(evidence.script.tensors):
        if not tensor.shape or not math.prod(tensor.shape) or not steps:
            continue
        touched, width = _touched(evidence.script, index), tensor.size // tensor.shape[0]
        always, never = (np.repeat(rows, width) for rows in (touched.all(axis=0), ~touched.any(axis=0)))
        rests = never & (second.traces[index].theta == second.traces[index].before[0]).all(axis=0)
        compared += int(always.sum() + rests.sum()) * steps
        outputs = list(_outputs(first.traces[index], second.traces[index], steps))
        apart = {name: ~((ours == theirs) | (np.isnan(ours) & np.isnan(theirs))) for name, ours, theirs in outputs}
        before = np.ones_like(apart["theta"])
        before[1:] = ~np.logical_or.reduce(list(apart.values()))[:-1]
        for name, ours, theirs in outputs:
            for found, where in ((parted, always & before), (moved, rests & (name == "theta"))):
                for row, column in np.argwhere(apart[name] & where).tolist():
                    values, there = (float(ours[row, column]), float(theirs[row, column])), (index, row + 1, column)
                    found.append(divergence(name, *there, *values, WHAT, Counterpart(*there)))
    found = [*beyond_rounding(evidence, parted), *moved]
    return CheckOutcome(compared, tuple({breach.output: breach for breach in reversed(found)}.values()))


def _outputs(one: Trace, other: Trace, steps: int) -> Iterator[tuple[str, Array, Array]]:
    """Yield parameters, and each state of their shape that both runs show, after every step."""
    yield "theta", one.theta[:steps], other.theta[:steps]
    after = slice(1, steps + 1)
    for name in one.states.keys() & other.states.keys():
        ours, theirs = one.states[name][after], other.states[name][after]
        there = one.present[name][after] & other.present[name][after]
        if ours.shape == theirs.shape == one.theta[:steps].shape and there.all():
            yield name, ours, theirs


SPARSE_GRADIENT = Law(
    code="SC238",
    title="a sparse gradient leads where the dense one does",
    sentence="A sparse gradient is refused, or rows that have one at every step go where a dense gradient takes them, "
    "to within rounding, however many entries it has for a row, and a row that never has one stays where it is, if a "
    "gradient of zeros leaves it there.",
    source="torch.sparse: an uncoalesced tensor means the sum of its entries; torch.nn.Embedding(sparse=True)",
    since="0.2",
    applies=_reads_gradients,
    check=_as_dense,
    condition="the subject is built of parameter groups, its rule needs one gradient a step, and the mode is not "
    "compiled",
    unit="reals",
    mathematics="""\
A sparse tensor is a dense one with zeros left out. An optimizer may leave rows without a gradient alone, as SparseAdam
does; it then parts from the rule on rows that have one at some steps and none at others, which are not compared.""",
    remedy="""\
Coalesce the gradient before its entries are squared or written with an index: several entries of one row add up. Raise
where a sparse gradient cannot be used, before anything is changed.""",
    example="""\
class SgdWritesRows(torch.optim.Optimizer):
    ...
    rows, values = p.grad._indices()[0], p.grad._values()
    p[rows] -= lr * values                               # of two entries of one row the last counts""",
    scripts=_scripts,
    reference=plain_invocation("sparse"),
)
