"""Representation: shape, strides and complex parts of a tensor do not matter to an elementwise rule."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from stepcheck_properties.compare.equivalence import equivalence
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.laws.conditions import is_elementwise
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary, ordinary_script
from stepcheck_reference.scripts.script import Script

SHAPES = ((3, 4), (5,), (2, 3, 2, 2), (), (0,), (2, 0, 3))
LAYOUTS = {0: "transposed", 1: "sliced", 2: "channels_last", 3: "sliced"}
PART_DTYPES = {"complex64": "float32", "complex128": "float64"}
"""The dtype of a complex number's parts."""


def _layout_scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield ordinary(facts, seed, shapes=SHAPES, layouts=LAYOUTS, steps=2)
    if profile.name != "quick":
        shapes = ((33, 17), (65,), (2, 5, 3, 3), (2, 3, 4))
        yield ordinary(facts, seed, shapes=shapes, layouts={**LAYOUTS, 3: "transposed"}, steps=3, turn=2)


def _flattened(script: Script, facts: Facts) -> ReferenceRun | None:
    flat = tuple(replace(tensor, shape=(math.prod(tensor.shape),), layout="contiguous") for tensor in script.tensors)
    return None if flat == script.tensors else ReferenceRun(replace(script, tensors=flat))


def _check_layouts(evidence: Evidence) -> CheckOutcome:
    return equivalence(evidence, "a contiguous 1-d tensor of the same elements", exact=False)


MEMORY_LAYOUT = Law(
    code="SC208",
    title="an update does not depend on shape and memory layout",
    sentence="A tensor of any shape and strides (empty, 0-d, transposed, sliced or channels-last) is updated like the "
    "contiguous 1-d tensor of its elements, within rounding.",
    source="torch.Tensor: views share memory under other strides; an elementwise rule does not depend on an element's "
    "position",
    since="0.2",
    applies=is_elementwise,
    check=_check_layouts,
    condition="the rule is elementwise",
    unit="reals",
    mathematics="""\
Both runs start from the same elements in the same logical order and get the same gradients. If they differ in a bit,
both have to stay inside their envelopes: kernels may round the elements of a full vector and those of the remainder
differently.""",
    remedy="""\
An update that is lost was written to a copy: reshape and contiguous copy a strided tensor, view and in-place operations
do not. A kernel that reads memory in storage order has to be given the strides, or reject tensors that are not
contiguous. A 0-d tensor is not a Python number, and an empty tensor has no maximum.""",
    example="""\
class FlattensItsParameters(torch.optim.Optimizer):
    ...
    flat = p.reshape(-1)                                 # a copy if p is transposed
    flat.sub_(lr * p.grad.reshape(-1))""",
    scripts=_layout_scripts,
    reference=_flattened,
)


def _has_part_dtype(facts: Facts) -> bool:
    return is_elementwise(facts) and PART_DTYPES.get(facts.dtype) in facts.companions


def _as_real_parts(script: Script, facts: Facts) -> ReferenceRun | None:
    if any(tensor.dtype != facts.dtype for tensor in script.tensors):
        return None
    dtype = PART_DTYPES[facts.dtype]
    tensors = tuple(replace(tensor, shape=(*tensor.shape, 2), dtype=dtype) for tensor in script.tensors)
    return ReferenceRun(replace(script, tensors=tensors), dtype=dtype)


def _check_parts(evidence: Evidence) -> CheckOutcome:
    return equivalence(evidence, "the real tensor of real and imaginary parts", exact=False)


COMPLEX_AS_REAL = Law(
    code="SC209",
    title="a complex tensor is updated as its real and imaginary parts",
    sentence="A complex tensor is updated like the real tensor of its real and imaginary parts, within rounding.",
    source="torch.view_as_real in torch/optim: complex parameters are optimized as two real ones",
    since="0.2",
    applies=_has_part_dtype,
    check=_check_parts,
    condition="the dtype is complex, the rule is elementwise, and the subject accepts the dtype of the parts too",
    unit="reals",
    mathematics="""\
torch's gradient of a real loss L at z = x + iy is dL/dx + i dL/dy (twice the conjugate Wirtinger derivative). So the
parts of the gradient are the gradients of the parts, and a rule that is stated for reals applies to each. The modulus
|z| plays no role: a second moment has a part for x and one for y, and is not |g|**2.""",
    remedy="""\
Update torch.view_as_real of parameter, gradient and states. Complex arithmetic computes something else: g * g is not
the square of the parts, and a root or a maximum is different or not defined.""",
    example="""\
class SquaresComplexGradients(torch.optim.Optimizer):
    ...
    v.mul_(beta2).addcmul_(g, g, value=1 - beta2)        # (x + iy)**2 has the parts x*x - y*y and 2xy""",
    scripts=ordinary_script,
    reference=_as_real_parts,
)
