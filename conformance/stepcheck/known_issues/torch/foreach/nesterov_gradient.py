"""Foreach SGD with Nesterov momentum adds the momentum to the user's gradients.

There is no detour: it would be some weight decay in every script, and what people use most would stay unexamined.
"""

from __future__ import annotations

from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

WRITTEN_GRADIENT = KnownIssue(
    name="foreach-nesterov-gradient",
    explanation=(
        "SGD(nesterov=True, foreach=True) adds momentum times the buffer to its list of gradients in place. "
        "Without weight decay and maximize that list holds the parameters' own: after the step p.grad is the "
        "direction that was taken, and a gradient that is accumulated into or logged is wrong. Single and fused "
        "mode leave it alone."
    ),
    link="",
    torch=("2.13", ""),
    targets=("torch.optim.SGD",),
    configurations=("nesterov",),
    modes=("foreach",),
    code="SC203",
    outputs=("gradient",),
    witness=Script(
        (Tensor((1,), "float32", Literal((1.0,))),),
        (Group((0,), {"lr": 0.5, "momentum": 0.5, "weight_decay": 0.0}),),
        (Step((Literal((1.0,)),)),),
    ),
)
