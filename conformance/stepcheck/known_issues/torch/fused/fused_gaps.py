"""The fused CPU kernels walk a parameter's memory as if it had no gaps."""

from __future__ import annotations

from stepcheck.known_issues.avoid_trigger import without_gaps
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

FUSED_GAPS = KnownIssue(
    name="fused-gaps",
    explanation=(
        "The fused CPU kernels walk the memory of a parameter that is a strided slice of a larger buffer as if it were "
        "contiguous: they leave elements of the parameter unchanged and write into the memory between them, which "
        "belongs to other tensors. No error is raised."
    ),
    link="",
    torch=("2.4", ""),
    targets=("torch.optim.SGD", "torch.optim.Adam", "torch.optim.AdamW", "torch.optim.Adagrad"),
    modes=("fused",),
    devices=("cpu",),
    code="SC201",
    outputs=("malformed",),
    witness=Script(
        (Tensor((3,), "float32", Literal((1.0,)), "sliced"),),
        (Group((0,), {"lr": 0.5, "momentum": 0.5, "dampening": 0.5, "beta1": 0.5, "beta2": 0.5, "eps": 1.0}),),
        (Step((Literal((1.0,)),)),),
    ),
    avoid_trigger=without_gaps,
)
