"""Read target: an optimizer class or factory in, the equations of its steps out, as plain data."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from stepcheck_implementations.adapters import libraries, wrappers
from stepcheck_implementations.adapters.adapter import Adapter
from stepcheck_implementations.driver.error_text import SubjectRaised, one_line
from stepcheck_implementations.driver.inputs.arguments import arguments
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.matching.aliases import SINGLE_TENSORS, TENSOR_LISTS
from stepcheck_implementations.matching.argument_roles import is_update
from stepcheck_implementations.matching.claim import PROBE_HYPER
from stepcheck_implementations.matching.classes.parameter_inputs import input_wrapper
from stepcheck_implementations.matching.driving.driven import driven
from stepcheck_implementations.matching.signature import Signature, check_step, signature_of
from stepcheck_implementations.matching.transformations import is_factory
from stepcheck_implementations.matching.trial import TAKES
from stepcheck_implementations.reader.answer import answer
from stepcheck_implementations.reader.argument_names import names_of, symbols_of
from stepcheck_implementations.reader.function_call import call_of
from stepcheck_implementations.reader.read_subject import Construction
from stepcheck_implementations.reader.reading_run import PlainRun, ReadRun, plain_run, read_run
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
    dtype: str = "float32",
) -> dict[str, Any]:
    """Return the reading of ``target_object`` in one configuration and mode, with parameters of ``dtype``.

    See ``answer``. ``options`` are values of constructor arguments, which are not symbols then. Raises TargetError
    where it cannot be built or stepped.
    """
    signature = signature_of(target_object, target)
    if is_factory(target_object):
        from stepcheck_implementations.reader.jaxpr.read_transformation import read_transformation

        adapter = libraries.find(target)
        choice = _arguments(target, signature, adapter, configuration, mode, dict(options or {}))
        return read_transformation(target_object, target, choice.numbers, choice.symbols, choice.fixed, choice.held)
    if isinstance(target_object, type):
        check_step(target_object, target)
    failures: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ways = constructions(target_object, target, signature, configuration, mode, dict(options or {}))
        for construction in (replace(way, dtype=dtype) for way in ways):
            try:
                plain = plain_run(construction)
            except (SubjectRaised, TypeError) as error:
                failures.append(error.message if isinstance(error, SubjectRaised) else one_line(error))
                continue
            run, other = _twice(construction, plain, target)
            same = run.bits == plain.bits or plain_run(construction).bits != plain.bits
            return answer(target, construction, plain, run, other, changed=not same)
    raise TargetError(
        f"{target}: takes {signature.text}, and no way was found to build it and take a step: {failures[0]}"
    )


def constructions(
    target_object: Any, target: str, signature: Signature, configuration: str, mode: str, options: dict[str, Any]
) -> Iterator[Construction]:
    """Yield the ways to build the subject, the likeliest first."""
    adapter = libraries.find(target)
    if not isinstance(target_object, type) and adapter is None and is_update(signature):
        yield _of_function(target_object, target, signature, options)
        return
    choice = _arguments(target, signature, adapter, configuration, mode, options)
    wrapper = adapter.wrapper if adapter is not None and adapter.wrapper else input_wrapper(signature.first)
    defaults = names_of(signature, only_defaults=True, taken=[*choice.fixed, *choice.held])

    def given(chosen: Mapping[str, float]) -> dict[str, Any]:
        values = {**choice.held, **chosen}
        return {**arguments({slot: slot for slot in values}, values, target_object), **choice.fixed}

    inner = driven(target_object, target, lambda: given(choice.numbers)) if adapter is None else None
    if inner is not None:
        wrapper, build = wrappers.UPDATE_FUNCTION, inner.build
        inputs: tuple[str, ...] = (inner.takes,) if inner.takes else _takes(target_object, signature, "")
    else:
        build = wrappers.load_wrapper(wrapper)(target_object, adapter) if wrapper else target_object
        inputs = (adapter.takes,) if adapter is not None else _takes(target_object, signature, wrapper)
    for values in (choice.numbers, {slot: value for slot, value in defaults.items() if slot not in choice.held}):
        for takes in inputs:
            yield Construction(
                build,
                target_object,
                takes,
                values,
                given,
                {slot: choice.symbols.get(slot, slot) for slot in values},
                wrapper=wrapper,
                source="" if inner is None else inner.text,
                fixed=choice.fixed,
                held=choice.held,
            )
    if not isinstance(target_object, type) and adapter is None:
        with contextlib.suppress(TargetError):
            yield _of_function(target_object, target, signature, options)


def _of_function(function: Any, target: str, signature: Signature, options: dict[str, Any]) -> Construction:
    """Return how a class is built that calls an update function."""
    call = call_of(function, target, signature, options)
    return Construction(
        call.build,
        function,
        call.takes,
        call.numbers,
        lambda chosen: {**options, **chosen},
        {name: name for name in call.numbers},
        wrapper=call.wrapper,
        source=call.source,
        fixed=options,
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


@dataclass(frozen=True, slots=True)
class _Choice:
    """Arguments of a constructor.

    ``numbers`` are read, by slot; ``symbols`` names what each slot is; ``held`` are slots that have one value, and
    ``fixed`` all other arguments.
    """

    numbers: dict[str, float]
    symbols: dict[str, str]
    fixed: dict[str, Any]
    held: dict[str, float]


def _arguments(
    target: str, signature: Signature, adapter: Adapter | None, configuration: str, mode: str, options: dict[str, Any]
) -> _Choice:
    fixed: dict[str, Any] = {}
    held: dict[str, float] = {}
    if adapter is not None:
        if mode not in adapter.modes:
            raise TargetError(unknown("mode", mode, adapter.modes))
        if configuration:
            names = [entry.name for entry in adapter.configurations]
            if configuration not in names:
                raise TargetError(unknown("configuration", configuration, names))
            chosen = adapter.configuration(configuration)
            fixed |= chosen.options
            held = {adapter.hyper[name]: value for name, value in chosen.fixed_hyper.items() if name in adapter.hyper}
        fixed |= adapter.modes[mode]
        symbols = {slot: name for name, slot in adapter.hyper.items()}
        values = {slot: PROBE_HYPER.get(name, 0.5) for slot, name in symbols.items()}
    else:
        if configuration:
            raise TargetError(f"{target}: has no configurations; give its arguments by --set")
        fixed |= {flag: flag == mode for flag in FLAGS if flag in signature.names}
        if mode != "single" and mode not in fixed:
            raise TargetError(f"{target}: {unknown('mode', mode, ['single', *fixed])}")
        values = names_of(signature, taken=fixed)
        symbols = symbols_of(values)
    by_name = {name: slot for slot, name in symbols.items()}
    for name, value in options.items():
        slot = by_name.get(name, name)
        if slot in values and value is None:
            fixed[slot] = None
        elif slot in values and not isinstance(value, bool):
            held[slot] = value
        elif name in signature.names or signature.open_ended:
            fixed[name] = value
        else:
            allowed = list(dict.fromkeys([*signature.names, *symbols.values()]))
            raise TargetError(f"{target}: {unknown('set', name, allowed)}")
    numbers = {slot: value for slot, value in values.items() if slot not in held and slot not in fixed}
    return _Choice(numbers, symbols, fixed, held)


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
