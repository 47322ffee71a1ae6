"""A compiled step of Adam leaves a 0-d float64 parameter on the CPU where it was."""

from __future__ import annotations

from stepcheck.detours import without_zero_dimensions
from stepcheck.expected_broken import Finding
from stepcheck_reference.script import Group, Literal, Script, Step, Tensor

COMPILED_ZERO_DIMENSIONS = Finding(
    name="compiled-0d-float64",
    explanation=(
        "A step of Adam compiled by torch.compile writes nothing into 0-d float64 tensors on the CPU: the parameter "
        "and its state stay as they were, while the step counter counts. The same tensor with shape (1,) is updated, "
        "and so are a 0-d one in float32, and SGD's."
    ),
    link="",
    torch=("2.13", ""),
    targets=("torch.optim.Adam", "torch.optim.AdamW"),
    modes=("compiled",),
    dtypes=("float64",),
    devices=("cpu",),
    code="SC101",
    outputs=("theta",),
    witness=Script(
        (Tensor((), "float64", Literal((0.0,))),),
        (Group((0,), {"lr": 0.5, "beta1": 0.5, "beta2": 0.5, "eps": 1.0}),),
        (Step((Literal((1.0,)),)),),
    ),
    detour=without_zero_dimensions,
)
