"""Fused SGD on CPU: blocks of narrow tensors left as they were, and gradients that come late."""

from __future__ import annotations

from stepcheck.known_issues.allowances import in_own_format
from stepcheck.known_issues.avoid_trigger import without_late_gradients, without_long_tensors, without_skipped_start
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

FUSED_SGD_NARROW = KnownIssue(
    name="fused-sgd-narrow",
    explanation=(
        "Fused SGD on CPU does not update whole vector blocks of a bfloat16 or float16 parameter, only the "
        "remainder: of 64 elements none moves, and the momentum buffer of such blocks holds garbage. The remainder "
        "is computed in the tensor's own format instead of float32."
    ),
    link="https://github.com/pytorch/pytorch/issues/191763",
    torch=("2.4", "2.14"),
    targets=("torch.optim.SGD",),
    modes=("fused",),
    dtypes=("bfloat16", "float16"),
    devices=("cpu",),
    code="SC101",
    outputs=("theta",),
    witness=Script(
        (Tensor((64,), "bfloat16", Literal((1.0,))),),
        (Group((0,), {"lr": 0.5, "momentum": 0.5, "dampening": 0.5}),),
        (Step((Literal((1.0,)),)),),
    ),
    avoid_trigger=without_long_tensors,
    allow=in_own_format,
    uninitialized=("b",),
)
FUSED_SGD_LATE_GRADIENT = KnownIssue(
    name="fused-sgd-late-gradient",
    explanation=(
        "Fused SGD with momentum raises a TypeError when one tensor of a group gets its first gradient after "
        "another: the list of momentum buffers then holds a None, which the kernel does not accept. Single and "
        "foreach mode create the buffer at that point."
    ),
    link="",
    torch=("2.4", ""),
    targets=("torch.optim.SGD",),
    configurations=("momentum*", "dampening*", "nesterov*"),
    modes=("fused",),
    code="SC201",
    outputs=("raised",),
    witness=Script(
        (Tensor((1,), "float32", Literal((1.0,))), Tensor((1,), "float32", Literal((1.0,)))),
        (Group((0, 1), {"lr": 0.5, "momentum": 0.5, "dampening": 0.5}),),
        (Step((Literal((1.0,)), None)), Step((Literal((1.0,)), Literal((1.0,))))),
    ),
    avoid_trigger=without_late_gradients,
)
FUSED_SGD_SKIPPED_START = KnownIssue(
    name="fused-sgd-skipped-start",
    explanation=(
        "Fused SGD allocates the momentum buffers of its first step uninitialized. Where that step is skipped, "
        "because GradScaler has found inf in the gradients, as it mostly does at first, the kernel does not write "
        "them either, and the next step uses whatever the memory holds as momentum."
    ),
    link="",
    torch=("2.13", ""),
    targets=("torch.optim.SGD",),
    configurations=("momentum*", "dampening*", "nesterov*"),
    modes=("fused",),
    code="SC239",
    outputs=("b", "theta"),
    witness=Script(
        (Tensor((1,), "float32", Literal((0.0,))),),
        (Group((0,), {"lr": 0.5, "momentum": 0.5, "dampening": 0.5}),),
        (Step((Literal((1.0,)),), skip=True), Step((Literal((1.0,)),))),
    ),
    avoid_trigger=without_skipped_start,
)
