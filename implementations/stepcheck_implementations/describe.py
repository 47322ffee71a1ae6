"""What a target offers, as JSON values: asked of the worker, because only it may import the target."""

from __future__ import annotations

import importlib
import inspect
import os
import platform
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch

from stepcheck_implementations import worker
from stepcheck_implementations.subject import Adapter, Cell, compiles_slowly
from stepcheck_implementations.target import TargetError, load
from stepcheck_reference.script import Group, Literal, Quadratic, Script, Step, Tensor

_PARAMETERS = ("params", "parameters", "tensors", "param", "parameter", "tensor", "theta")


def environment() -> dict[str, Any]:
    """Return versions, and the devices this worker can use: "cpu" and every CUDA device."""
    devices = ["cpu"]
    names = {"cpu": platform.processor() or platform.machine()}
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            devices.append(f"cuda:{number}")
            names[f"cuda:{number}"] = torch.cuda.get_device_name(number)
    return {
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "devices": devices,
        "device_names": names,
    }


def optimizers(library: str) -> list[str]:
    """Return the names of the public optimizer classes in the module ``library``; none where it is not there."""
    try:
        module = importlib.import_module(library)
    except ImportError:
        return []
    names = getattr(module, "__all__", None) or [name for name in dir(module) if not name.startswith("_")]
    base = torch.optim.Optimizer
    found = {name: getattr(module, name, None) for name in names}
    return [name for name, kind in found.items() if isinstance(kind, type) and issubclass(kind, base) and kind != base]


def signature(target: str) -> dict[str, Any]:
    """Return the constructor of ``target``: its arguments without the parameters', defaults and ``takes``.

    Raises TargetError where the target cannot be imported or is nothing that has a ``step``.
    """
    found = load(target)
    return {"target": target, **of(found, target)}


def of(found: object, target: str) -> dict[str, Any]:
    """Return the same of an object; ``takes`` is a guess from the first argument's name for other classes."""
    if not callable(found):
        raise TargetError(f"{target}: is a {type(found).__name__}, but should be an optimizer class")
    kind = found if isinstance(found, type) else None
    if kind is not None and not callable(getattr(found, "step", None)):
        raise TargetError(f"{target}: has no step(), but should be an optimizer class")
    try:
        parameters = [
            entry
            for entry in inspect.signature(found).parameters.values()
            if entry.kind not in (entry.VAR_POSITIONAL, entry.VAR_KEYWORD)
        ]
    except (TypeError, ValueError) as error:
        raise TargetError(f"{target}: has no signature ({error})") from error
    first = parameters[0].name if parameters else ""
    if kind is None or issubclass(kind, torch.optim.Optimizer):
        takes = "groups"
    else:
        takes = "tensor" if first in _PARAMETERS[3:] or parameters[0].annotation in (torch.Tensor, "Tensor") else "list"
    rest = parameters[1:]
    return {
        "signature": f"{target}{_signature_text(found)}",
        "arguments": [entry.name for entry in rest],
        "defaults": {
            entry.name: _plain(entry.default) for entry in rest if entry.default is not inspect.Parameter.empty
        },
        "takes": takes,
    }


def _signature_text(found: Callable[..., Any]) -> str:
    try:
        return str(inspect.signature(found))
    except (TypeError, ValueError):
        return "(...)"


def _plain(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value if isinstance(value, (bool, int, float, str)) or value is None else repr(value)


def keys(found: Callable[..., Any], takes: str, arguments: list[str]) -> dict[str, Any]:
    """Return the names in which ``found`` holds tensors or numbers after one step, and the ``takes`` that works.

    A constructor that needs more than parameters is given ``lr`` 0.01 where it has it; one that still raises
    yields no names, and the error as ``reason``.
    """
    reason = ""
    for candidate in (takes,) if takes == "groups" else (takes, "tensor" if takes == "list" else "list"):
        parameter = torch.nn.Parameter(torch.ones(3))
        parameter.grad = torch.full((3,), 0.5)
        try:
            given = parameter if candidate == "tensor" else [parameter]
            try:
                made = found(given)
            except TypeError:
                made = found(given, **({"lr": 0.01} if "lr" in arguments else {}))
            _stepped(made)
            if parameter.shape != (3,):
                continue
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {error}"
            continue
        return {"takes": candidate, "keys": _held(made, parameter, candidate), "reason": ""}
    return {"takes": takes, "keys": [], "reason": reason}


def _stepped(made: Any) -> None:
    """Take one step; where ``step`` needs a closure, with one that leaves the gradient as it is."""
    needed = [
        entry
        for entry in inspect.signature(made.step).parameters.values()
        if entry.default is entry.empty and entry.kind in (entry.POSITIONAL_ONLY, entry.POSITIONAL_OR_KEYWORD)
    ]
    made.step(*([lambda: torch.zeros(())] if needed else []))


def _held(made: Any, parameter: torch.Tensor, takes: str) -> list[str]:
    table: dict[str, Any] = {}
    if takes == "groups":
        found = getattr(made, "state", {}).get(parameter, {})
        table.update(found if isinstance(found, Mapping) else {})
        table.update({key: value for key, value in made.param_groups[0].items() if key not in made.defaults})
    else:
        table.update(vars(made))
    names = []
    for key, value in table.items():
        entry = value[0] if isinstance(value, (list, tuple)) and value else value
        if isinstance(entry, (int, float, torch.Tensor)) and not isinstance(entry, bool) and entry is not parameter:
            names.append(str(key))
    return names


def _probe_script(adapter: Adapter, dtype: str) -> Script:
    hyper = {"lr": 0.01} if "lr" in adapter.hyper else {}
    return Script((Tensor((2,), dtype, Literal((1.0,))),), (Group((0,), hyper),), (Step((Literal((0.5,)),)),))


def refusal(adapter: Adapter, mode: str, dtype: str, device: str, subject: Callable[..., Any] | None = None) -> str:
    """Return why one plain step of ``mode`` is refused, in the subject's words; "" where it is not.

    Mode single is never called refused for a real dtype: there an error is a finding. Compiled is judged by whether
    there is a compiler, because trying it takes seconds.
    """
    if compiles_slowly(adapter, mode):
        return _compiler_missing(device)
    if adapter.not_complex and dtype.startswith("complex"):
        return adapter.not_complex
    if mode == "single" and not dtype.startswith("complex"):
        return ""
    cell = Cell(adapter.target, adapter.configurations[0].name, mode, dtype, device)
    plain = _probe_script(adapter, dtype)
    fault = worker.run(adapter, cell, plain, subject=subject).fault
    if fault is not None and "closure" in fault.message:
        fault = worker.run(adapter, cell, replace(plain, objective=Quadratic(1.0)), subject=subject).fault
    return fault.message if fault is not None and fault.kind == "raised" else ""


def _compiler_missing(device: str) -> str:
    if not hasattr(torch, "compile"):
        return f"torch {torch.__version__} has no torch.compile"
    if device.startswith("cuda"):
        try:
            import triton  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: F401
        except ImportError:
            return "torch.compile for CUDA needs triton"
        return ""
    wanted = os.environ.get("CXX")
    compilers = (wanted,) if wanted else ("g++", "clang++", "c++", "cl")
    if not any(shutil.which(name) for name in compilers):
        return f"torch.compile for CPU needs a C++ compiler; none of {', '.join(compilers)} is there"
    return ""
