"""Constructors of torch that check their arguments, and accept values for which their rule is undefined."""

from __future__ import annotations

from stepcheck.known_issues.avoid_trigger import with_averaged_squares, with_nonnegative_lambd
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

ONE = Literal((1.0,))

RMSPROP_UNCHECKED_ALPHA = KnownIssue(
    name="rmsprop-unchecked-alpha",
    explanation=(
        "RMSprop rejects a negative alpha but accepts one above 1, where Adadelta and Adam reject theirs. Each "
        "square then enters the average with the weight 1 - alpha < 0, so the average is negative: every parameter "
        "with a gradient becomes nan in the first step."
    ),
    link="",
    torch=("2.13", ""),
    targets=("torch.optim.RMSprop",),
    modes=("single",),
    code="SC216",
    outputs=("taken",),
    witness=Script(
        (Tensor((1,), "float32", ONE),),
        (Group((0,), {"lr": 1.0, "beta2": 2.0, "eps": 1.0, "momentum": 0.5, "weight_decay": 0.0}),),
        (Step((ONE,)),),
    ),
    avoid_trigger=with_averaged_squares,
)
ASGD_UNCHECKED_LAMBD = KnownIssue(
    name="asgd-unchecked-lambd",
    explanation=(
        "ASGD checks only lr and weight_decay, and accepts a negative lambd. Its rate is lr/(1 + lambd*lr*t)**alpha: "
        "where that sum is 0 the step raises ZeroDivisionError after it has updated the parameters, and where it is "
        "negative the rate is complex and its imaginary part is dropped."
    ),
    link="",
    torch=("2.13", "2.15"),
    targets=("torch.optim.ASGD",),
    modes=("single",),
    code="SC216",
    outputs=("taken",),
    witness=Script(
        (Tensor((1,), "float32", ONE),),
        (Group((0,), {"lr": 2.0, "lambd": -1.0, "alpha": 0.5, "t0": 0.0, "weight_decay": 0.0}),),
        (Step((ONE,)),),
    ),
    avoid_trigger=with_nonnegative_lambd,
)
