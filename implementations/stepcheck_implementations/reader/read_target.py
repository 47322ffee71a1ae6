"""Read target: an optimizer class or factory in, the equations of its steps out, as plain data."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from stepcheck_implementations.adapters import libraries, wrappers
from stepcheck_implementations.adapters.adapter import Adapter
from stepcheck_implementations.driver.error_text import SubjectRaised, one_line
from stepcheck_implementations.driver.inputs.arguments import arguments
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.matching.aliases import SINGLE_TENSORS, TENSOR_LISTS
from stepcheck_implementations.matching.claim import PROBE_HYPER
from stepcheck_implementations.matching.classes.parameter_inputs import input_wrapper
from stepcheck_implementations.matching.signature import Signature, check_step, signature_of
from stepcheck_implementations.matching.trial import TAKES
from stepcheck_implementations.reader.answer import answer
from stepcheck_implementations.reader.argument_names import names_of, symbols_of
from stepcheck_implementations.reader.reading_run import Construction, PlainRun, ReadRun, plain_run, read_run
from stepcheck_reference.suggest import unknown

OTHER_SCALE = 0.9375
"""What numbers are multiplied by in the second run: what is the same expression in both was followed."""
FLAGS = ("foreach", "fused", "differentiable", "capturable")
"""Arguments that select an execution path when true."""


def read(
    target_object: Any,
    target: str,
    *,
    configuration: str = "",
    mode: str = "single",
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the reading of ``target_object`` in one configuration and mode; see ``answer``.

    ``options`` are values of constructor arguments, which are not symbols then. Raises TargetError where it cannot be
    built or stepped.
    """
    options = dict(options or {})
    signature = signature_of(target_object, target)
    if isinstance(target_object, type):
        check_step(target_object, target, closure=False)
    adapter = libraries.find(target)
    numbers, symbols, fixed = _arguments(target, signature, adapter, configuration, mode, options)
    wrapper = adapter.wrapper if adapter is not None and adapter.wrapper else input_wrapper(signature.first)
    build = wrappers.load_wrapper(wrapper)(target_object, adapter) if wrapper else target_object
    failures: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for values in (numbers, names_of(signature, only_defaults=True, taken=fixed)):
            for takes in (adapter.takes,) if adapter is not None else _takes(target_object, signature, wrapper):
                construction = Construction(
                    build,
                    target_object,
                    takes,
                    values,
                    lambda chosen: {**arguments({slot: slot for slot in chosen}, chosen, target_object), **fixed},
                    {slot: symbols.get(slot, slot) for slot in values},
                    wrapper=wrapper,
                )
                try:
                    plain = plain_run(construction)
                except (SubjectRaised, TypeError) as error:
                    failures.append(error.message if isinstance(error, SubjectRaised) else one_line(error))
                    continue
                run, other = _twice(construction, plain, target)
                same = run.bits == plain.bits or plain_run(construction).bits != plain.bits
                return answer(target, construction, plain, run, other, fixed, changed=not same)
    raise TargetError(
        f"{target}: takes {signature.text}, and no way was found to build it and take a step: {failures[0]}"
    )


def _twice(construction: Construction, plain: PlainRun, target: str) -> tuple[ReadRun, ReadRun | None]:
    """Return what is read at two choices of all numbers; the second may be refused."""
    try:
        run = read_run(construction, plain)
    except SubjectRaised as error:
        raise TargetError(f"{target}: takes its steps, but not while it is read: {error.message}") from error
    numbers = {
        slot: value * OTHER_SCALE if isinstance(value, float) else value for slot, value in construction.numbers.items()
    }
    changed = replace(construction, numbers=numbers, scale=OTHER_SCALE)
    try:
        return run, read_run(changed, plain_run(changed))
    except (SubjectRaised, TypeError):
        return run, None


def _arguments(
    target: str, signature: Signature, adapter: Adapter | None, configuration: str, mode: str, options: dict[str, Any]
) -> tuple[dict[str, float], dict[str, str], dict[str, Any]]:
    """Return numbers by slot, the name of each as a symbol, and the other arguments."""
    fixed: dict[str, Any] = {}
    held_at: dict[str, float] = {}
    if adapter is not None:
        if mode not in adapter.modes:
            raise TargetError(unknown("mode", mode, adapter.modes))
        if configuration:
            chosen = adapter.configuration(configuration)
            fixed |= chosen.options
            held_at = {
                adapter.hyper[name]: value for name, value in chosen.fixed_hyper.items() if name in adapter.hyper
            }
        fixed |= adapter.modes[mode]
        symbols = {slot: name for name, slot in adapter.hyper.items()}
        values = {slot: PROBE_HYPER.get(name, 0.5) for slot, name in symbols.items()}
    else:
        fixed |= {flag: flag == mode for flag in FLAGS if flag in signature.names}
        if mode != "single" and mode not in fixed:
            allowed = ["single", *fixed]
            raise TargetError(f"{target}: {unknown('mode', mode, allowed)}")
        values = names_of(signature, taken=fixed)
        symbols = symbols_of(values)
    for name, value in options.items():
        if name in symbols.values():
            slot = next(slot for slot, symbol in symbols.items() if symbol == name)
            held_at[slot] = value
        elif name in signature.names or signature.open_ended:
            fixed[name] = value
            values.pop(name, None)
        else:
            allowed = [*signature.names, *symbols.values()]
            raise TargetError(f"{target}: {unknown('set', name, list(dict.fromkeys(allowed)))}")
    for slot, value in held_at.items():
        values.pop(slot, None)
        stem, bracket, _ = slot.partition("[")
        if not bracket:
            fixed[stem] = value
    return values, symbols, fixed


def _takes(target_object: Any, signature: Signature, wrapper: str) -> tuple[str, ...]:
    """Return what to try building from, the likeliest first."""
    if wrapper:
        return ("list",)
    if isinstance(target_object, type) and issubclass(target_object, torch.optim.Optimizer):
        return ("groups", "list")
    if not isinstance(target_object, type):
        return TAKES
    one = signature.one or (signature.first in SINGLE_TENSORS and signature.first not in TENSOR_LISTS)
    return ("tensor", "list", "groups") if one else ("list", "tensor", "groups")
