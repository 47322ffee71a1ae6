"""Optimizers that compute in float32 whatever the dtype of their parameters is, in the form each library shares."""

from __future__ import annotations

from stepcheck.known_issues.allowances import in_float32
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

ENVELOPE, ZERO_GRADIENTS, ZERO_RATE = "SC101", "SC212", "SC213"
"""The laws that such an optimizer breaks: the envelope of its rule, and that nothing moves where nothing should."""


def float32_issues(
    name: str, explanation: str, subject: str, targets: tuple[str, ...], library: str
) -> tuple[KnownIssue, KnownIssue, KnownIssue]:
    """Return the issues ``name``, ``name``-rest and ``name``-no-rate of ``targets``, one for each law they break.

    ``subject`` begins the explanation of the last two, as in "torchao's Adam converts". These two laws compare bits,
    so no arithmetic can be allowed for them.
    """

    def issue(name: str, explanation: str, code: str) -> KnownIssue:
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
                (Group((0,), {"lr": 0.0 if code == ZERO_RATE else 0.5, "beta1": 0.5, "beta2": 0.5, "eps": 1.0}),),
                (Step((Literal((0.0,)),)),),
            ),
            allow=in_float32 if code == ENVELOPE else None,
            library=library,
        )

    effect = f"{subject} parameters to float32 and back, so a float64 parameter moves to the nearest float32 even where"
    return (
        issue(name, explanation, ENVELOPE),
        issue(f"{name}-rest", f"{effect} its gradients are 0.", ZERO_GRADIENTS),
        issue(f"{name}-no-rate", f"{effect} the learning rate is 0.", ZERO_RATE),
    )
