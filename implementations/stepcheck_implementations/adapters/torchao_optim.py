"""torchao's Adam and AdamW: names mapped to the alphabet, and how they compute.

Data only; nothing here imports torch. Sources are files of torchao 0.18.0 (``torchao/optim/adam.py``). What is checked
is their update of parameters whose state is not quantized: every tensor below 4096 elements and every one that the
block size does not divide (``_new_buffer``). Not checked are quantised states (8 and 4 bits, float8), stochastic
rounding and offloading to the CPU: each is an arithmetic of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

from stepcheck_implementations.adapters import wrappers
from stepcheck_implementations.adapters.adapter import Adapter, Configuration
from stepcheck_reference.formats import BINARY32, BINARY64, FORMATS
from stepcheck_reference.oracle.arithmetic import Arithmetic, plain

_PATHS: Mapping[str, Mapping[str, object]] = {"single": {}, "compiled": {"compiled": True}}
"""The update run eagerly, and compiled by torch.compile, which is the library's default."""


def _adapter(
    name: str, rule: str, rewrites: tuple[str, ...], amsgrad: tuple[str, ...], *, configuration: str
) -> Adapter:
    prefix = f"{configuration}," if configuration else ""
    return Adapter(
        target=f"torchao.optim.{name}",
        rule=rule,
        hyper={"lr": "lr", "beta1": "betas[0]", "beta2": "betas[1]", "eps": "eps", "weight_decay": "weight_decay"},
        states={"m": "exp_avg", "v": "exp_avg_sq", "v_max": "max_exp_avg_sq"},
        modes=_PATHS,
        configurations=(
            Configuration(configuration or "default", {}, rule, rewrites),
            Configuration(f"{prefix}amsgrad", {"amsgrad": True}, "amsgrad", amsgrad),
        ),
        declared=True,
        wrapper=wrappers.TORCHAO,
        compiler="own",
        not_complex="it computes in real float32 (torchao/optim/adam.py, p.float())",
    )


def _adam(name: str, configuration: str) -> Adapter:
    return _adapter(name, "adam", ("coupled_decay",), ("coupled_decay",), configuration=configuration)


def _adamw(name: str, configuration: str) -> Adapter:
    return _adapter(name, "adamw", (), ("decoupled_decay",), configuration=configuration)


UNQUANTISED = "unquantised"
"""The configuration whose tensors are too small to be quantized; no script has larger ones."""

ALL: tuple[Adapter, ...] = (
    _adamw("_AdamW", ""),
    _adam("Adam8bit", UNQUANTISED),
    _adamw("AdamW8bit", UNQUANTISED),
    _adam("Adam4bit", UNQUANTISED),
    _adamw("AdamW4bit", UNQUANTISED),
    _adam("AdamFp8", UNQUANTISED),
    _adamw("AdamWFp8", UNQUANTISED),
)


def arithmetic_of(mode: str, dtype: str, device: str, target: str) -> Arithmetic:
    """Return the arithmetic of ``single_param_adam`` for parameters of ``dtype`` on ``device``.

    Everything is computed in float32 and rounded when it is stored; float64 parameters are checked as float64.
    """
    form = FORMATS[dtype]
    cuda = device.startswith("cuda")
    return plain(dtype).with_(
        name=f"torchao {mode}",
        operations=form if form is BINARY64 else BINARY32,
        counted=BINARY32,
        power_ulps=4.0 if cuda else 2.0,
        lerp=True,
        squares=True,
        forms=False,
        form=1,
        source=(
            "computed in float32, rounded when stored; both averages are lerp (ATen/native/Lerp.h); the learning rate "
            "and the step counter are 0-d float32 tensors (all torchao/optim/adam.py); powf is "
            + (
                "within 4 ulp (CUDA C++ Programming Guide, mathematical functions)"
                if cuda
                else "within 1 ulp and one rounding (SLEEF, Sleef_powf8_u10; glibc, powf)"
            )
        ),
    )
