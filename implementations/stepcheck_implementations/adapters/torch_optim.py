"""torch.optim's elementwise optimizers: names mapped to the alphabet, options mapped to rules.

Data only; nothing here imports torch. Names and options are those of torch 2.13's ``torch/optim/*.py``; how each mode
computes is in ``torch_arithmetic.py``. Configurations cover every option, and every pair of options that interact.
"""

from __future__ import annotations

from collections.abc import Mapping

from stepcheck_implementations.adapters.adapter import Adapter, Configuration

_PATHS: Mapping[str, Mapping[str, object]] = {
    "single": {"foreach": False},
    "foreach": {"foreach": True},
    "differentiable": {"differentiable": True, "foreach": False},
    "compiled": {"foreach": False},
}
_CAPTURABLE: Mapping[str, Mapping[str, object]] = {**_PATHS, "capturable": {"capturable": True, "foreach": False}}
_FUSED: Mapping[str, Mapping[str, object]] = {
    **{mode: {**options, "fused": False} for mode, options in _PATHS.items()},
    "fused": {"foreach": False, "fused": True},
}
_FUSED_CAPTURABLE: Mapping[str, Mapping[str, object]] = {
    **_FUSED,
    "capturable": {"capturable": True, "foreach": False, "fused": False},
}

_MOMENTS = {"m": "exp_avg", "v": "exp_avg_sq"}
_ADAM_MOMENTS = {**_MOMENTS, "v_max": "max_exp_avg_sq"}
_DECAYED = {"lr": "lr", "eps": "eps", "weight_decay": "weight_decay"}
_ADAM_HYPER = {"lr": "lr", "beta1": "betas[0]", "beta2": "betas[1]", "eps": "eps", "weight_decay": "weight_decay"}

_COUPLED = ("coupled_decay",)
_COUPLED_UP = ("coupled_decay", "maximize")
_DECOUPLED = ("decoupled_decay",)
_DECOUPLED_UP = ("decoupled_decay", "maximize")
_UP = {"maximize": True}
_APART = {"decoupled_weight_decay": True}
_NO_DAMPENING = {"dampening": 0.0}
_NO_MOMENTUM = {"momentum": 0.0}
_PLAIN = {"momentum": 0.0, "dampening": 0.0}

SGD = Adapter(
    target="torch.optim.SGD",
    rule="sgd",
    hyper={"lr": "lr", "momentum": "momentum", "dampening": "dampening", "weight_decay": "weight_decay"},
    states={"b": "momentum_buffer"},
    modes=_FUSED,
    configurations=(
        Configuration("plain", {}, "sgd", _COUPLED, _PLAIN),
        Configuration("momentum", {}, "momentum", _COUPLED, _NO_DAMPENING),
        Configuration("dampening", {}, "momentum", _COUPLED),
        Configuration("nesterov", {"nesterov": True}, "nesterov", _COUPLED, _NO_DAMPENING),
        Configuration("plain,maximize", _UP, "sgd", _COUPLED_UP, _PLAIN),
        Configuration("dampening,maximize", _UP, "momentum", _COUPLED_UP),
        Configuration("nesterov,maximize", {"nesterov": True, **_UP}, "nesterov", _COUPLED_UP, _NO_DAMPENING),
    ),
    count=None,
    declared=True,
)

ADAM = Adapter(
    target="torch.optim.Adam",
    rule="adam",
    hyper=_ADAM_HYPER,
    states=_ADAM_MOMENTS,
    modes=_FUSED_CAPTURABLE,
    configurations=(
        Configuration("default", {}, "adam", _COUPLED),
        Configuration("amsgrad", {"amsgrad": True}, "amsgrad", _COUPLED),
        Configuration("maximize", _UP, "adam", _COUPLED_UP),
        Configuration("amsgrad,maximize", {"amsgrad": True, **_UP}, "amsgrad", _COUPLED_UP),
        Configuration("decoupled", _APART, "adamw"),
    ),
    declared=True,
)

ADAMW = Adapter(
    target="torch.optim.AdamW",
    rule="adamw",
    hyper=_ADAM_HYPER,
    states=_ADAM_MOMENTS,
    modes=_FUSED_CAPTURABLE,
    configurations=(
        Configuration("default", {}, "adamw"),
        Configuration("amsgrad", {"amsgrad": True}, "amsgrad", _DECOUPLED),
        Configuration("maximize", _UP, "adamw", ("maximize",)),
        Configuration("amsgrad,maximize", {"amsgrad": True, **_UP}, "amsgrad", _DECOUPLED_UP),
    ),
    declared=True,
)

_ADAGRAD = ("initial_accumulator", "lr_decay", *_COUPLED)

ADAGRAD = Adapter(
    target="torch.optim.Adagrad",
    rule="adagrad",
    hyper={**_DECAYED, "lr_decay": "lr_decay", "initial_accumulator": "initial_accumulator_value"},
    states={"h": "sum"},
    modes=_FUSED,
    configurations=(
        Configuration("default", {}, "adagrad", _ADAGRAD),
        Configuration("maximize", _UP, "adagrad", (*_ADAGRAD, "maximize")),
    ),
    declared=True,
)

RMSPROP = Adapter(
    target="torch.optim.RMSprop",
    rule="rmsprop",
    hyper={**_DECAYED, "beta2": "alpha", "momentum": "momentum"},
    states={"v": "square_avg", "a": "grad_avg", "b": "momentum_buffer"},
    modes=_CAPTURABLE,
    configurations=(
        Configuration("default", {}, "rmsprop", _COUPLED, _NO_MOMENTUM),
        Configuration("momentum,maximize", _UP, "rmsprop_momentum", _COUPLED_UP),
        Configuration("centered,maximize", {"centered": True, **_UP}, "rmsprop_centered", _COUPLED_UP, _NO_MOMENTUM),
        Configuration("centered,momentum", {"centered": True}, "rmsprop_centered_momentum", _COUPLED),
    ),
    declared=True,
)

ADADELTA = Adapter(
    target="torch.optim.Adadelta",
    rule="adadelta",
    hyper={**_DECAYED, "rho": "rho"},
    states={"v": "square_avg", "x": "acc_delta"},
    modes=_CAPTURABLE,
    configurations=(
        Configuration("default", {}, "adadelta", _COUPLED),
        Configuration("maximize", _UP, "adadelta", _COUPLED_UP),
    ),
    declared=True,
)

ADAMAX = Adapter(
    target="torch.optim.Adamax",
    rule="adamax",
    hyper=_ADAM_HYPER,
    states={"m": "exp_avg", "u": "exp_inf"},
    modes=_CAPTURABLE,
    configurations=(
        Configuration("default", {}, "adamax", _COUPLED),
        Configuration("maximize", _UP, "adamax", _COUPLED_UP),
    ),
    declared=True,
)

NADAM = Adapter(
    target="torch.optim.NAdam",
    rule="nadam",
    hyper={**_ADAM_HYPER, "momentum_decay": "momentum_decay"},
    states={**_MOMENTS, "mu_product": "mu_product"},
    modes=_CAPTURABLE,
    configurations=(
        Configuration("default", {}, "nadam", _COUPLED),
        Configuration("maximize", _UP, "nadam", _COUPLED_UP),
        Configuration("decoupled", _APART, "nadam", _DECOUPLED),
        Configuration("decoupled,maximize", {**_APART, **_UP}, "nadam", _DECOUPLED_UP),
    ),
    declared=True,
)

RADAM = Adapter(
    target="torch.optim.RAdam",
    rule="radam",
    hyper=_ADAM_HYPER,
    states=_MOMENTS,
    modes=_CAPTURABLE,
    configurations=(
        Configuration("default", {}, "radam", _COUPLED),
        Configuration("maximize", _UP, "radam", _COUPLED_UP),
        Configuration("decoupled", _APART, "radam", _DECOUPLED),
        Configuration("decoupled,maximize", {**_APART, **_UP}, "radam", _DECOUPLED_UP),
    ),
    declared=True,
)

ASGD = Adapter(
    target="torch.optim.ASGD",
    rule="asgd",
    hyper={"lr": "lr", "lambd": "lambd", "alpha": "alpha", "t0": "t0", "weight_decay": "weight_decay"},
    states={"ax": "ax", "eta": "eta", "mu": "mu"},
    modes=_CAPTURABLE,
    configurations=(
        Configuration("default", {}, "asgd", _COUPLED),
        Configuration("maximize", _UP, "asgd", _COUPLED_UP),
    ),
    declared=True,
)

RPROP = Adapter(
    target="torch.optim.Rprop",
    rule="rprop",
    hyper={
        "lr": "lr",
        "eta_minus": "etas[0]",
        "eta_plus": "etas[1]",
        "step_min": "step_sizes[0]",
        "step_max": "step_sizes[1]",
    },
    states={"g_prev": "prev", "step_size": "step_size"},
    modes=_CAPTURABLE,
    configurations=(
        Configuration("default", {}, "rprop"),
        Configuration("maximize", _UP, "rprop", ("maximize",)),
    ),
    declared=True,
)

ALL: tuple[Adapter, ...] = (
    SGD, ADAM, ADAMW, ADAGRAD, RMSPROP, ADADELTA, ADAMAX, NADAM, RADAM, ASGD, RPROP,
)  # fmt: skip


def find(target: str) -> Adapter | None:
    """Return the adapter of ``target``, or ``None`` where this file has none."""
    return next((adapter for adapter in ALL if adapter.target == target), None)
