"""A compiled step loses what it computes for 0-d float64 tensors on the CPU."""

from __future__ import annotations

from stepcheck.known_issues.avoid_trigger import without_zero_dimensions
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

HYPER = {
    "lr": 0.5,
    "beta1": 0.5,
    "beta2": 0.5,
    "rho": 0.5,
    "momentum": 0.5,
    "eps": 1.0,
    "eta_minus": 0.5,
    "eta_plus": 2.0,
    "step_max": 1.0,
}


def _zero_dimensional(
    name: str, targets: tuple[str, ...], configurations: tuple[str, ...], outputs: tuple[str, ...]
) -> KnownIssue:
    return KnownIssue(
        name=name,
        explanation=(
            "A step compiled by torch.compile does not write back what it computes for 0-d float64 tensors on the CPU: "
            "state is not updated in any class that has some, nor is the parameter in Adam, AdamW and RAdam, while the "
            "step counter advances. The same tensors with shape (1,) are updated, and so are 0-d ones in float32."
        ),
        link="",
        torch=("2.13", "2.14"),
        targets=targets,
        configurations=configurations,
        modes=("compiled",),
        dtypes=("float64",),
        devices=("cpu",),
        code="SC102",
        outputs=outputs,
        witness=Script(
            (Tensor((), "float64", Literal((0.0,))),),
            (Group((0,), HYPER),),
            (Step((Literal((1.0,)),)), Step((Literal((1.0,)),))),
        ),
        avoid_trigger=without_zero_dimensions,
    )


COMPILED_ZERO_DIMENSIONS = _zero_dimensional(
    "compiled-0d-float64",
    (
        "torch.optim.Adam*",
        "torch.optim.Ada[gd]*",
        "torch.optim.RMSprop",
        "torch.optim.NAdam",
        "torch.optim.RAdam",
        "torch.optim.ASGD",
        "torch.optim.Rprop",
    ),
    ("*",),
    ("m", "v", "v_max", "h", "x", "u", "a", "b", "ax", "g_prev", "step_size"),
)
COMPILED_ZERO_DIMENSIONS_SGD = _zero_dimensional(
    "compiled-0d-float64-sgd", ("torch.optim.SGD",), ("momentum*", "dampening*", "nesterov*"), ("b",)
)
