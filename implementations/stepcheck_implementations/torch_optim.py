"""torch.optim's SGD, Adam and AdamW: names mapped to the alphabet, and the arithmetic of each mode.

Data only; nothing here imports torch. Sources are files of torch 2.13: ``torch/optim/sgd.py``, ``adam.py``,
``adamw.py`` and the kernels under ``aten/src/ATen/native``.
"""

from __future__ import annotations

from collections.abc import Mapping

from stepcheck_implementations.subject import Adapter, Configuration
from stepcheck_reference.arithmetic import Arithmetic, plain
from stepcheck_reference.formats import BFLOAT16, BINARY16, BINARY32, FORMATS

_PATHS: Mapping[str, Mapping[str, object]] = {
    "single": {"foreach": False, "fused": False},
    "foreach": {"foreach": True, "fused": False},
    "fused": {"foreach": False, "fused": True},
    "differentiable": {"differentiable": True, "foreach": False, "fused": False},
    "compiled": {"foreach": False, "fused": False},
}
_CAPTURABLE: Mapping[str, Mapping[str, object]] = {"capturable": {"capturable": True, "foreach": False, "fused": False}}

_MOMENTS = {"m": "exp_avg", "v": "exp_avg_sq", "v_max": "max_exp_avg_sq"}
_ADAM_HYPER = {"lr": "lr", "beta1": "betas[0]", "beta2": "betas[1]", "eps": "eps", "weight_decay": "weight_decay"}

_COUPLED = ("coupled_decay",)
_COUPLED_UP = ("coupled_decay", "maximize")
_NO_DAMPENING = {"dampening": 0.0}
_NO_MOMENTUM = {"momentum": 0.0, "dampening": 0.0}

SGD = Adapter(
    target="torch.optim.SGD",
    rule="sgd",
    hyper={"lr": "lr", "momentum": "momentum", "dampening": "dampening", "weight_decay": "weight_decay"},
    states={"b": "momentum_buffer"},
    modes=_PATHS,
    configurations=(
        Configuration("plain", {}, "sgd", _COUPLED, _NO_MOMENTUM),
        Configuration("momentum", {}, "momentum", _COUPLED, _NO_DAMPENING),
        Configuration("dampening", {}, "momentum", _COUPLED),
        Configuration("nesterov", {"nesterov": True}, "nesterov", _COUPLED, _NO_DAMPENING),
        Configuration("plain,maximize", {"maximize": True}, "sgd", _COUPLED_UP, _NO_MOMENTUM),
        Configuration("dampening,maximize", {"maximize": True}, "momentum", _COUPLED_UP),
        Configuration(
            "nesterov,maximize", {"nesterov": True, "maximize": True}, "nesterov", _COUPLED_UP, _NO_DAMPENING
        ),
    ),
    count=None,
    declared=True,
)

ADAM = Adapter(
    target="torch.optim.Adam",
    rule="adam",
    hyper=_ADAM_HYPER,
    states=_MOMENTS,
    modes={**_PATHS, **_CAPTURABLE},
    configurations=(
        Configuration("default", {}, "adam", _COUPLED),
        Configuration("amsgrad", {"amsgrad": True}, "amsgrad", _COUPLED),
        Configuration("maximize", {"maximize": True}, "adam", _COUPLED_UP),
        Configuration("amsgrad,maximize", {"amsgrad": True, "maximize": True}, "amsgrad", _COUPLED_UP),
        Configuration("decoupled", {"decoupled_weight_decay": True}, "adamw"),
    ),
    declared=True,
)

ADAMW = Adapter(
    target="torch.optim.AdamW",
    rule="adamw",
    hyper=_ADAM_HYPER,
    states=_MOMENTS,
    modes={**_PATHS, **_CAPTURABLE},
    configurations=(
        Configuration("default", {}, "adamw"),
        Configuration("amsgrad", {"amsgrad": True}, "amsgrad", ("decoupled_decay",)),
        Configuration("maximize", {"maximize": True}, "adamw", ("maximize",)),
        Configuration(
            "amsgrad,maximize", {"amsgrad": True, "maximize": True}, "amsgrad", ("decoupled_decay", "maximize")
        ),
    ),
    declared=True,
)

ALL: tuple[Adapter, ...] = (SGD, ADAM, ADAMW)


def find(target: str) -> Adapter | None:
    """Return the adapter of ``target``, or ``None`` where this file has none."""
    return next((adapter for adapter in ALL if adapter.target == target), None)


ALPHAS: Mapping[str, frozenset[str]] = {
    "torch.optim.SGD": frozenset({"lr", "weight_decay", "dampening"}),
    "torch.optim.Adam": frozenset({"weight_decay"}),
}
"""Hyper-parameters that reach a kernel as the ``alpha`` of an addition, by target."""


def arithmetic_of(mode: str, dtype: str, device: str, target: str = "") -> Arithmetic:
    """Return the arithmetic torch.optim declares for ``mode``, tensors of ``dtype`` and ``device`` ("cuda:0").

    Scalars are Python floats, that is binary64, in single, foreach and fused mode (``_get_value`` in
    torch/optim/optimizer.py takes the step counter out of its tensor), and 0-d float32 tensors where the
    counter stays a tensor: capturable, differentiable and compiled. First moments are ``lerp_``
    (ATen/native/Lerp.h) everywhere.
    """
    form = FORMATS[dtype]
    base = plain(dtype).with_(lerp=True)
    if mode != "fused" and not device.startswith("cuda"):
        base = base.with_(addend=form, alphas=ALPHAS.get(target, frozenset()))
    if mode in ("single", "foreach"):
        return base.with_(
            name=f"torch {mode}",
            source=(
                "scalars: Python floats (torch/optim/adam.py, _get_value); lerp: ATen/native/Lerp.h; a scalar "
                "enters a kernel in its accumulate type (ATen/OpMathType.h), but on CPU an addition's scalar and alpha "
                "are first cast to the tensor's dtype (ATen/native/ufunc/add.h)"
            ),
        )
    if mode == "fused":
        narrow = form is BINARY16 or form is BFLOAT16
        return base.with_(
            name="torch fused",
            operations=BINARY32 if narrow else form,
            source=(
                "scalars: double (ATen/native/cpu/FusedAdamKernel.cpp, ATen/native/cuda/fused_adam_utils.cuh); "
                "narrow tensors: computed in opmath_t, float32, rounded when stored; lerp: the same kernels"
            ),
        )
    if mode in ("capturable", "differentiable", "compiled"):
        cuda = device.startswith("cuda")
        return base.with_(
            name=f"torch {mode}",
            counted=BINARY32,
            folded=True,
            power_ulps=4.0 if cuda else 2.0,
            source=(
                "scalars: the step counter is a 0-d float32 tensor (torch/optim/optimizer.py, _get_scalar_dtype) and "
                "so is what is computed from it; the step size is folded into the denominator (torch/optim/adam.py, "
                "_single_tensor_adam); "
                + (
                    "powf is within 4 ulp (CUDA C++ Programming Guide, mathematical functions)"
                    if cuda
                    else "powf is within 1 ulp and one rounding (SLEEF, Sleef_powf8_u10; glibc, powf)"
                )
            ),
        )
    raise ValueError(f"mode={mode!r}, but should be single, foreach, fused, differentiable, capturable or compiled")
