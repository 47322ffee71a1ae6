"""What a target offers, as JSON values; this runs in a worker, because only workers import targets."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from stepcheck_implementations.adapters.adapter import Adapter, Cell, compiles_slowly
from stepcheck_implementations.driver import execution
from stepcheck_implementations.driver.error_text import SubjectRaised, call_subject
from stepcheck_implementations.driver.target import TargetError, load
from stepcheck_implementations.matching.claim import PROBE_HYPER, Claim, is_refusal
from stepcheck_implementations.matching.classes.inheritance import inherited_class
from stepcheck_implementations.matching.fit import Fit, fit_target
from stepcheck_implementations.matching.signature import signature_of
from stepcheck_reference import dataclass_codec
from stepcheck_reference.scripts.script import Group, Literal, Quadratic, Script, Step, Tensor


def environment() -> dict[str, Any]:
    """Return versions, and the devices this worker can use: "cpu" and every CUDA device.

    "accelerator" is the version of CUDA or HIP that torch is built for, "" where it is built for the CPU alone;
    "capability" says which vector instructions its kernels use.
    """
    devices = ["cpu"]
    names = {"cpu": platform.processor() or platform.machine()}
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            devices.append(f"cuda:{number}")
            names[f"cuda:{number}"] = torch.cuda.get_device_name(number)
    return {
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "numpy": str(np.__version__),
        "capability": str(torch.backends.cpu.get_cpu_capability()),
        "platform": platform.platform(),
        "accelerator": str(torch.version.cuda or torch.version.hip or ""),
        "devices": devices,
        "device_names": names,
    }


def optimizers(library: str) -> list[str]:
    """Return the names of ``library``'s own public optimizer classes; none where it is not installed.

    Classes that it re-exports from another library, as timm does torch's AdamW, are not its own.
    """
    try:
        module = importlib.import_module(library)
    except ImportError:
        return []
    names = getattr(module, "__all__", None) or [name for name in dir(module) if not name.startswith("_")]
    base, home = torch.optim.Optimizer, library.partition(".")[0]
    objects = {name: getattr(module, name, None) for name in names}
    kinds = {name: kind for name, kind in objects.items() if isinstance(kind, type) and issubclass(kind, base)}
    return [name for name, kind in kinds.items() if kind != base and kind.__module__.partition(".")[0] == home]


def signature(target: str) -> dict[str, Any]:
    """Return what ``target`` takes, as text, and what its arguments default to.

    Raises TargetError where the target cannot be imported or can be no optimizer.
    """
    return signature_json(load(target), target)


def signature_json(target_object: object, target: str) -> dict[str, Any]:
    """Return the same of an object; ``target`` is its name."""

    def described() -> dict[str, Any]:
        signature = signature_of(target_object, target)
        return {
            "signature": f"{target}{signature.text}",
            "arguments": list(signature.names),
            "open_ended": signature.open_ended,
            "required": list(signature.required),
            "inherits": inherited_class(target_object),
            "defaults": {name: _plain(value) for name, value in signature.defaults.items()},
        }

    try:
        description: dict[str, Any] = call_subject(described)
        return description
    except SubjectRaised as error:
        if isinstance(error.__cause__, TargetError):
            raise error.__cause__ from None
        raise TargetError(f"{target}: its signature cannot be read: {error.message}") from error


def _plain(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value if isinstance(value, (bool, int, float, str)) or value is None else repr(value)


def fit(target_object: object, target: str, claim: Claim, steps: int) -> dict[str, Any]:
    """Return ``target_object`` matched to ``claim`` after a trial of ``steps`` steps, as JSON values; see ``fit.Fit``.

    The trial may print and change global state, so it belongs into a process that is discarded afterwards. Where it
    leaves things that cannot be worked with, the result is {"ended": why}, as if it had ended its process.
    """

    def tried() -> Fit:
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a wrong way to build it may warn
            return fit_target(target_object, target, claim, steps)

    try:
        fitted: Fit = call_subject(tried)
    except SubjectRaised as error:
        if isinstance(error.__cause__, TargetError):
            raise error.__cause__ from None
        return {"ended": error.message}
    return {
        "adapter": dataclass_codec.encode(fitted.adapter),
        "signature": fitted.signature,
        "defaults": dict(fitted.defaults),
        "reads": fitted.reads,
        "agrees": fitted.agrees,
        "left": fitted.left,
        "spare": fitted.spare,
        "refused": fitted.refused,
    }


def _probe_script(adapter: Adapter, dtype: str) -> Script:
    names = ("lr",) if adapter.declared else tuple(adapter.hyper)
    hyper = {name: PROBE_HYPER.get(name, 0.5) for name in names if name in adapter.hyper}
    return Script((Tensor((2,), dtype, Literal((1.0,))),), (Group((0,), hyper),), (Step((Literal((0.5,)),)),))


def refusal(adapter: Adapter, mode: str, dtype: str, device: str, subject: Callable[..., Any] | None = None) -> str:
    """Return why one plain step of ``mode`` is refused, in the subject's words; "" where it is not.

    Mode single is refused for a real dtype only by a class without an adapter that says so loudly, and never for
    float32: any other error there is a failure to report. Whether mode compiled is available depends on the compiler
    alone, because trying it takes seconds.
    """
    if compiles_slowly(adapter, mode):
        return _compiler_missing(device)
    if adapter.compiler == "jax" and device != "cpu":
        return "its arithmetic is declared on the CPU only"
    if adapter.not_complex and dtype.startswith("complex"):
        return adapter.not_complex
    plainly = mode == "single" and not dtype.startswith("complex")
    if plainly and (adapter.declared or dtype == "float32"):
        return ""
    cell = Cell(adapter.target, adapter.configurations[0].name, mode, dtype, device)
    plain = _probe_script(adapter, dtype)
    fault = execution.run(adapter, cell, plain, subject=subject).fault
    if fault is not None and "closure" in fault.message:
        fault = execution.run(adapter, cell, replace(plain, objective=Quadratic(1.0)), subject=subject).fault
    if fault is None or fault.kind != "raised":
        return ""
    return "" if plainly and not is_refusal(fault) else fault.message


def _compiler_missing(device: str) -> str:
    if not hasattr(torch, "compile"):
        return f"torch {torch.__version__} has no torch.compile"
    if device.startswith("cuda"):
        try:
            import triton  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: F401
        except ImportError:
            return "torch.compile for CUDA needs triton"
        return ""
    chosen = os.environ.get("CXX")
    compilers = (chosen,) if chosen else ("g++", "clang++", "c++", "cl")
    if not any(shutil.which(name) for name in compilers):
        return f"torch.compile for CPU needs a C++ compiler; none of {', '.join(compilers)} is installed"
    return ""
