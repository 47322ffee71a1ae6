"""torch._foreach_mul_ on CPU rounds a Python scalar to the tensor's dtype; Tensor.mul_ does not."""

from __future__ import annotations

from stepcheck.known_issues.allowances import rounded_scalars
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

EXPLANATION = (
    "On CPU torch._foreach_mul_ rounds its Python scalar to the tensor's dtype, which Tensor.mul_ does not. In "
    "bfloat16 and float16, beta2, alpha, rho, 1 - lr*weight_decay and momentum therefore lose all but 8 or 11 bits "
    "before they are used, and foreach mode differs from single mode by more than the rounding of the update itself."
)


def _foreach_issue(
    name: str,
    targets: tuple[str, ...],
    configurations: tuple[str, ...],
    output: str,
    witness: Script,
    code: str = "SC102",
) -> KnownIssue:
    return KnownIssue(
        name=name,
        explanation=EXPLANATION,
        link="",
        torch=("2.3", ""),
        targets=targets,
        configurations=configurations,
        modes=("foreach",),
        dtypes=("bfloat16", "float16"),
        devices=("cpu",),
        code=code,
        outputs=(output,),
        witness=witness,
        allow=rounded_scalars,
    )


# In each witness the odd elements show it in bfloat16, the even ones in float16; with momentum, the first two
# without dampening and the last two with.
FOREACH_MOMENTS = _foreach_issue(
    "foreach-narrow-scalars-moments",
    (
        "torch.optim.Adam",
        "torch.optim.AdamW",
        "torch.optim.RMSprop",
        "torch.optim.Adadelta",
        "torch.optim.NAdam",
        "torch.optim.RAdam",
    ),
    ("*",),
    "v",
    Script(
        (Tensor((2,), "bfloat16", Literal((0.0,))),),
        (Group((0,), {"lr": 1.0, "beta1": 0.5, "beta2": 0.3, "rho": 0.3, "momentum": 0.5, "eps": 1.0}),),
        (Step((Literal((1.5546875, 1.1123046875)),)), Step((Literal((0.05712890625, 0.05120849609375)),))),
    ),
)
FOREACH_ADAMAX = _foreach_issue(
    "foreach-narrow-scalars-adamax",
    ("torch.optim.Adamax",),
    ("*",),
    "u",
    Script(
        (Tensor((2,), "bfloat16", Literal((0.0,))),),
        (Group((0,), {"lr": 1.0, "beta1": 0.5, "beta2": 0.5022, "eps": 0.0}),),
        (Step((Literal((1.5, 1.1005859375)),)), Step((Literal((0.0,)),))),
    ),
)
FOREACH_SGD = _foreach_issue(
    "foreach-narrow-scalars-sgd",
    ("torch.optim.SGD",),
    ("momentum*", "dampening*"),
    "b",
    Script(
        (Tensor((4,), "bfloat16", Literal((0.0,))),),
        (Group((0,), {"lr": 1.0, "momentum": 0.55, "dampening": 0.1}),),
        (
            Step((Literal((1.8515625, 1.8232421875, 1.8515625, 1.8427734375)),)),
            Step((Literal((0.003936767578125, -0.0005192756652832031, -0.004302978515625, -0.007061004638671875)),)),
        ),
    ),
)
# Weight decay, where there is some, covers it, so it shows only in the law about the rule without decay.
FOREACH_NESTEROV = _foreach_issue(
    "foreach-narrow-scalars-nesterov",
    ("torch.optim.SGD",),
    ("nesterov*",),
    "b",
    Script(
        (Tensor((2,), "bfloat16", Literal((0.0,))),),
        (Group((0,), {"lr": 1.0, "momentum": 0.55}),),
        (Step((Literal((0.057861328125,)),)), Step((Literal((-0.032470703125, -0.0323486328125)),))),
    ),
    code="SC401",
)
