"""Constructors of timm that check their arguments, and accept values for which their rule is undefined."""

from __future__ import annotations

from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

ONE = Literal((1.0,))


def _unchecked(name: str, explanation: str, target: str, configuration: str, hyper: dict[str, float]) -> KnownIssue:
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


TIMM_UNCHECKED_ALPHA = _unchecked(
    "timm-rmsprop-unchecked-alpha",
    "timm's RMSpropTF rejects a negative alpha but accepts one above 1. New values then enter the averages with the "
    "weight 1 - alpha < 0, and a centered one takes the root of a negative number: parameters become nan.",
    "timm.optim.RMSpropTF",
    "centered*",
    {"beta2": 2.0, "momentum": 0.5},
)
TIMM_UNCHECKED_BETAS = _unchecked(
    "timm-nadam-unchecked-betas",
    "timm's NAdamLegacy checks only its learning rate, and accepts betas of 1 and above. Bias correction divides by "
    "1 - beta2**t, which is then 0: parameters become nan.",
    "timm.optim.NAdamLegacy",
    "*",
    {"beta2": 1.0},
)
