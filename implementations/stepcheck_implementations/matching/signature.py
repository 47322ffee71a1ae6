"""Signatures: the arguments of a target, or why it cannot be an optimizer."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass

from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.matching.driving.method import method_of, needs_closure
from stepcheck_implementations.matching.transformations import is_factory


@dataclass(frozen=True, slots=True)
class Signature:
    """The arguments of a callable.

    ``first`` takes the parameters ("" where none does), ``names`` are the others, ``required`` those without a default,
    ``positional`` those that are positional only. ``open_ended`` says that there is a ``**kwargs``, ``one`` that the
    first is annotated as a single tensor; ``text`` is the signature in print.
    """

    first: str
    names: tuple[str, ...]
    defaults: Mapping[str, object]
    required: tuple[str, ...]
    positional: tuple[str, ...]
    open_ended: bool
    one: bool
    text: str


def signature_of(target_object: object, target: str) -> Signature:
    """Return the signature of ``target_object``; raises TargetError where it cannot be an optimizer."""
    if not callable(target_object):
        what = "module" if inspect.ismodule(target_object) else f"{type(target_object).__name__} object"
        hint = (
            "; name its class, or a function that builds it" if callable(getattr(target_object, "step", None)) else ""
        )
        raise TargetError(f"{target}: is a {what}, but should be an optimizer class or an update function{hint}")
    method = method_of(target_object)
    if isinstance(target_object, type) and method is None and not callable(getattr(target_object, "step", None)):
        raise TargetError(
            f"{target}: has no step(), but should be an optimizer class or an update function; a class is also driven "
            f"by update(params, grads), step(params, grads), or step(grads) where it is built from params"
        )
    try:
        entries = list(inspect.signature(target_object).parameters.values())
    except (TypeError, ValueError) as error:
        raise TargetError(f"{target}: has no signature ({error})") from error
    named = [entry for entry in entries if entry.kind not in (entry.VAR_POSITIONAL, entry.VAR_KEYWORD)]
    if is_factory(target_object) or (method is not None and not method.constructor):
        return _signature("", named, entries)
    if not entries or (not named and entries[0].kind != inspect.Parameter.VAR_POSITIONAL):
        raise TargetError(f"{target}: takes {_text(entries)}, but should take the parameters first")
    first, rest = (named[0], named[1:]) if named else (entries[0], [])
    one = str(first.annotation).rpartition(".")[2].strip("'>") in ("Tensor", "Parameter")
    return _signature(first.name, rest, entries, one=one)


def _signature(
    first: str, rest: list[inspect.Parameter], entries: list[inspect.Parameter], *, one: bool = False
) -> Signature:
    return Signature(
        first=first,
        names=tuple(entry.name for entry in rest),
        defaults={entry.name: entry.default for entry in rest if not _is_required(entry)},
        required=tuple(entry.name for entry in rest if _is_required(entry)),
        positional=tuple(entry.name for entry in rest if entry.kind == entry.POSITIONAL_ONLY),
        open_ended=any(entry.kind == entry.VAR_KEYWORD for entry in entries),
        one=one,
        text=_text(entries),
    )


def _is_required(entry: inspect.Parameter) -> bool:
    """Whether an argument has no default, or the one by which torch's optimizers once said so."""
    return entry.default is entry.empty or repr(entry.default) == "<required parameter>"


def _text(entries: list[inspect.Parameter]) -> str:
    plain = [entry.replace(annotation=entry.empty) for entry in entries]
    return str(inspect.Signature(plain))


def check_step(kind: type, target: str) -> None:
    """Raise TargetError where ``step()`` of ``kind`` has required arguments with which it is not driven."""
    if method_of(kind) is not None or needs_closure(kind):
        return
    try:
        entries = list(inspect.signature(kind.step).parameters.values())[1:]  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    required = [entry.name for entry in entries if entry.default is entry.empty and entry.kind in kinds]
    if required:
        raise TargetError(
            f"{target}: step() needs {', '.join(required)}, but should read each gradient from its parameter's .grad, "
            "or take parameters and gradients alone, as step(params, grads). Name a function of the parameters instead "
            "that returns an object with such a step()"
        )
