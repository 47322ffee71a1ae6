"""pytorch_optimizer counts steps by the parameter group, also for parameters without a gradient."""

from __future__ import annotations

from stepcheck.known_issues.avoid_trigger import without_missing_gradients
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

GROUP_STEP_COUNTER = KnownIssue(
    name="pytorch-optimizer-group-step",
    explanation=(
        "pytorch_optimizer has one step counter for each parameter group and counts every call of step(). A parameter "
        "whose first gradient comes late, or whose gradient is missing at times, gets the bias correction of a group "
        "that is older than its moments: its first step is too short. In AdaMax with betas of 0.9 and 0.999 it is 1/10 "
        "of the correct one after 1000 steps."
    ),
    link="https://github.com/kozistr/pytorch_optimizer/pull/95",
    torch=("", ""),
    targets=("pytorch_optimizer.AdaMax", "pytorch_optimizer.PAdam", "pytorch_optimizer.RAdam"),
    code="SC103",
    outputs=("count",),
    witness=Script(
        (Tensor((1,), "float32", Literal((1.0,))), Tensor((1,), "float32", Literal((1.0,)))),
        (Group((0, 1), {"lr": 0.5, "beta1": 0.5, "beta2": 0.5, "eps": 1.0}),),
        (Step((Literal((1.0,)), None)), Step((Literal((1.0,)), Literal((1.0,))))),
    ),
    avoid_trigger=without_missing_gradients,
    library="pytorch-optimizer",
    releases=("2.7", ""),
)
