"""The API of an optimizer class and of its library, as JSON values: what an upgrade may change."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler

from stepcheck_implementations.driver.observing import state_access
from stepcheck_implementations.driver.target import TargetError, load
from stepcheck_implementations.matching.signature import signature_of
from stepcheck_implementations.recorder import bad_arguments
from stepcheck_implementations.recorder.bad_arguments import FLAGS
from stepcheck_implementations.recorder.captured_warnings import captured_warnings, count_lines, stable_error
from stepcheck_implementations.recorder.json_values import layout, to_json_value, type_text
from stepcheck_implementations.recorder.minimal_run import MinimalRun, find_minimal_run
from stepcheck_implementations.recorder.serialize import type_name

_DTYPES = ("float64", "bfloat16", "float16", "complex64")
"""The dtypes besides float32 in which parameters are stepped, to record the dtypes of their state."""


def target_api(target: str) -> dict[str, Any]:
    """Return the API of ``target``, the same in every run.

    "signature", "bases" and "members" are as in ``static_api``. "way" says how it was built and stepped (see
    ``find_minimal_run``). It is None where no run was found, and then the rest is missing: "defaults" and "groups" (key
    to type and value), "state_dict" ("before" and "after" a step: path to type), "state_with" (what a parameter's state
    is with each option and dtype, or the error), "warnings" ("construction" and "step") and "errors" (see
    ``bad_argument_results``). Raises TargetError where ``target`` does not exist or cannot be an optimizer.
    """
    with captured_warnings():
        target_object = load(target)
    return api_of(target_object, target)


def api_of(target_object: Any, target: str) -> dict[str, Any]:
    """Return the API of an object; ``target`` is its name."""
    signature = signature_of(target_object, target)
    run = find_minimal_run(target_object, signature)
    facts: dict[str, Any] = {
        "target": target,
        **static_api(target_object),
        "way": None if run is None else run.to_json(),
    }
    if run is None:
        return facts
    errors = bad_arguments.bad_argument_results(target_object, run)
    return {**facts, **_built(target_object, run), "state_with": _states(target_object, run), "errors": errors}


def static_api(target_object: Any) -> dict[str, Any]:
    """Return the "signature", "bases" and "members" of a class or function, without building anything.

    The signature lists its parameters' names, kinds and defaults; bases are qualified names along the method resolution
    order; members are the public names that a class defines itself, each with its kind.
    """
    facts: dict[str, Any] = {"signature": _signature(target_object)}
    if isinstance(target_object, type):
        facts["bases"] = [_qualified(base) for base in target_object.__mro__[1:]]
        facts["members"] = {
            name: _member(entry) for name, entry in sorted(vars(target_object).items()) if name[0] != "_"
        }
    return facts


def _signature(target_object: Any) -> list[dict[str, Any]]:
    try:
        entries = inspect.signature(target_object).parameters.values()
    except (TypeError, ValueError):
        return []
    return [
        {"name": entry.name, "kind": entry.kind.name.lower()}
        | ({} if entry.default is entry.empty else {"default": to_json_value(entry.default)})
        for entry in entries
    ]


def _qualified(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _member(entry: Any) -> str:
    inside = entry.__func__ if isinstance(entry, (staticmethod, classmethod)) else entry
    if not inspect.isfunction(inside):
        return type_name(entry)
    entries = [parameter.replace(annotation=parameter.empty) for parameter in _parameters(inside)]
    shown = ", ".join(str(parameter) if _is_plain(parameter) else parameter.name for parameter in entries)
    return f"{type_name(entry)}({shown})"


def _parameters(function: Any) -> list[inspect.Parameter]:
    return list(inspect.signature(function).parameters.values())


def _is_plain(parameter: inspect.Parameter) -> bool:
    """Whether its default, if any, is written the same in every run."""
    return parameter.default is parameter.empty or not isinstance(to_json_value(parameter.default), dict)


def _built(target_object: Callable[..., Any], run: MinimalRun) -> dict[str, Any]:
    parameters = run.parameters()
    with captured_warnings() as at_construction:
        optimizer = run.build(target_object, list(parameters))
    if not state_access.is_optimizer(optimizer):
        return {"warnings": {"construction": count_lines(at_construction)}}
    tables = {"defaults": _typed(getattr(optimizer, "defaults", {})), "groups": _typed(optimizer.param_groups[0])}
    before = _layout(optimizer)
    with captured_warnings() as at_step:
        run.step(optimizer, parameters)
    return {
        **tables,
        "state_dict": {"before": before, "after": _layout(optimizer)},
        "warnings": {"construction": count_lines(at_construction), "step": count_lines(at_step)},
    }


def _typed(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return each key's type and value; of the parameters, their number."""
    return {
        str(key): {"type": type_text(value), "value": len(value) if key == "params" else to_json_value(value)}
        for key, value in table.items()
    }


def _layout(optimizer: Any) -> dict[str, str]:
    with captured_warnings():
        try:
            return dict(layout(optimizer.state_dict()))
        except Exception as error:
            return {"": stable_error(error)}


def _states(target_object: Callable[..., Any], run: MinimalRun) -> dict[str, Any]:
    """Return the layout of a parameter's state after a step with each option and dtype, or the error."""
    states: dict[str, Any] = {}
    for entry in inspect.signature(target_object).parameters.values():
        value = _alternative(entry)
        if value is not None:
            states[f"{entry.name}={value!r}"] = _state(target_object, run, torch.float32, **{entry.name: value})
    for name in _DTYPES:
        states[name] = _state(target_object, run, getattr(torch, name))
    return states


def _alternative(entry: inspect.Parameter) -> Any:
    """Return a value that switches on what an argument's default leaves off, None where there is none."""
    if isinstance(entry.default, bool) or entry.name in FLAGS:
        return not entry.default
    number = isinstance(entry.default, (int, float)) and entry.default == 0
    return 0.5 if number else None


def _state(target_object: Callable[..., Any], run: MinimalRun, dtype: torch.dtype, **arguments: Any) -> Any:
    parameters = run.parameters(dtype)
    with captured_warnings():
        try:
            optimizer = run.build(target_object, list(parameters), **arguments)
            run.step(optimizer, parameters)
            return dict(layout(optimizer.state_dict()["state"])) if state_access.is_optimizer(optimizer) else {}
        except (Exception, SystemExit) as error:
            return stable_error(error)


def library_api(library: str) -> dict[str, Any]:
    """Return the public names of ``library`` and of its public submodules: module to name to kind.

    Kinds are "optimizer", "scheduler", "class", "function", "module" and, for values, their type. Raises TargetError
    where the library cannot be imported.
    """
    with captured_warnings():
        try:
            module = importlib.import_module(library)
        except Exception as error:
            raise TargetError(f"{library}: importing it raised {stable_error(error)}") from error
    modules = {library: module}
    for name, entry in _public(module):
        if isinstance(entry, ModuleType) and entry.__name__ == f"{library}.{name}":
            modules[entry.__name__] = entry
    return {
        "library": library,
        "modules": {name: {key: _kind(entry) for key, entry in _public(public)} for name, public in modules.items()},
    }


def _public(module: ModuleType) -> Iterator[tuple[str, Any]]:
    names = getattr(module, "__all__", None) or [name for name in dir(module) if not name.startswith("_")]
    for name in sorted(names):
        if hasattr(module, name):
            yield name, getattr(module, name)


def _kind(entry: Any) -> str:
    if isinstance(entry, type):
        kinds = (("optimizer", torch.optim.Optimizer), ("scheduler", LRScheduler))
        return next((word for word, base in kinds if issubclass(entry, base)), "class")
    if isinstance(entry, ModuleType):
        return "module"
    return "function" if inspect.isroutine(entry) else type_name(entry)
