"""The fused CPU kernels walk the memory of parameters and gradients as if it were contiguous."""

from __future__ import annotations

from stepcheck.known_issues.avoid_trigger import without_expanded_gradients, without_gaps, without_gradient_strides
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

_TARGETS = ("torch.optim.SGD", "torch.optim.Adam", "torch.optim.AdamW", "torch.optim.Adagrad")
_HYPER = {"lr": 0.5, "momentum": 0.5, "dampening": 0.5, "beta1": 0.5, "beta2": 0.5, "eps": 1.0}

FUSED_GAPS = KnownIssue(
    name="fused-gaps",
    explanation=(
        "The fused CPU kernels walk the memory of a parameter that is a strided slice of a larger buffer as if it were "
        "contiguous: they leave elements of the parameter unchanged and write into the memory between them, which "
        "belongs to other tensors. No error is raised."
    ),
    link="",
    torch=("2.4", ""),
    targets=_TARGETS,
    modes=("fused",),
    devices=("cpu",),
    code="SC201",
    outputs=("malformed",),
    witness=Script(
        (Tensor((3,), "float32", Literal((1.0,)), "sliced"),),
        (Group((0,), _HYPER),),
        (Step((Literal((1.0,)),)),),
    ),
    avoid_trigger=without_gaps,
)
FUSED_GRADIENT_STRIDES = KnownIssue(
    name="fused-gradient-strides",
    explanation=(
        "The fused CPU kernels walk the memory of a gradient in the order of its storage, whatever its strides: where "
        "these differ from the parameter's, elements are updated by gradients of other elements, and a gradient of "
        "stride 0 is read beyond its end. No error is raised."
    ),
    link="",
    torch=("2.4", ""),
    targets=_TARGETS,
    modes=("fused",),
    devices=("cpu",),
    code="SC101",
    outputs=("theta",),
    witness=Script(
        (Tensor((2, 2), "float32", Literal((1.0,)), gradient_layout="transposed"),),
        (Group((0,), _HYPER),),
        (Step((Literal((1.0, 2.0, 4.0, 8.0)),)),),
    ),
    avoid_trigger=without_gradient_strides,
    avoid_chance=without_expanded_gradients,
)
