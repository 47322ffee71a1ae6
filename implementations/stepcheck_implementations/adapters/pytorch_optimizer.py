"""pytorch_optimizer's classes that have a rule here: names mapped to the alphabet, and how they compute.

Data only; nothing here imports torch. Sources are files of pytorch_optimizer 4.1.0 (``optimizer/*.py``,
``base/optimizer.py``), and torch's kernels as in ``torch_arithmetic.py``. Most of its classes publish rules of their
own; QHM, PAdam and RAdam keep one of ours with some of their options. SGD, Adam, AdamW, NAdam and RMSprop are torch's.
"""

from __future__ import annotations

from collections.abc import Mapping

from stepcheck_implementations.adapters.adapter import Adapter, Configuration
from stepcheck_reference.formats import BFLOAT16, BINARY16, FORMATS
from stepcheck_reference.oracle.arithmetic import Arithmetic, plain

_PATHS: Mapping[str, Mapping[str, object]] = {"single": {"foreach": False}, "foreach": {"foreach": True}}
"""Without ``foreach`` real parameters take the foreach path, on a CPU too (``BaseOptimizer.can_use_foreach``)."""

_COUPLED = ("coupled_decay",)
_COUPLED_UP = ("coupled_decay", "maximize")
_DECOUPLED = ("decoupled_decay",)
_DECOUPLED_UP = ("decoupled_decay", "maximize")
_UP = {"maximize": True}
_APART = {"weight_decouple": True}
_JOINED = {"weight_decouple": False}
_PLAIN = {"momentum": 0.0, "dampening": 0.0}
_BETAS = {"beta1": "betas[0]", "beta2": "betas[1]"}


def _adapter(
    name: str,
    configurations: tuple[Configuration, ...],
    hyper: Mapping[str, str],
    states: Mapping[str, str],
    count: str | None = None,
    *,
    not_complex: str = "",
) -> Adapter:
    return Adapter(
        target=f"pytorch_optimizer.{name}",
        rule=configurations[0].rule,
        hyper={"lr": "lr", "weight_decay": "weight_decay", **hyper},
        states=states,
        modes=_PATHS,
        configurations=configurations,
        count=count,
        declared=True,
        not_complex=not_complex,
    )


LION = _adapter(
    "Lion",
    (
        Configuration("default", {}, "lion"),
        Configuration("maximize", _UP, "lion", ("maximize",)),
    ),
    _BETAS,
    {"m": "exp_avg"},
)
SIGN_SGD = _adapter(
    "SignSGD",
    (
        Configuration("plain", {}, "sign_sgd", _DECOUPLED, {"momentum": 0.0}),
        Configuration("plain,coupled", _JOINED, "sign_sgd", _COUPLED, {"momentum": 0.0}),
        Configuration("plain,maximize", _UP, "sign_sgd", _DECOUPLED_UP, {"momentum": 0.0}),
    ),
    {"momentum": "momentum"},
    {},
    not_complex="it takes a complex number's own sign, z/|z| (torch.sgn), where its rule has two parts",
)
SGDW = _adapter(
    "SGDW",
    (
        Configuration("plain", {}, "sgd", _DECOUPLED, _PLAIN),
        Configuration("dampening", {}, "momentum", _DECOUPLED),
        Configuration("nesterov", {"nesterov": True}, "nesterov", _DECOUPLED, {"dampening": 0.0}),
        Configuration("dampening,coupled", _JOINED, "momentum", _COUPLED),
        Configuration("dampening,maximize", _UP, "momentum", _DECOUPLED_UP),
    ),
    {"momentum": "momentum", "dampening": "dampening"},
    {"b": "momentum_buffer"},
)
QHM = _adapter(
    "QHM",
    (
        Configuration("nu=1", {"nu": 1.0}, "momentum_ema", _COUPLED),
        Configuration("nu=1,decoupled", {"nu": 1.0, **_APART}, "momentum_ema", _DECOUPLED),
    ),
    {"beta": "momentum"},
    {"M": "momentum_buffer"},
)
ADADELTA = _adapter(
    "AdaDelta",
    (
        Configuration("default", {}, "adadelta", _COUPLED),
        Configuration("decoupled", _APART, "adadelta", _DECOUPLED),
        Configuration("maximize", _UP, "adadelta", _COUPLED_UP),
    ),
    {"rho": "rho", "eps": "eps"},
    {"v": "square_avg", "x": "acc_delta"},
)
ADAMAX = _adapter(
    "AdaMax",
    (
        Configuration("default", {}, "adamax", _COUPLED),
        Configuration("decoupled", _APART, "adamax", _DECOUPLED),
        Configuration("maximize", _UP, "adamax", _COUPLED_UP),
    ),
    {**_BETAS, "eps": "eps"},
    {"m": "exp_avg", "u": "exp_inf"},
    "step",
)
PADAM = _adapter(
    "PAdam",
    (
        Configuration("partial=0.5", {"partial": 0.5}, "adam_eps_hat", _COUPLED),
        Configuration("partial=0.5,decoupled", {"partial": 0.5, **_APART}, "adam_eps_hat", _DECOUPLED),
    ),
    {**_BETAS, "eps": "eps"},
    {"m": "exp_avg", "v": "exp_avg_sq"},
    "step",
)
RADAM = _adapter(
    "RAdam",
    (
        Configuration("default", {}, "radam_resting"),
        Configuration("degenerated_to_sgd", {"degenerated_to_sgd": True}, "radam", _DECOUPLED),
        Configuration("degenerated_to_sgd,coupled", {"degenerated_to_sgd": True, **_JOINED}, "radam", _COUPLED),
        Configuration("degenerated_to_sgd,maximize", {"degenerated_to_sgd": True, **_UP}, "radam", _DECOUPLED_UP),
    ),
    {**_BETAS, "eps": "eps"},
    {"m": "exp_avg", "v": "exp_avg_sq"},
    "step",
)

ALL: tuple[Adapter, ...] = (SIGN_SGD, SGDW, QHM, LION, ADADELTA, ADAMAX, PADAM, RADAM)

ALPHAS: Mapping[str, frozenset[str]] = {
    "pytorch_optimizer.SignSGD": frozenset({"lr", "weight_decay"}),
    "pytorch_optimizer.SGDW": frozenset({"lr", "weight_decay", "dampening"}),
    "pytorch_optimizer.QHM": frozenset({"lr", "weight_decay"}),
    "pytorch_optimizer.Lion": frozenset({"lr", "weight_decay"}),
    "pytorch_optimizer.AdaDelta": frozenset({"lr", "weight_decay"}),
    "pytorch_optimizer.AdaMax": frozenset({"weight_decay"}),
    "pytorch_optimizer.PAdam": frozenset({"weight_decay"}),
    "pytorch_optimizer.RAdam": frozenset({"lr"}),
}
"""Hyper-parameters that reach a kernel as the ``alpha`` of an addition (``add_``, ``_foreach_add_``), by target."""


def arithmetic_of(mode: str, dtype: str, device: str, target: str) -> Arithmetic:
    """Return the arithmetic of ``target`` in ``mode``, for parameters of ``dtype`` on ``device``.

    Scalars, the step counter too, are Python numbers.
    """
    form = FORMATS[dtype]
    narrow = form is BINARY16 or form is BFLOAT16
    figures: dict[str, object] = {"lerp": True, "forms": False, "form": 1 if target == LION.target else None}
    source = "scalars: Python numbers (base/optimizer.py, debias, get_rectify_step_size); averages: ATen/native/Lerp.h"
    if not device.startswith("cuda"):
        figures |= {"addend": form, "alphas": ALPHAS[target]}
        source += "; on CPU an addition's scalar and alpha are first cast to the dtype (ATen/native/ufunc/add.h)"
        if mode == "foreach" and narrow:
            figures["entry"] = form
            source += "; torch._foreach_mul_ rounds its scalar to the dtype there (known issue foreach-narrow-scalars)"
    return plain(dtype).with_(name=f"pytorch_optimizer {mode}", source=source, **figures)
