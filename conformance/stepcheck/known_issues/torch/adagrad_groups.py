"""Adagrad starts every group's sum of squares from the constructor's initial_accumulator_value."""

from __future__ import annotations

from stepcheck.known_issues.avoid_trigger import with_one_accumulator
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

ADAGRAD_GROUPS = KnownIssue(
    name="adagrad-group-accumulator",
    explanation=(
        "Adagrad accepts initial_accumulator_value as an option of a parameter group and stores it there, but starts "
        "the sum of squares of every group from the constructor's own argument. The group's value is ignored, and no "
        "error is raised."
    ),
    link="",
    torch=("2.3", ""),
    targets=("torch.optim.Adagrad",),
    code="SC104",
    outputs=("h",),
    witness=Script(
        (Tensor((1,), "float32", Literal((1.0,))), Tensor((1,), "float32", Literal((1.0,)))),
        (
            Group((0,), {"lr": 0.5, "initial_accumulator": 1.0, "eps": 1.0}),
            Group((1,), {"lr": 0.5, "initial_accumulator": 4.0, "eps": 1.0}),
        ),
        (Step((Literal((1.0,)), Literal((1.0,)))),),
    ),
    avoid_trigger=with_one_accumulator,
)
