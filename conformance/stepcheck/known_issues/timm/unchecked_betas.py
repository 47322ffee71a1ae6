"""Constructors of timm that check their arguments, and take values for which their rule comes to nothing."""

from __future__ import annotations

from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

ONE = Literal((1.0,))


def _finding(name: str, explanation: str, target: str, configuration: str, hyper: dict[str, float]) -> KnownIssue:
    return KnownIssue(
        name=name,
        explanation=explanation,
        link="",
        torch=("", ""),
        targets=(target,),
        configurations=(configuration,),
        modes=("single",),
        code="SC216",
        outputs=("taken",),
        witness=Script(
            (Tensor((1,), "float32", ONE),), (Group((0,), {"lr": 1.0, "eps": 1.0, **hyper}),), (Step((ONE,)),)
        ),
        library="timm",
    )


TIMM_UNCHECKED_ALPHA = _finding(
    "timm-rmsprop-unchecked-alpha",
    "timm's RMSpropTF refuses a negative alpha and takes one beyond 1. The averages then take 1 - alpha < 0 of what is "
    "new, and a centered one takes the root of a negative number: parameters become nan.",
    "timm.optim.RMSpropTF",
    "centered*",
    {"beta2": 2.0, "momentum": 0.5},
)
TIMM_UNCHECKED_BETAS = _finding(
    "timm-nadam-unchecked-betas",
    "timm's NAdamLegacy checks its learning rate alone, and takes betas of 1 and beyond. Bias correction divides by "
    "1 - beta2**t, which is 0 then: parameters become nan.",
    "timm.optim.NAdamLegacy",
    "*",
    {"beta2": 1.0},
)
