"""Constructors of torch that check their arguments, and take values for which their rule comes to nothing."""

from __future__ import annotations

from stepcheck.known_issues.avoid_trigger import with_fading_squares, with_falling_rate
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

ONE = Literal((1.0,))

RMSPROP_UNCHECKED_ALPHA = KnownIssue(
    name="rmsprop-unchecked-alpha",
    explanation=(
        "RMSprop refuses a negative alpha and takes one beyond 1, where Adadelta and Adam refuse theirs. The "
        "average of squares then takes 1 - alpha < 0 of each square, and is negative: every parameter with a "
        "gradient becomes nan in the first step."
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
    avoid_trigger=with_fading_squares,
)
ASGD_UNCHECKED_LAMBD = KnownIssue(
    name="asgd-unchecked-lambd",
    explanation=(
        "ASGD checks lr and weight_decay alone, and takes a negative lambd. Its rate is lr/(1 + "
        "lambd*lr*t)**alpha: where that sum is 0 the step raises ZeroDivisionError after it has moved the "
        "parameters, and where it is negative the rate is complex and its imaginary part is dropped."
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
    avoid_trigger=with_falling_rate,
)
