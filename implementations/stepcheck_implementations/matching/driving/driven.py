"""Driven: an optimizer whose method takes gradients, with the class that calls it, found by trying."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.matching import trial
from stepcheck_implementations.matching.aliases import TENSOR_LISTS
from stepcheck_implementations.matching.driving.array_kinds import array_kinds
from stepcheck_implementations.matching.driving.class_text import CONTAINERS, Drive, render_drive, render_with_closure
from stepcheck_implementations.matching.driving.method import RETURN_CHANGES, method_of, needs_closure
from stepcheck_implementations.matching.trial import Trial
from stepcheck_implementations.matching.update_function import compile_class, function_name

_STEPS = 3


@dataclass(frozen=True, slots=True)
class Driven:
    """What builds an optimizer from a tensor or a list of them (``takes``), and its text.

    ``takes`` is "" for a class that is built from the same as without.
    """

    build: Callable[..., Any]
    text: str
    takes: str = ""


def driven(target_object: Any, target: str, given: Callable[[], Mapping[str, Any]]) -> Driven | None:
    """Return how ``target_object`` is driven, None where it has ``step()``; it is tried with what ``given`` returns.

    Raises TargetError where its method cannot be called, or changes nothing.
    """
    if needs_closure(target_object):
        name = function_name(target)
        text = render_with_closure(name)
        return Driven(compile_class(text, {name: target_object}), text)
    method = method_of(target_object)
    if method is None:
        return None
    arguments, failures = given(), list[str]()
    plural = any(name in TENSOR_LISTS or name.endswith("s") for name, role in method.roles.items() if role == "params")
    containers = CONTAINERS if plural or method.constructor else (CONTAINERS[2], *CONTAINERS[:2])
    for arrays in array_kinds(target_object):
        for container in containers:
            drive = Drive(function_name(target), method, arrays, container)
            found = _completed(target_object, drive, arguments, failures)
            if found is not None:
                return found
    raise TargetError(
        f"{target}: its {method.name}({', '.join(method.roles)}) was given torch tensors and NumPy arrays, by name, in "
        f"a list and alone, and changed none: {failures[0]}. Name a function of the parameters instead that returns an "
        "object whose step() reads each gradient from its parameter's .grad"
    )


def _completed(target_object: Any, drive: Drive, arguments: Mapping[str, Any], failures: list[str]) -> Driven | None:
    """Return ``drive`` with what its method returns and what it shares between parameters; None where it fails."""
    tried = _tried(target_object, drive, arguments, keep=True)
    if tried.reason:
        failures.append(tried.reason)
        return None
    drive = replace(drive, returns=_returns(drive, tried))
    alone = _tried(target_object, drive, arguments)
    if alone.reason or not alone.updates or not all(math.isfinite(value) for value in alone.theta[-1]):
        failures.append(alone.reason or "the parameters stay as they are")
        return None
    if drive.container != "single":
        together = _tried(target_object, replace(drive, takes="list"), arguments)
        size = len(alone.theta[0])
        if [row[:size] for row in together.theta] != alone.theta:
            drive = replace(drive, takes="list")
    return Driven(_compiled(target_object, drive), render_drive(drive), drive.takes)


def _compiled(target_object: Any, drive: Drive, *, keep: bool = False) -> Callable[..., Any]:
    return compile_class(render_drive(drive, keep=keep), {drive.kind: target_object})


def _tried(target_object: Any, drive: Drive, arguments: Mapping[str, Any], *, keep: bool = False) -> Trial:
    build = _compiled(target_object, drive, keep=keep)
    return trial.run_trial(build, drive.takes, arguments, steps=1 if keep else _STEPS)


def _returns(drive: Drive, tried: Trial) -> str:
    """Return what the method returned at its first step, as in ``Drive``."""
    if tried.updates:
        return ""
    answer = tried.subject.answer
    if _is_like(answer, drive, tried):
        return "changes" if drive.method.name in RETURN_CHANGES else "params"
    if isinstance(answer, (list, tuple)) and answer and _is_like(answer[0], drive, tried):
        return "first"
    return ""


def _is_like(answer: Any, drive: Drive, tried: Trial) -> bool:
    """Whether ``answer`` has the form in which parameters are given."""
    if drive.container == "dict":
        answer = answer.get("p0") if isinstance(answer, dict) else None
    elif drive.container == "list":
        answer = answer[0] if isinstance(answer, (list, tuple)) and len(answer) == len(tried.locations) else None
    shape = tuple(tried.locations[0].parameter.shape)
    return isinstance(answer, (torch.Tensor, np.ndarray)) and tuple(answer.shape) == shape
