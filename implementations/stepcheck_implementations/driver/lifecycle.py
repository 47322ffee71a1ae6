"""What happens to an optimizer between its steps: it is saved, copied, loaded, given groups, its gradients reset."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from stepcheck_implementations.driver.error_text import Malformed, call_subject
from stepcheck_implementations.driver.invocation import through_a_pickle
from stepcheck_implementations.driver.observing.contracts import same_values
from stepcheck_implementations.driver.portable import through_file
from stepcheck_implementations.driver.subject import Subject
from stepcheck_reference.scripts.script import ASIDE, COPIES, Script
from stepcheck_reference.scripts.trajectory import OFFERS

OTHER_GRADIENT = 0.5
"""The gradient of every element of an optimizer that is not the script's."""


def reload(subject: Subject, how: str, into: str, number: int, *, by_closure: bool = False) -> None:
    """Interrupt the run before step ``number`` as ``RELOADS`` says, ``into`` another mode.

    ``by_closure`` says that every step takes a closure. Nothing is done where an object has no ``state_dict`` and one
    is needed.
    """
    if how in COPIES:
        subject.replace(*_copied(subject, how))
        return
    if how in ASIDE and how != "loaded_aside":
        step_once(*_copied(subject, how.removesuffix("_aside")), by_closure=by_closure)
        return
    if not all(hasattr(optimizer, "state_dict") for optimizer in subject.objects):
        return
    saved = [copy.deepcopy(call_subject(optimizer.state_dict)) for optimizer in subject.objects]
    if how == "saved":
        saved = [call_subject(partial(through_file, state)) for state in saved]
    if how == "loaded_aside":
        other = subject.sibling(number)
        _load(other, saved)
        step_once(other.parameters, other.objects, by_closure=by_closure)
        return
    if into:
        subject.switch_mode(into)
        for state in saved:
            _change_mode(state, subject.adapter.modes[into])
    if how == "loaded_twice":
        kept = copy.deepcopy(saved)
        subject.construct(number)
        _load(subject, saved)
        _check_unchanged(saved, kept)
    subject.construct(number)
    _load(subject, saved)


def _load(subject: Subject, saved: Iterable[Any]) -> None:
    for optimizer, state in zip(subject.objects, saved, strict=True):
        call_subject(partial(optimizer.load_state_dict, state))


def _copied(subject: Subject, how: str) -> tuple[list[torch.nn.Parameter], list[Any]]:
    """Return copies of the parameters and objects."""
    classes = (subject.build, *dict.fromkeys(type(optimizer) for optimizer in subject.objects))
    copied = copy.deepcopy if how == "copied" else partial(through_a_pickle, classes=classes)
    parameters, objects = call_subject(lambda: copied((subject.parameters, subject.objects)))
    return parameters, objects


def _change_mode(state_dict: Any, options: Mapping[str, Any]) -> None:
    """Overwrite what the groups of a state dict say of execution paths by ``options``."""
    for group in state_dict.get("param_groups", ()) if isinstance(state_dict, dict) else ():
        group.update({name: value for name, value in options.items() if name in group})


def _check_unchanged(saved: Sequence[Any], kept: Sequence[Any]) -> None:
    """Raise Malformed where loading ``saved`` has changed it from ``kept``."""
    where = call_subject(lambda: _difference(list(saved), list(kept), 6))
    if where is not None:
        raise Malformed(f"load_state_dict modified the state dict that it was given{where}")


def _difference(one: Any, other: Any, depth: int) -> str | None:
    """Return where two values of plain data and tensors differ, None where they do not."""
    if type(one) is not type(other):
        return ""
    if isinstance(one, torch.Tensor):
        return None if one.layout == other.layout and same_values(one, other) else ""
    if isinstance(one, (bool, int, str)) or one is None:
        return None if one == other else ""
    if isinstance(one, float):
        return None if one == other or (one != one and other != other) else ""
    if depth and isinstance(one, dict):
        if list(one) != list(other):
            return ""
        inside = ((f"[{key!r}]", _difference(one[key], other[key], depth - 1)) for key in one)
    elif depth and isinstance(one, (list, tuple)):
        if len(one) != len(other):
            return ""
        pairs = zip(one, other, strict=True)
        inside = ((f"[{at}]" if depth < 6 else "", _difference(*pair, depth - 1)) for at, pair in enumerate(pairs))
    else:
        return None
    return next((f" at {key}{rest.removeprefix(' at ')}" for key, rest in inside if rest is not None), None)


def step_once(parameters: Sequence[torch.nn.Parameter], objects: Sequence[Any], *, by_closure: bool = False) -> None:
    """Take a step that is not the script's, in which every element has the same gradient.

    With ``by_closure`` it takes a closure, which leaves the gradients as they are.
    """
    closure = (lambda: torch.zeros(()),) if by_closure else ()
    with torch.no_grad():
        for parameter in parameters:
            parameter.grad = torch.full_like(parameter, OTHER_GRADIENT)
    for optimizer in objects:
        call_subject(partial(optimizer.step, *closure))


def other_script(script: Script) -> Script:
    """Return the script of another optimizer: of the same tensors, each group with the next one's hyper-parameters."""
    hypers = [group.hyper for group in script.groups]
    groups = tuple(
        replace(group, hyper=hypers[(number + 1) % len(hypers)]) for number, group in enumerate(script.groups)
    )
    return replace(script, groups=groups, steps=(), invocation=())


def zero_grad(subject: Subject, how: str) -> None:
    """Reset gradients by ``zero_grad`` as ``how`` says; do nothing where an object has no such method.

    Raises Malformed where a gradient is left afterwards that is neither None nor zero in the memory it had.
    """
    if not all(callable(getattr(optimizer, "zero_grad", None)) for optimizer in subject.objects):
        return
    options = {} if how == "plain" or subject.adapter.takes != "groups" else {"set_to_none": how == "none"}
    earlier = [parameter.grad for parameter in subject.parameters]
    for optimizer in subject.objects:
        call_subject(partial(optimizer.zero_grad, **options))
    call = f"zero_grad({', '.join(f'{name}={value}' for name, value in options.items())})"
    for index, (parameter, gradient) in enumerate(zip(subject.parameters, earlier, strict=True)):
        now = parameter.grad
        if now is None and (not options or how == "none" or gradient is None):
            continue
        if how == "none" and options:
            raise Malformed(f"{call} left p{index}.grad={_shown(now)}, but should set it to None")
        if now is None or now is not gradient:
            raise Malformed(f"{call} left p{index}.grad={_shown(now)}, but should set it to zero in the same memory")
        if bool((now != 0).any()):
            raise Malformed(f"{call} left p{index}.grad={_shown(now)}, but should reset it")


def _shown(gradient: torch.Tensor | None) -> str:
    if gradient is None:
        return "None"
    first = gradient.detach().flatten()[:1].tolist()
    return f"a tensor that begins with {first[0]!r}" if first else "a tensor"


def offers(objects: Sequence[Any]) -> tuple[str, ...]:
    """Return which of ``OFFERS`` every one of ``objects`` has."""
    return tuple(name for name in OFFERS if objects and all(_has(optimizer, name) for optimizer in objects))


def _has(optimizer: Any, name: str) -> bool:
    try:
        return bool(getattr(optimizer, name, False))
    except Exception:
        return False
