"""With a step size of 0 the capturable form of Adam divides 0 by 0 where the second moment is 0."""

from __future__ import annotations

from stepcheck.known_issues.avoid_trigger import without_zero_rate
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

ZERO_RATE = KnownIssue(
    name="zero-rate-nan",
    explanation=(
        "In capturable, differentiable and compiled mode the step size is folded into the denominator, "
        "sqrt(v)/(sqrt(1 - beta2**t)*-step_size) + eps/-step_size. At lr=0, as in a warm-up that starts from 0, an "
        "element whose gradients were all 0 computes 0/0: the parameter becomes nan. The rule leaves it unchanged, "
        "and so do single, foreach and fused mode."
    ),
    link="",
    torch=("2.3", ""),
    targets=("torch.optim.Adam", "torch.optim.AdamW"),
    modes=("differentiable", "capturable", "compiled"),
    code="SC101",
    outputs=("theta",),
    witness=Script(
        (Tensor((), "float32", Literal((1.0,))),),
        (Group((0,), {"lr": 0.0, "beta1": 0.5, "beta2": 0.5, "eps": 1.0, "weight_decay": 0.0}),),
        (Step((Literal((0.0,)),)),),
    ),
    avoid_trigger=without_zero_rate,
)
