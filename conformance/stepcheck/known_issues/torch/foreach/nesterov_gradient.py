"""Foreach SGD with Nesterov momentum adds the momentum to the user's gradients.

It has no ``avoid_trigger``: that would be weight decay in every script, and the most common use would not be examined.
"""

from __future__ import annotations

from stepcheck.known_issues.avoid_trigger import without_expanded_gradients
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

WRITTEN_GRADIENT = KnownIssue(
    name="foreach-nesterov-gradient",
    explanation=(
        "SGD(nesterov=True, foreach=True) adds momentum times the buffer to its list of gradients in place. "
        "Without weight decay and maximize that list holds the parameters' own: after the step p.grad is the "
        "direction of the update, and a gradient that is accumulated into or logged is wrong; a gradient of stride 0, "
        "which cannot be written to, raises an error. Single and fused mode do not modify it."
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
    avoid_consequence=without_expanded_gradients,
)
