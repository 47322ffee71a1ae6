"""The fused CUDA kernels: betas rounded to float32 before their complements, and strided parameters refused."""

from __future__ import annotations

from stepcheck.known_issues.allowances import float32_scalars
from stepcheck.known_issues.avoid_trigger import without_strides
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

EXPLANATION = (
    "The fused CUDA kernels of Adam and AdamW round beta1 and beta2 to float32 before they compute 1 - beta and 1 - "
    "beta**t; until torch 2.10 they did so in double precision. 1 - 0.999 becomes 0.00099998713, and second moments "
    "differ from those of every other path by 1 part in 78 000."
)
LINK = "https://github.com/pytorch/pytorch/pull/173224"


def _betas_issue(name: str, dtypes: tuple[str, ...], code: str, output: str, witness: Script) -> KnownIssue:
    return KnownIssue(
        name=name,
        explanation=EXPLANATION,
        link=LINK,
        torch=("2.11", ""),
        targets=("torch.optim.Adam", "torch.optim.AdamW"),
        modes=("fused",),
        dtypes=dtypes,
        devices=("cuda:*",),
        code=code,
        outputs=(output,),
        witness=witness,
        allow=float32_scalars,
    )


_HYPER = {"lr": 1.0, "beta1": 0.9, "beta2": 0.999, "eps": 0.0}

FUSED_CUDA_BETAS = _betas_issue(
    "fused-cuda-betas",
    ("float32",),
    "SC102",
    "v",
    Script((Tensor((1,), "float32", Literal((0.0,))),), (Group((0,), _HYPER),), (Step((Literal((1.0,)),)),)),
)
# What is left of a parameter that the second step nearly cancels: the first two elements show it in bfloat16, the last
# two in float16, one of each pair where the gradient is negated.
FUSED_CUDA_BETAS_NARROW = _betas_issue(
    "fused-cuda-betas-narrow",
    ("bfloat16", "float16"),
    "SC101",
    "theta",
    Script(
        (Tensor((4,), "bfloat16", Literal((0.0,))),),
        (Group((0,), _HYPER),),
        (
            Step((Literal((1.0,)),)),
            Step((Literal((0.5,)),), overwrite=((0, Literal((0.93359375, -0.93359375, 0.931640625, -0.931640625))),)),
        ),
    ),
)
FUSED_CUDA_GAPS = KnownIssue(
    name="fused-cuda-gaps",
    explanation=(
        "The fused CUDA kernels reject a parameter that is a strided slice of a larger buffer, or whose gradient has "
        "other strides, at its first step and with an error about their own fast path. Single and foreach mode on CUDA "
        "accept it; the fused CPU kernels write into the memory between its elements."
    ),
    link="",
    torch=("2.11", ""),
    targets=("torch.optim.SGD", "torch.optim.Adam", "torch.optim.AdamW", "torch.optim.Adagrad"),
    modes=("fused",),
    devices=("cuda:*",),
    code="SC201",
    outputs=("raised",),
    witness=Script(
        (Tensor((3,), "float32", Literal((1.0,)), "sliced"),),
        (Group((0,), {"lr": 0.5, "momentum": 0.5, "dampening": 0.5, "beta1": 0.5, "beta2": 0.5, "eps": 1.0}),),
        (Step((Literal((1.0,)),)),),
    ),
    avoid_trigger=without_strides,
)
