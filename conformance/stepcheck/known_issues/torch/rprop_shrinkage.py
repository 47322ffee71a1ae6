"""Rprop never moves where the tensor's dtype rounds eta_minus to 1."""

from __future__ import annotations

from stepcheck.known_issues.avoid_trigger import with_nonunit_shrinkage
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

RPROP_SHRINKAGE = KnownIssue(
    name="rprop-eta-minus-one",
    explanation=(
        "Rprop writes its factors into a tensor of the parameter's dtype and then treats every element that equals "
        "eta_minus as one whose gradient has changed sign. Where the dtype rounds eta_minus to 1 (from 0.999 on in "
        "bfloat16), that is every element whose gradient or last gradient was 0, at the first step all of them: their "
        "gradient is dropped, so the next step finds 0 again, and no parameter ever moves."
    ),
    link="",
    torch=("2.3", ""),
    targets=("torch.optim.Rprop",),
    dtypes=("bfloat16", "float16", "float32", "complex64"),
    code="SC101",
    outputs=("theta",),
    witness=Script(
        (Tensor((), "float32", Literal((0.0,))),),
        (Group((0,), {"lr": 0.5, "eta_minus": 1.0 - 2.0**-40, "eta_plus": 2.0, "step_max": 1.0}),),
        (Step((Literal((1.0,)),)),),
    ),
    avoid_trigger=with_nonunit_shrinkage,
)
