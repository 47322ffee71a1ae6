"""Layouts: shape and strides of a tensor do not matter to an elementwise rule."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from stepcheck_properties.compare.equivalence import all_of, equivalence
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_reference.scripts.script import Script

SHAPES = ((3, 4), (5,), (2, 3, 2, 2), (), (0,), (2, 0, 3))
LAID = {0: "transposed", 1: "sliced", 2: "channels_last", 3: "sliced"}


def _is_elementwise(facts: Facts) -> bool:
    return facts.rule.kind == "elementwise"


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield ordinary(facts, seed, shapes=SHAPES, layouts=LAID, steps=2)
    if profile.name != "quick":
        shapes = ((33, 17), (65,), (2, 5, 3, 3), (2, 3, 4))
        yield ordinary(facts, seed, shapes=shapes, layouts={**LAID, 3: "transposed"}, steps=3, turn=2)


def _in_rows(script: Script, facts: Facts) -> ReferenceRun | None:
    rows = tuple(replace(tensor, shape=(math.prod(tensor.shape),), layout="contiguous") for tensor in script.tensors)
    return None if rows == script.tensors else ReferenceRun(replace(script, tensors=rows))


def _as_in_rows(evidence: Evidence) -> CheckOutcome:
    return equivalence(evidence, all_of(evidence), "a contiguous row of the same elements", exact=False)


MEMORY_LAYOUT = Law(
    code="SC208",
    title="shape and layout do not matter",
    sentence="A tensor of any shape and strides, empty, 0-d, transposed, sliced or channels-last, goes where a "
    "contiguous "
    "row of its elements goes, to within rounding.",
    source="torch.Tensor: views share memory under other strides; an elementwise rule knows no place of an element",
    since="0.2",
    applies=_is_elementwise,
    check=_as_in_rows,
    condition="the rule is elementwise",
    unit="reals",
    mathematics="""\
Both runs start from the same elements in the same logical order and are given the same gradients. Where they differ
in a bit, both have to keep to their envelopes: kernels round the elements of a vector block and those of its
remainder otherwise.""",
    remedy="""\
A step that is lost went into a copy: reshape and contiguous copy a strided tensor, view and in-place operations do
not. A kernel that reads memory in its own order has to be given strides, or refuse what is not contiguous. A 0-d
tensor is no Python number, and an empty one has no maximum.""",
    example="""\
class FlattensItsParameters(torch.optim.Optimizer):
    ...
    flat = p.reshape(-1)                                 # a copy, where p is transposed
    flat.sub_(lr * p.grad.reshape(-1))""",
    scripts=_scripts,
    reference=_in_rows,
)
