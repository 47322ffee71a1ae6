"""How torch.optim computes: the arithmetic of each class, mode, dtype and device, every figure with its source.

Sources are files of torch 2.13: ``torch/optim/*.py``, and the kernels under ``aten/src/ATen/native``. ``HABITS`` says
where the code of a class differs from the others'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepcheck_reference.formats import BFLOAT16, BINARY16, BINARY32, FORMATS, Format
from stepcheck_reference.oracle.arithmetic import Arithmetic, plain

TRACED = frozenset({"capturable", "compiled"})
"""Modes that take a class' capturable code: ``torch.compile`` sets that flag, where a class has it
(torch/_dynamo/variables/optimizer.py, ``_set_capturable``), and ``_get_value`` leaves a tensor a tensor."""

TENSORS = TRACED | {"differentiable"}
"""Modes that take the capturable code where it asks ``capturable or differentiable``."""


@dataclass(frozen=True, slots=True)
class Habit:
    """Where the code of one class differs from the others.

    ``alphas`` are scalars that reach a kernel as the ``alpha`` of an addition or are written into a tensor, and so are
    rounded to its dtype. In modes ``counted`` what depends on the step counter, or on a state that is one number
    a tensor, is computed in 0-d tensors. In modes ``folded`` scalar factors are multiplied into a divisor; in modes
    ``forms`` a new value is computed in another form than the rule's first. ``source`` names the function.
    """

    source: str
    alphas: frozenset[str] = frozenset()
    counted: frozenset[str] = TRACED
    folded: frozenset[str] = frozenset()
    forms: frozenset[str] = frozenset()


def _alphas(*names: str) -> frozenset[str]:
    return frozenset(names)


_ADAM = Habit("adam.py, _single_tensor_adam", _alphas("weight_decay"), counted=TENSORS, folded=TENSORS)

HABITS: Mapping[str, Habit] = {
    "torch.optim.SGD": Habit("sgd.py, _single_tensor_sgd", _alphas("lr", "weight_decay", "dampening")),
    "torch.optim.Adam": _ADAM,
    "torch.optim.AdamW": _ADAM,
    "torch.optim.Adagrad": Habit("adagrad.py, _single_tensor_adagrad", _alphas("weight_decay")),
    "torch.optim.RMSprop": Habit("rmsprop.py, _single_tensor_rmsprop", _alphas("lr", "weight_decay")),
    "torch.optim.Adadelta": Habit("adadelta.py, _single_tensor_adadelta", _alphas("lr", "weight_decay")),
    "torch.optim.Adamax": Habit("adamax.py, _single_tensor_adamax", _alphas("weight_decay"), folded=TRACED),
    "torch.optim.NAdam": Habit("nadam.py, _single_tensor_nadam", _alphas("weight_decay"), counted=TENSORS),
    "torch.optim.RAdam": Habit(
        "radam.py, _multi_tensor_radam",
        _alphas("weight_decay"),
        folded=frozenset({"foreach"}),
        forms=frozenset({"foreach"}),
    ),
    "torch.optim.ASGD": Habit(
        "asgd.py, _multi_tensor_asgd",
        _alphas("weight_decay", "eta", "lambd"),
        counted=TRACED | {"foreach"},
        forms=TRACED | {"foreach"},
    ),
    "torch.optim.Rprop": Habit("rprop.py, _single_tensor_rprop", _alphas("eta_minus", "eta_plus")),
}
"""Every class by target."""


def arithmetic_of(mode: str, dtype: str, device: str, target: str) -> Arithmetic:
    """Return the arithmetic torch.optim declares for ``target`` in ``mode``, tensors of ``dtype``, and ``device``.

    Scalars are Python floats, that is binary64, where ``_get_value`` (torch/optim/optimizer.py) takes the step counter
    out of its tensor, and 0-d float32 tensors where the counter stays in it. Averages are ``lerp_``
    (ATen/native/Lerp.h) everywhere. A state that is one number a tensor should be as wide as that tensor, and float32
    at least, where scalars are Python floats otherwise: a single or foreach path has no reason to narrow it. Raises
    KeyError for a target that is not torch.optim's, ValueError for an unknown mode.
    """
    form, cuda, habit = FORMATS[dtype], device.startswith("cuda"), HABITS[target]
    if mode not in ("single", "foreach", "fused", "differentiable", "capturable", "compiled"):
        raise ValueError(f"mode={mode!r}, but should be single, foreach, fused, differentiable, capturable or compiled")
    sources = [f"averages: ATen/native/Lerp.h; formula: torch/optim/{habit.source}"]
    scalar_states = BINARY32 if _narrow(form) or mode in habit.counted & TENSORS else form
    figures: dict[str, object] = {"lerp": True, "scalar_states": scalar_states, "forms": mode in habit.forms}
    if mode == "fused":
        figures["operations"] = BINARY32 if _narrow(form) else form
        sources.append(
            "scalars: double (ATen/native/cpu/Fused*Kernel.cpp, ATen/native/cuda/fused_adam_utils.cuh); narrow tensors "
            "are computed in opmath_t, float32, and rounded when stored"
        )
    elif not cuda:
        figures |= {"addend": form, "alphas": habit.alphas}
        sources.append(
            "a scalar enters a kernel in its accumulate type (ATen/OpMathType.h), but on CPU an addition's scalar and "
            "alpha are first cast to the tensor's dtype (ATen/native/ufunc/add.h)"
        )
    if mode in habit.counted:
        figures |= {"counted": scalar_states, "power_ulps": 4.0 if cuda else 2.0}
        sources.append(
            "the step counter is a 0-d float32 tensor (torch/optim/optimizer.py, _get_scalar_dtype) and so is what is "
            "computed from it; powf is "
            + (
                "within 4 ulp (CUDA C++ Programming Guide, mathematical functions)"
                if cuda
                else "within 1 ulp and one rounding (SLEEF, Sleef_powf8_u10; glibc, powf)"
            )
        )
        if cuda and mode == "capturable":
            figures["counted_entry"] = form
            sources.append(
                "on CUDA a 0-d tensor is cast to the dtype of the tensor it meets; a scalar of the CPU is taken as it "
                "is (ATen/native/cuda/Loops.cuh, opmath_gpu_kernel_with_scalars)"
            )
    else:
        sources.append("scalars: Python floats (torch/optim/optimizer.py, _get_value)")
    if mode in habit.folded:
        figures["folded"] = True
        sources.append("the step size is folded into the divisor (the same function)")
    return plain(dtype).with_(name=f"torch {mode}", source="; ".join(sources), **figures)


def _narrow(form: Format) -> bool:
    return form is BINARY16 or form is BFLOAT16
