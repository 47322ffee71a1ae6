"""States that are one number a tensor, stored in another format: NAdam's product, ASGD's rate and weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from stepcheck.known_issues.allowances import computed_float32_scalar_states, float32_scalar_states
from stepcheck.known_issues.avoid_trigger import without_plain_state_dicts, without_state_dicts
from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor

WIDE = ("float64", "complex128")


NADAM_FLOAT32_PRODUCT = KnownIssue(
    name="nadam-float32-mu-product",
    explanation=(
        "NAdam stores mu_product, the product of its momentum schedule, in a tensor of the default dtype, float32. "
        "For float64 parameters every step multiplies a float32 rounding error into it, and 1 - mu_product is in the "
        "divisor: the step is accurate to 7 digits instead of 16."
    ),
    link="",
    torch=("2.3", ""),
    targets=("torch.optim.NAdam",),
    modes=("single", "foreach"),
    dtypes=WIDE,
    code="SC102",
    outputs=("mu_product",),
    witness=Script(
        (Tensor((), "float64", Literal((0.0,))),),
        (Group((0,), {"lr": 0.5, "beta1": 0.3, "beta2": 0.5, "eps": 1.0}),),
        (Step((Literal((1.0,)),)),),
    ),
    allow=float32_scalar_states,
)


def _asgd(name: str, modes: tuple[str, ...], more: str, allow: Callable[[Arithmetic], Arithmetic]) -> KnownIssue:
    return KnownIssue(
        name=name,
        explanation=(
            "ASGD stores eta, the rate of its next step, and mu, the weight of its average, in tensors of the default "
            f"dtype, float32{more}. Steps of float64 parameters are therefore accurate to 7 digits instead of 16, from "
            "the first one on, whose rate is lr itself."
        ),
        link="",
        torch=("2.3", ""),
        targets=("torch.optim.ASGD",),
        modes=modes,
        dtypes=WIDE,
        code="SC102",
        outputs=("eta",),
        witness=Script(
            (Tensor((), "float64", Literal((0.0,))),),
            (Group((0,), {"lr": 0.1}),),
            (Step((Literal((1.0,)),)),),
        ),
        allow=allow,
    )


ASGD_FLOAT32_RATE = _asgd("asgd-float32-rate", ("single", "differentiable"), "", float32_scalar_states)
ASGD_FLOAT32_RATE_FOREACH = _asgd(
    "asgd-float32-rate-foreach",
    ("foreach",),
    ", and foreach mode computes them in float32 too, from a step counter that stays in its tensor",
    computed_float32_scalar_states,
)
LOADED_SCALAR_STATES = KnownIssue(
    name="loaded-scalar-states",
    explanation=(
        "load_state_dict casts every state but the step counter to its parameter's dtype, including mu_product of "
        "NAdam and eta and mu of ASGD, which are float32 until then. After resuming, bfloat16 and float16 parameters "
        "are trained with 8 or 11 bits of them, and NAdam's product is updated in that dtype."
    ),
    link="",
    torch=("2.3", ""),
    targets=("torch.optim.NAdam", "torch.optim.ASGD"),
    dtypes=("bfloat16", "float16"),
    code="SC102",
    outputs=("mu_product", "eta", "mu"),
    witness=Script(
        (Tensor((), "float32", Literal((0.0,))),),
        (Group((0,), {"lr": 0.1, "beta1": 0.3, "beta2": 0.5, "eps": 1.0}),),
        (Step((Literal((1.0,)),)), Step((Literal((1.0,)),), reload=True)),
    ),
    avoid_trigger=without_state_dicts,
)


def _resumed(
    name: str, dtypes: tuple[str, ...], code: str, modes: tuple[str, ...] = ("*",), into: str = ""
) -> KnownIssue:
    one = (Literal((1.0,)),)
    return KnownIssue(
        name=name,
        explanation=(
            "load_state_dict casts mu_product of NAdam and eta and mu of ASGD, which are float32, to their "
            "parameter's dtype. A resumed run differs from an uninterrupted one: in bfloat16 and float16 it is "
            "computed with fewer digits, in float64 with more."
        ),
        link="",
        torch=("2.13", ""),
        targets=("torch.optim.NAdam", "torch.optim.ASGD"),
        modes=modes,
        dtypes=dtypes,
        code=code,
        outputs=("entries", "mu_product", "eta", "mu", "m", "ax", "theta"),
        witness=replace(
            LOADED_SCALAR_STATES.witness,
            groups=(Group((0,), {"lr": 0.1, "beta1": 0.3, "beta2": 0.5, "eps": 1.0, "t0": 1.0}),),
            steps=(Step(one), Step(one), Step(one, reload="loaded", into=into)),
        ),
        avoid_trigger=without_plain_state_dicts if not into else without_state_dicts,
    )


RESUMED_SCALAR_STATES = _resumed("resumed-scalar-states", ("bfloat16", "float16", "float64"), "SC230")
RESUMED_ACROSS_MODES = _resumed(
    "resumed-scalar-states-across",
    ("bfloat16", "float16"),
    "SC232",
    ("foreach", "differentiable", "capturable"),
    "single",
)
