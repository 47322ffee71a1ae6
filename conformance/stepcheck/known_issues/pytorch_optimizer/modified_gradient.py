"""pytorch_optimizer decays, negates and looks ahead in the user's gradients.

They have no ``avoid_trigger``: that would leave out the decay or the option itself, which would not be examined. A
gradient of stride 0 cannot be written to: it raises an error.
"""

from __future__ import annotations

from stepcheck.known_issues.avoid_trigger import without_expanded_gradients
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

ONE = Literal((1.0,))
NAMES = ("lr", "beta", "beta1", "beta2", "rho", "momentum", "dampening")
WITNESS = Script(
    (Tensor((1,), "float32", ONE),),
    (Group((0,), {**dict.fromkeys(NAMES, 0.5), "eps": 1.0, "weight_decay": 1.0}),),
    (Step((ONE,)),),
)
"""A gradient of 1 at 1, under a decay of 1: decayed it is 2, negated -1."""


def _gradient_issue(
    name: str,
    explanation: str,
    targets: tuple[str, ...],
    configurations: tuple[str, ...],
    mode: str = "*",
    dtype: str = "*",
) -> KnownIssue:
    return KnownIssue(
        name=name,
        explanation=explanation,
        link="",
        torch=("", ""),
        targets=tuple(f"pytorch_optimizer.{target}" for target in targets),
        configurations=configurations,
        modes=(mode,),
        dtypes=(dtype,),
        code="SC203",
        outputs=("gradient",),
        witness=WITNESS,
        avoid_consequence=without_expanded_gradients,
        library="pytorch-optimizer",
        releases=("4.1", ""),
    )


DECAYED_GRADIENT = _gradient_issue(
    "pytorch-optimizer-decayed-gradient",
    "Coupled weight decay is added to the user's gradient in place (BaseOptimizer.apply_weight_decay): after the step "
    "p.grad includes it, and a gradient that is accumulated into or logged is wrong.",
    ("SignSGD", "SGDW", "QHM", "AdaDelta", "AdaMax", "PAdam"),
    ("*,coupled", "nu=1", "default", "partial=0.5"),
)
NEGATED_GRADIENT = _gradient_issue(
    "pytorch-optimizer-negated-gradient",
    "With maximize=True the user's gradient is negated in place (BaseOptimizer.maximize_gradient): after the step "
    "p.grad has the opposite sign, and a second step without a new backward pass descends.",
    ("*",),
    ("*maximize",),
)
LOOKED_AHEAD_GRADIENT = _gradient_issue(
    "pytorch-optimizer-nesterov-gradient",
    "SGDW(nesterov=True) adds momentum times the buffer to the user's gradient in place; its foreach mode does not.",
    ("SGDW",),
    ("nesterov",),
    "single",
)
LOOKED_AHEAD_GRADIENT_COMPLEX = _gradient_issue(
    "pytorch-optimizer-nesterov-gradient-complex",
    "SGDW(nesterov=True) adds momentum times the buffer to the user's gradient in place. Its foreach mode does so for "
    "complex tensors, which it passes to the single-tensor loop.",
    ("SGDW",),
    ("nesterov",),
    "foreach",
    "complex*",
)
