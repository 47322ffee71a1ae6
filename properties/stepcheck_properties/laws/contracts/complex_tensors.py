"""Complex pairs: a complex tensor is treated as its real and imaginary parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stepcheck_properties.compare.equivalence import all_of, equivalence
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_reference.scripts.script import Script

PARTS = {"complex64": "float32", "complex128": "float64"}
"""The dtype of a complex number's parts."""


def _has_parts(facts: Facts) -> bool:
    return facts.rule.kind == "elementwise" and PARTS.get(facts.dtype) in facts.companions


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield ordinary(facts, seed)


def _in_parts(script: Script, facts: Facts) -> ReferenceRun | None:
    if any(tensor.dtype != facts.dtype for tensor in script.tensors):
        return None
    part = PARTS[facts.dtype]
    tensors = tuple(replace(tensor, shape=(*tensor.shape, 2), dtype=part) for tensor in script.tensors)
    return ReferenceRun(replace(script, tensors=tensors), dtype=part)


def _as_in_parts(evidence: Evidence) -> CheckOutcome:
    return equivalence(evidence, all_of(evidence), "the real tensor of its parts", exact=False)


COMPLEX_AS_REAL = Law(
    code="SC209",
    title="a complex number is a pair of reals",
    sentence="A complex tensor goes where the real tensor of its real and imaginary parts goes, to within rounding.",
    source="torch.view_as_real in torch/optim: complex parameters are optimized as two real ones",
    since="0.2",
    applies=_has_parts,
    check=_as_in_parts,
    condition="the dtype is complex, the rule is elementwise, and the subject takes the dtype of the parts too",
    unit="reals",
    mathematics="""\
torch's gradient of a real loss L at z = x + iy is dL/dx + i dL/dy (the conjugate Wirtinger derivative, times 2), so
that the gradient's parts are the gradients of the parts, and a rule that is stated for reals applies to each. It then
knows nothing of |z|: a second moment is x-wise and y-wise, and not |g|**2.""",
    remedy="""\
Step on torch.view_as_real of parameter, gradient and states. What is computed in complex numbers instead multiplies
them as such: g * g is no square of the parts, and a root or a maximum is another, or is not defined.""",
    example="""\
class SquaresComplexGradients(torch.optim.Optimizer):
    ...
    v.mul_(beta2).addcmul_(g, g, value=1 - beta2)        # (x + iy)**2 has the parts x*x - y*y and 2xy""",
    scripts=_scripts,
    reference=_in_parts,
)
