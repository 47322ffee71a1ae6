"""Optimizers that compute in float32 whatever their parameters are."""

from __future__ import annotations

from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.formats import BINARY32
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor


def in_float32(arithmetic: Arithmetic) -> Arithmetic:
    """Return ``arithmetic`` with everything read, computed and stored in float32."""
    return arithmetic.with_(
        read=BINARY32, storage=BINARY32, operations=BINARY32, entry=BINARY32, addend=BINARY32, states=BINARY32
    )


AGREEMENT, REST, NO_RATE = "SC101", "SC212", "SC213"


def _finding(name: str, explanation: str, targets: tuple[str, ...], library: str, code: str = AGREEMENT) -> KnownIssue:
    """Return what breaks law ``code``; the other two laws have no arithmetic in which it could be allowed."""
    return KnownIssue(
        name=name,
        explanation=explanation,
        link="",
        torch=("", ""),
        targets=targets,
        dtypes=("float64",),
        code=code,
        outputs=("theta",),
        witness=Script(
            (Tensor((1,), "float64", Literal((0.1,))),),
            (Group((0,), {"lr": 0.0 if code == NO_RATE else 0.5, "beta1": 0.5, "beta2": 0.5, "eps": 1.0}),),
            (Step((Literal((0.0,)),)),),
        ),
        allow=in_float32 if code == AGREEMENT else None,
        library=library,
    )


TORCHAO_FLOAT32 = _finding(
    "torchao-float64",
    "torchao's Adam and AdamW convert parameter, gradient and state to float32, compute there, and convert back. A "
    "float64 parameter so keeps 7 of its 16 digits from the first step on, even where its gradient is 0. No error is "
    "raised.",
    ("torchao.optim.*",),
    "torchao",
)
TIMM_FLOAT32 = _finding(
    "timm-radam-float64",
    "timm's RAdamLegacy converts parameter and gradient to float32, keeps its state there, and converts the parameter "
    "back. A float64 parameter so keeps 7 of its 16 digits from the first step on, even where its gradient is 0. No "
    "error is raised. timm keeps the class as a reference and recommends torch's own.",
    ("timm.optim.RAdamLegacy",),
    "timm",
)


def _moved(name: str, whose: str, targets: tuple[str, ...], library: str) -> tuple[KnownIssue, KnownIssue]:
    """Return what moves at rest: where gradients are 0, and where the learning rate is."""
    told = f"{whose} parameters through float32, so that a float64 parameter moves to the nearest float32 where"
    return (
        _finding(f"{name}-rest", f"{told} its gradients are 0.", targets, library, REST),
        _finding(f"{name}-no-rate", f"{told} the learning rate is 0.", targets, library, NO_RATE),
    )


TORCHAO_FLOAT32_REST, TORCHAO_FLOAT32_NO_RATE = _moved(
    "torchao-float64", "torchao's Adam and AdamW take", ("torchao.optim.*",), "torchao"
)
TIMM_FLOAT32_REST, TIMM_FLOAT32_NO_RATE = _moved(
    "timm-radam-float64", "timm's RAdamLegacy takes", ("timm.optim.RAdamLegacy",), "timm"
)
