"""Adagrad with sparse gradients of complex parameters."""

from __future__ import annotations

from stepcheck.known_issues.avoid_trigger import without_sparse_gradients
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

SPARSE_ADAGRAD_COMPLEX = KnownIssue(
    name="sparse-adagrad-complex",
    explanation=(
        "Adagrad treats a complex parameter as a pair of reals, except for sparse gradients: these are squared as "
        "complex numbers, so that a gradient of 1 + 1j adds 2j to the sum, and the step is divided by a complex "
        "root."
    ),
    link="",
    torch=("2.13", ""),
    targets=("torch.optim.Adagrad",),
    modes=("single", "foreach", "differentiable"),
    dtypes=("complex64", "complex128"),
    code="SC238",
    outputs=("h", "theta"),
    witness=Script(
        (Tensor((1,), "complex64", Literal((0.0, 0.0))),),
        (Group((0,), {"lr": 1.0, "eps": 1.0}),),
        (Step((Literal((1.0, 1.0)),)),),
        invocation=("sparse",),
    ),
    avoid_trigger=without_sparse_gradients,
)
