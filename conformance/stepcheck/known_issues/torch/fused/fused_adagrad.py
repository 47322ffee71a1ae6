"""Fused Adagrad on CPU rounds its scalars to the tensor's dtype, in whole vector blocks only."""

from __future__ import annotations

from stepcheck.known_issues.allowances import rounded_scalars
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

FUSED_ADAGRAD_NARROW = KnownIssue(
    name="fused-adagrad-narrow-scalars",
    explanation=(
        "The fused CPU kernel of Adagrad computes bfloat16 and float16 tensors in float32, but in whole vector blocks "
        "it first rounds lr, eps and weight_decay to the tensor's dtype (FusedAdagradKernel.cpp, fVec(scalar_t(clr))); "
        "the elements after the last block use them in float32. Two elements with the same history therefore diverge, "
        "and in float16 the default eps of 1e-10 becomes 0: an element whose gradients were all 0 becomes 0/0."
    ),
    link="",
    torch=("2.5", "2.14"),
    targets=("torch.optim.Adagrad",),
    modes=("fused",),
    dtypes=("bfloat16", "float16"),
    devices=("cpu",),
    code="SC101",
    outputs=("theta",),
    witness=Script(
        (Tensor((64,), "bfloat16", Literal((0.0,))),),
        (Group((0,), {"lr": 0.5026, "initial_accumulator": 1.0, "eps": 1.0}),),
        (Step((Literal((0.53125,)),)),),
    ),
    allow=rounded_scalars,
)
