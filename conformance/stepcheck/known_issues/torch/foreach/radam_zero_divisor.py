"""RAdam's foreach path divides by sqrt(v) + eps also in the steps that the rule leaves unrectified."""

from __future__ import annotations

from stepcheck.known_issues.avoid_trigger import with_nonzero_eps
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

RADAM_ZERO_DIVISOR = KnownIssue(
    name="radam-zero-divisor-nan",
    explanation=(
        "RAdam's first steps have no divisor: until rho passes 5 they are lr times the average gradient. The foreach "
        "path computes 1/((sqrt(v) + eps)/-0) there too, which is nan where sqrt(v) + eps is 0. In float16 the default "
        "eps of 1e-8 is 0, and so is the second moment of a gradient below 0.005: such parameters are nan after one "
        "step. Single mode computes the step correctly."
    ),
    link="",
    torch=("2.3", ""),
    targets=("torch.optim.RAdam",),
    modes=("foreach",),
    code="SC101",
    outputs=("theta",),
    witness=Script(
        (Tensor((), "float32", Literal((1.0,))),),
        (Group((0,), {"lr": 0.5, "beta1": 0.5, "beta2": 0.5, "eps": 0.0}),),
        (Step((Literal((0.0,)),)),),
    ),
    avoid_trigger=with_nonzero_eps,
)
