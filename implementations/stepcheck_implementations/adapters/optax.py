"""optax' transformations: names mapped to the alphabet, and how JAX computes on a CPU.

Data only; nothing here imports JAX. Sources are files of optax 0.2.8 (``optax/_src/alias.py``, ``transform.py``,
``tree_utils/_tree_math.py``), of JAX 0.10.2 and of XLA as jaxlib 0.10.2 has it.
"""

from __future__ import annotations

from collections.abc import Mapping

from stepcheck_implementations.adapters import wrappers
from stepcheck_implementations.adapters.adapter import Adapter, Configuration
from stepcheck_reference.formats import BINARY16, BINARY32, BINARY64, FORMATS
from stepcheck_reference.oracle.arithmetic import Arithmetic, plain

_PATHS: Mapping[str, Mapping[str, object]] = {"single": {}, "compiled": {"jit": True}}
"""Operation by operation, and the whole update under ``jax.jit``."""

_MOMENTS = {"m": "mu", "v": "nu"}
_ADAM_HYPER = {"lr": "learning_rate", "beta1": "b1", "beta2": "b2", "eps": "eps", "eps_root": "eps_root"}
_NO_DAMPENING = {"dampening": 0.0}
_BUFFER = ("eps_inside", "lr_inside")


def _adapter(
    name: str,
    configurations: tuple[Configuration, ...],
    hyper: Mapping[str, str],
    states: Mapping[str, str],
    count: str | None = None,
    *,
    not_complex: str = "it takes a complex number's absolute value where its rule has two parts",
) -> Adapter:
    return Adapter(
        target=f"optax.{name}",
        rule=configurations[0].rule,
        hyper=hyper,
        states=states,
        modes=_PATHS,
        configurations=configurations,
        count=count,
        declared=True,
        takes="list",
        wrapper=wrappers.OPTAX,
        compiler="jax",
        not_complex=not_complex,
    )


SGD = _adapter(
    "sgd",
    (
        Configuration("plain", {}, "sgd"),
        Configuration("momentum", {}, "momentum", fixed_hyper=_NO_DAMPENING),
        Configuration("nesterov", {"nesterov": True}, "nesterov"),
    ),
    {"lr": "learning_rate", "momentum": "momentum"},
    {"b": "trace"},
    not_complex="",
)
SIGN_SGD = _adapter("sign_sgd", (Configuration("default", {}, "sign_sgd"),), {"lr": "learning_rate"}, {})
LION = _adapter(
    "lion",
    (Configuration("default", {}, "lion"),),
    {"lr": "learning_rate", "beta1": "b1", "beta2": "b2", "weight_decay": "weight_decay"},
    {"m": "mu"},
    "count",
)
ADAGRAD = _adapter(
    "adagrad",
    (Configuration("default", {}, "adagrad_optax", ("initial_accumulator",)),),
    {"lr": "learning_rate", "eps": "eps", "initial_accumulator": "initial_accumulator_value"},
    {"h": "sum_of_squares"},
)
RMSPROP = _adapter(
    "rmsprop",
    (
        Configuration("default", {}, "rmsprop_eps_inside", ("initial_accumulator",)),
        Configuration("eps_outside", {"eps_in_sqrt": False}, "rmsprop", ("initial_accumulator",)),
        Configuration("centered", {"centered": True}, "rmsprop_centered_eps_inside", ("initial_accumulator",)),
        Configuration("centered,eps_outside", {"centered": True, "eps_in_sqrt": False}, "rmsprop_centered"),
        Configuration("momentum", {}, "rmsprop_momentum", _BUFFER),
        Configuration("momentum,eps_outside", {"eps_in_sqrt": False}, "rmsprop_momentum", ("lr_inside",)),
        Configuration("momentum,initial_scale", {"initial_scale": 1.0}, "rmsprop_tf"),
        Configuration("centered,momentum", {"centered": True}, "rmsprop_centered_momentum", _BUFFER),
    ),
    {
        "lr": "learning_rate",
        "beta2": "decay",
        "eps": "eps",
        "momentum": "momentum",
        "initial_accumulator": "initial_scale",
    },
    {"v": "nu", "a": "mu", "b": "negated_trace", "velocity": "negated_trace"},
)
ADADELTA = _adapter(
    "adadelta",
    (Configuration("default", {}, "adadelta", ("coupled_decay",)),),
    {"lr": "learning_rate", "rho": "rho", "eps": "eps", "weight_decay": "weight_decay"},
    {"v": "e_g", "x": "e_x"},
)
ADAM = _adapter(
    "adam",
    (
        Configuration("default", {}, "adam"),
        Configuration("eps_root", {}, "adam", ("eps_root",)),
        Configuration("nesterov", {"nesterov": True}, "nadam_fixed_beta"),
    ),
    _ADAM_HYPER,
    _MOMENTS,
    "count",
)
ADAMW = _adapter(
    "adamw",
    (
        Configuration("default", {}, "adamw"),
        Configuration("nesterov", {"nesterov": True}, "nadam_fixed_beta", ("decoupled_decay",)),
    ),
    {**_ADAM_HYPER, "weight_decay": "weight_decay"},
    _MOMENTS,
    "count",
)
AMSGRAD = _adapter(
    "amsgrad",
    (
        Configuration("default", {}, "amsgrad_corrected_max"),
        Configuration("paper", {"bias_correction_mu": False, "bias_correction_nu": False}, "amsgrad_paper"),
    ),
    _ADAM_HYPER,
    {**_MOMENTS, "v_max": "nu_max"},
    "count",
)
_ADAMAX_HYPER = {"lr": "learning_rate", "beta1": "b1", "beta2": "b2", "eps": "eps"}
ADAMAX = _adapter("adamax", (Configuration("default", {}, "adamax"),), _ADAMAX_HYPER, {"m": "mu", "u": "nu"}, "count")
ADAMAXW = _adapter(
    "adamaxw",
    (Configuration("default", {}, "adamax", ("decoupled_decay",)),),
    {**_ADAMAX_HYPER, "weight_decay": "weight_decay"},
    {"m": "mu", "u": "nu"},
    "count",
)
NADAM = _adapter("nadam", (Configuration("default", {}, "nadam_fixed_beta"),), _ADAM_HYPER, _MOMENTS, "count")
NADAMW = _adapter(
    "nadamw",
    (Configuration("default", {}, "nadam_fixed_beta", ("decoupled_decay",)),),
    {**_ADAM_HYPER, "weight_decay": "weight_decay"},
    _MOMENTS,
    "count",
)
RADAM = _adapter("radam", (Configuration("default", {}, "radam_optax"),), _ADAM_HYPER, _MOMENTS, "count")
RPROP = _adapter(
    "rprop",
    (Configuration("default", {}, "rprop_optax"),),
    {
        "lr": "learning_rate",
        "eta_minus": "eta_minus",
        "eta_plus": "eta_plus",
        "step_min": "min_step_size",
        "step_max": "max_step_size",
    },
    {"step_size": "step_sizes", "pending": "prev_updates"},
)

ALL: tuple[Adapter, ...] = (
    SGD,
    SIGN_SGD,
    RPROP,
    ADAGRAD,
    RMSPROP,
    ADADELTA,
    ADAM,
    ADAMW,
    AMSGRAD,
    ADAMAX,
    ADAMAXW,
    NADAM,
    NADAMW,
    RADAM,
    LION,
)

RECIPROCALS = ("optax.adagrad", "optax.rmsprop")
"""Targets that multiply by the reciprocal of a root or of a sum (``scale_by_rss``, ``scale_by_rms``,
``scale_by_stddev``)."""


DECAYED = ("optax.adamw", "optax.adamaxw", "optax.nadamw")
"""Targets that add the decay to the direction before the learning rate multiplies it (``add_decayed_weights``)."""


def arithmetic_of(mode: str, dtype: str, device: str, target: str = "") -> Arithmetic:
    """Return the arithmetic of ``target`` on a CPU, for parameters of ``dtype``.

    A Python number becomes a weakly typed float32 (float64 with float64 parameters) and then takes the tensor's
    dtype, whatever that is. 1 - beta**t is computed in that wider type and rounded to the tensor's.
    """
    form = FORMATS[dtype]
    wide = form is BINARY64
    compiled = mode == "compiled"
    base = plain(dtype).with_(
        name=f"optax {mode}",
        counted=BINARY64 if wide else BINARY32,
        entry=form,
        relay=None if wide or form is BINARY32 else BINARY32,
        flush=0.0 if form is BINARY16 else form.smallest_normal,
        squared=target == "optax.radam" and not compiled,
        reciprocal_ulps=0.5 if target in RECIPROCALS else 0.0,
        inverse_root_ulps=2.0 if compiled or target in RECIPROCALS else 0.0,
        forms=False,
        form=2 if target in DECAYED else None,
        source=(
            "a Python number takes the array's dtype (JAX, type promotion: weakly typed values), by way of float32; "
            "1 - beta**t is float32 and takes the moment's dtype before it divides (optax, tree_bias_correction); XLA "
            "on the CPU reads and writes subnormals as 0 (ScopedFlushDenormal, xla/pjrt/cpu/cpu_client.cc)"
        ),
    )
    if base.squared:
        base = base.with_(source=f"{base.source}; outside jit beta2**t is repeated squaring (jax.lax.integer_pow)")
    if base.inverse_root_ulps:
        base = base.with_(
            source=f"{base.source}; lax.rsqrt is within 2 ulp (xla/codegen/intrinsic/rsqrt.cc), and x/sqrt(y) "
            "becomes it under jit (xla/hlo/transforms/simplifiers/algebraic_simplifier.cc)"
        )
    return base
