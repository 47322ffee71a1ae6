"""Sparse gradients: rows that have one are updated as by a dense gradient."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stepcheck_properties.compare.breaches import divergence, unfinished
from stepcheck_properties.compare.within_rounding import beyond_rounding
from stepcheck_properties.law import THETA, Breach, CheckOutcome, Counterpart, Evidence, Facts, Law
from stepcheck_properties.laws.conditions import STEPS_ON_GRADIENTS, steps_on_gradients
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ZERO, ordinary
from stepcheck_properties.scripts.invocation_variants import plain_invocation, rejected, with_invocation
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Data, Drawn, Script, Tensor
from stepcheck_reference.scripts.trajectory import Array, Trace

SHAPES = ((4, 3), (6,), (3, 2, 2))
EMPTY_ROW = 1
"""The row of every tensor that has no gradient at any step."""
DENSE_RUN = "the run with dense gradients"


def _with_empty_row(data: Data | None, tensor: Tensor) -> Data | None:
    """Return ``data`` with zeros in ``EMPTY_ROW``."""
    assert isinstance(data, Drawn)
    width = tensor.size // tensor.shape[0]
    zeros = tuple((index, 0.0) for index in range(EMPTY_ROW * width, (EMPTY_ROW + 1) * width))
    return replace(data, specials=zeros)


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    script = ordinary(facts, seed, shapes=SHAPES, weight_decay=0.0, lambd=0.0)
    steps = tuple(
        replace(
            step, gradients=tuple(_with_empty_row(*pair) for pair in zip(step.gradients, script.tensors, strict=True))
        )
        for step in script.steps
    )
    yield with_invocation(_with_overlapping_entries(replace(script, steps=steps)), "sparse")


def _with_overlapping_entries(script: Script) -> Script:
    """Return ``script`` with a tensor whose gradient's entries overlap, and one whose gradients are 0 and have none.

    Both are at 0 before each step, and the first has a gradient in step 1 alone: what is added entry by entry, to the
    parameter or to a state that is still 0, then has no other rounding than a whole gradient.
    """
    tensor = replace(script.tensors[0], initial=ZERO, gradient_layout="overlapping")
    count = len(script.tensors)
    last = script.groups[-1]
    return replace(
        script,
        tensors=(*script.tensors, tensor, replace(tensor, shape=(2, 3))),
        groups=(*script.groups[:-1], replace(last, tensors=(*last.tensors, count, count + 1))),
        steps=tuple(
            replace(
                step,
                gradients=(*step.gradients, None if number else step.gradients[0], ZERO),
                overwrite=(*step.overwrite, (count, ZERO), (count + 1, ZERO)),
            )
            for number, step in enumerate(script.steps)
        ),
    )


def _rows_with_gradient(script: Script, index: int) -> NDArray[np.bool_]:
    """Return whether each row has a gradient at each step where the tensor has one; shape (steps, rows)."""
    tensor = script.tensors[index]
    gradients = [step.applied[index] for step in script.steps]
    rows = [expand(data, tensor.size, tensor.dtype) for data in gradients if data is not None]
    nonzero = np.array(rows).reshape(len(rows), tensor.shape[0], -1) != 0
    return np.asarray(nonzero.any(axis=2))


def _check_sparse(evidence: Evidence) -> CheckOutcome:
    if rejected(evidence, steps=1):
        return CheckOutcome(1)
    assert evidence.reference is not None
    first, second = evidence.trajectory, evidence.reference.trajectory
    faults = unfinished(evidence)
    if faults:
        return CheckOutcome(0, faults)
    compared, diverged, changed_at_rest = 0, list[Breach](), list[Breach]()
    steps = min(first.steps, second.steps)
    for index, tensor in enumerate(evidence.script.tensors):
        if not tensor.shape or not math.prod(tensor.shape) or not steps:
            continue
        with_gradient, width = _rows_with_gradient(evidence.script, index), tensor.size // tensor.shape[0]
        always, never = (np.repeat(rows, width) for rows in (with_gradient.all(axis=0), ~with_gradient.any(axis=0)))
        rests = never & (second.traces[index].theta == second.traces[index].before[0]).all(axis=0)
        compared += int(always.sum() + rests.sum()) * steps
        outputs = list(_outputs(first.traces[index], second.traces[index], steps))
        differs = {name: ~((one == two) | (np.isnan(one) & np.isnan(two))) for name, one, two in outputs}
        # An element counts as diverged where it was equal before the step: the radii are those of a single step.
        equal_before = np.ones_like(differs[THETA])
        equal_before[1:] = ~np.logical_or.reduce(list(differs.values()))[:-1]
        for name, one, two in outputs:
            for target, where in ((diverged, always & equal_before), (changed_at_rest, rests & (name == THETA))):
                for row, column in np.argwhere(differs[name] & where).tolist():
                    values, position = (float(one[row, column]), float(two[row, column])), (index, row + 1, column)
                    target.append(divergence(name, *position, *values, DENSE_RUN, Counterpart(*position)))
    breaches = [*beyond_rounding(evidence, diverged), *changed_at_rest]
    return CheckOutcome(compared, tuple({breach.output: breach for breach in reversed(breaches)}.values()))


def _outputs(one: Trace, two: Trace, steps: int) -> Iterator[tuple[str, Array, Array]]:
    """Yield parameters, and each state of their shape that both runs show, after every step."""
    yield THETA, one.theta[:steps], two.theta[:steps]
    after = slice(1, steps + 1)
    for name in one.states.keys() & two.states.keys():
        left, right = one.states[name][after], two.states[name][after]
        both = one.present[name][after] & two.present[name][after]
        if left.shape == right.shape == one.theta[:steps].shape and both.all():
            yield name, left, right


SPARSE_GRADIENT = Law(
    code="SC238",
    title="a sparse gradient has the effect of the dense one",
    sentence="A sparse gradient is rejected, or rows that have one in every step are updated as by the dense gradient, "
    "within rounding, however many entries it has for a row; and a row that never has one does not change, provided "
    "that a gradient of zeros does not change it either.",
    source="torch.sparse: an uncoalesced tensor means the sum of its entries; torch.nn.Embedding(sparse=True)",
    since="0.2",
    applies=steps_on_gradients,
    check=_check_sparse,
    condition=STEPS_ON_GRADIENTS,
    unit="reals",
    mathematics="""\
A sparse tensor is a dense one whose zeros are left out. An optimizer may skip rows without a gradient, as SparseAdam
does; it then departs from the rule on rows that have a gradient in some steps and none in others. These are not
compared.""",
    remedy="""\
Coalesce the gradient before its entries are squared or written by index: several entries of one row add up. Raise
before anything is changed if the class does not support sparse gradients.""",
    example="""\
class SgdWritesRows(torch.optim.Optimizer):
    ...
    rows, values = p.grad._indices()[0], p.grad._values()
    p[rows] -= lr * values                               # of two entries of one row only the last counts""",
    scripts=_scripts,
    reference=plain_invocation("sparse"),
)
