"""The classes of pytorch_optimizer lose attributes of their own in a deep copy and in a pickle."""

from __future__ import annotations

from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

LOST_ATTRIBUTE = KnownIssue(
    name="pytorch-optimizer-lost-attribute",
    explanation=(
        "pytorch_optimizer's classes store maximize, foreach and others as attributes of the optimizer. "
        "torch.optim.Optimizer copies and pickles only defaults, state and param_groups, so a copy lacks them, and its "
        "first step raises an AttributeError."
    ),
    link="",
    torch=("", ""),
    targets=("pytorch_optimizer.*",),
    code="SC231",
    outputs=("raised",),
    witness=Script(
        (Tensor((1,), "float32", Literal((1.0,))),),
        (Group((0,), dict.fromkeys(("lr", "beta1", "beta2", "momentum", "nu", "rho", "eps", "partial"), 0.5)),),
        (Step((Literal((1.0,)),), reload="copied"),),
    ),
    library="pytorch-optimizer",
    releases=("4.1", ""),
)
