"""timm's optimizers that have a rule here: names mapped to the alphabet, and how they compute.

Data only; nothing here imports torch. Sources are files of timm 1.0.31 (``timm/optim/*.py``), and torch's kernels as in
``torch_arithmetic.py``. Not checked are caution, corrected weight decay and clipping, which no rule here has. Adadelta,
Adagrad, Adam, AdamW, Adamax, NAdam, RAdam, RMSprop and SGD of ``timm.optim`` are torch's.
"""

from __future__ import annotations

from collections.abc import Mapping

from stepcheck_implementations.adapters.adapter import Adapter, Configuration
from stepcheck_reference.formats import BFLOAT16, BINARY16, BINARY32, BINARY64, FORMATS
from stepcheck_reference.oracle.arithmetic import Arithmetic, plain

_BOTH: Mapping[str, Mapping[str, object]] = {"single": {"foreach": False}, "foreach": {"foreach": True}}
_ONE: Mapping[str, Mapping[str, object]] = {"single": {}}

_DECOUPLED = ("decoupled_decay",)
_DECOUPLED_UP = ("decoupled_decay", "maximize")
_UP = {"maximize": True}
_STARTED = {"initial_accumulator": 1.0}
_STARTED_PLAIN = {"initial_accumulator": 1.0, "momentum": 0.0}
_SQUARED_WHOLE = "it squares a complex number whole, where its rule has two parts"
_BETAS = {"beta1": "betas[0]", "beta2": "betas[1]"}
_MOMENTS = {"m": "exp_avg", "v": "exp_avg_sq", "v_max": "max_exp_avg_sq"}


def _adapter(
    name: str,
    configurations: tuple[Configuration, ...],
    hyper: Mapping[str, str],
    states: Mapping[str, str],
    *,
    modes: Mapping[str, Mapping[str, object]] = _BOTH,
    count: str | None = "step",
    not_complex: str = "",
) -> Adapter:
    return Adapter(
        target=f"timm.optim.{name}",
        rule=configurations[0].rule,
        hyper={"lr": "lr", "weight_decay": "weight_decay", **hyper},
        states=states,
        modes=modes,
        configurations=configurations,
        count=count,
        declared=True,
        not_complex=not_complex,
    )


SGDW = _adapter(
    "SGDW",
    (
        Configuration("plain", {}, "sgd", _DECOUPLED, {"momentum": 0.0, "dampening": 0.0}),
        Configuration("dampening", {}, "momentum", _DECOUPLED),
        Configuration("nesterov", {"nesterov": True}, "nesterov", _DECOUPLED, {"dampening": 0.0}),
        Configuration("dampening,maximize", _UP, "momentum", _DECOUPLED_UP),
    ),
    {"momentum": "momentum", "dampening": "dampening"},
    {"b": "momentum_buffer"},
    count=None,
)
LION = _adapter(
    "Lion",
    (Configuration("default", {}, "lion"), Configuration("maximize", _UP, "lion", ("maximize",))),
    _BETAS,
    {"m": "exp_avg"},
    count=None,
)
RMSPROP_TF = _adapter(
    "RMSpropTF",
    (
        Configuration("plain", {}, "rmsprop_eps_inside", ("initial_accumulator", "coupled_decay"), _STARTED_PLAIN),
        Configuration(
            "plain,decoupled",
            {"decoupled_decay": True},
            "rmsprop_eps_inside",
            ("initial_accumulator", "decoupled_decay"),
            _STARTED_PLAIN,
        ),
        Configuration(
            "centered",
            {"centered": True},
            "rmsprop_centered_eps_inside",
            ("initial_accumulator", "coupled_decay"),
            _STARTED_PLAIN,
        ),
        Configuration("momentum", {}, "rmsprop_tf", ("coupled_decay",)),
        Configuration(
            "momentum,lr_outside",
            {"lr_in_momentum": False},
            "rmsprop_momentum",
            ("eps_inside", "initial_accumulator", "coupled_decay"),
            _STARTED,
        ),
        Configuration(
            "centered,momentum",
            {"centered": True},
            "rmsprop_centered_momentum",
            ("eps_inside", "lr_inside", "initial_accumulator", "coupled_decay"),
            _STARTED,
        ),
    ),
    {"beta2": "alpha", "eps": "eps", "momentum": "momentum"},
    {"v": "square_avg", "a": "grad_avg", "b": "momentum_buffer", "velocity": "momentum_buffer"},
    not_complex=_SQUARED_WHOLE,
)
ADAMW = _adapter(
    "AdamWLegacy",
    (
        Configuration("default", {}, "adamw"),
        Configuration("amsgrad", {"amsgrad": True}, "amsgrad", _DECOUPLED),
        Configuration("maximize", _UP, "adamw", ("maximize",)),
    ),
    {**_BETAS, "eps": "eps"},
    _MOMENTS,
)
NADAMW = _adapter(
    "NAdamW",
    (
        Configuration("default", {}, "nadam_ruder", _DECOUPLED),
        Configuration("maximize", _UP, "nadam_ruder", _DECOUPLED_UP),
    ),
    {**_BETAS, "eps": "eps"},
    _MOMENTS,
)
NADAM = _adapter(
    "NAdamLegacy",
    (Configuration("default", {}, "nadam", ("coupled_decay",)),),
    {**_BETAS, "eps": "eps", "momentum_decay": "schedule_decay"},
    {**_MOMENTS, "mu_product": "m_schedule"},
    modes=_ONE,
    not_complex=_SQUARED_WHOLE,
)
RADAM = _adapter(
    "RAdamLegacy",
    (Configuration("default", {}, "radam", _DECOUPLED),),
    {**_BETAS, "eps": "eps"},
    _MOMENTS,
    modes=_ONE,
    not_complex="it computes in real float32 (radam.py, p.float())",
)

ALL: tuple[Adapter, ...] = (SGDW, LION, RMSPROP_TF, ADAMW, NADAMW, NADAM, RADAM)

ALPHAS: Mapping[str, frozenset[str]] = {
    "timm.optim.SGDW": frozenset({"lr", "dampening"}),
    "timm.optim.Lion": frozenset({"lr"}),
    "timm.optim.RMSpropTF": frozenset({"lr", "weight_decay", "1-beta2"}),
    "timm.optim.AdamWLegacy": frozenset(),
    "timm.optim.NAdamW": frozenset(),
    "timm.optim.NAdamLegacy": frozenset({"weight_decay", "1-beta1"}),
    "timm.optim.RAdamLegacy": frozenset(),
}
"""Hyper-parameters that reach a kernel as the ``alpha`` of an addition, by target."""


def arithmetic_of(mode: str, dtype: str, device: str, target: str) -> Arithmetic:
    """Return the arithmetic of ``target`` in ``mode``, for parameters of ``dtype`` on ``device``.

    Scalars are Python floats: ``_get_value`` (timm/optim/_helpers.py) takes the step counter out of its tensor.
    """
    form = FORMATS[dtype]
    narrow = form is BINARY16 or form is BFLOAT16
    written = 1 if target in (LION.target, RADAM.target) else None
    figures: dict[str, object] = {"lerp": True, "scalar_states": BINARY64, "forms": False, "form": written}
    source = "scalars: Python floats (timm/optim/_helpers.py, _get_value); averages: ATen/native/Lerp.h"
    if target == "timm.optim.RMSpropTF":
        figures |= {"squares": True, "increments": True}
        source += ", but in rmsprop_tf.py as a + (1 - alpha)*(b - a)"
    if target == "timm.optim.RAdamLegacy" and narrow:
        figures |= {"operations": BINARY32, "states": BINARY32}
        source += "; parameters are computed, and state is kept, in float32 (timm/optim/radam.py)"
    elif not device.startswith("cuda"):
        figures |= {"addend": form, "alphas": ALPHAS[target]}
        source += "; on CPU an addition's scalar and alpha are first cast to the dtype (ATen/native/ufunc/add.h)"
        if mode == "foreach" and narrow:
            figures["entry"] = form
            source += "; torch._foreach_mul_ rounds its scalar to the dtype there (known issue foreach-narrow-scalars)"
    return plain(dtype).with_(name=f"timm {mode}", source=source, **figures)
