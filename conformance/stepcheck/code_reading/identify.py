"""``identify``: a target in, the rule that each of its configurations computes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sympy import Ne, StrictGreaterThan

from stepcheck.certification.formula.by_steps import by_steps
from stepcheck.certification.request import requested, target_name
from stepcheck.certification.survey import check_target
from stepcheck.code_reading.read import read_by
from stepcheck.code_reading.verification import verify
from stepcheck_implementations.adapters import libraries
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.workers.pool import Workers
from stepcheck_reference.identify import Identification, identify_reading
from stepcheck_reference.identify.conclusion import NONE, OBSERVED, UNREAD
from stepcheck_reference.reading.reading import Reading

FLAGS = frozenset({"foreach", "fused", "differentiable", "capturable"})
"""Options that select how a step is computed, and not what."""

BY_DEFAULT = "by default"
"""The configuration in which an argument that is 0 by default is 0."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Options to read a target with, and what they are called."""

    name: str
    options: Mapping[str, float | bool | None] = field(default_factory=dict)
    configuration: str = ""
    optional: bool = False


def identify(
    target: str | Callable[..., Any],
    *,
    configuration: str = "",
    mode: str = "single",
    fixed: Mapping[str, float | bool] | None = None,
    verified: bool = True,
) -> tuple[Identification, ...]:
    """Return which rule ``target`` computes, in each configuration and with each boolean option switched over.

    A string is imported by a worker process, as for ``read``; a class or function is read in this process, as it is
    built by ``fixed`` alone. With ``configuration`` or ``fixed``, only that is read. With ``verified``, a string's
    answer also says where the code does not hold the envelope of its own reading.

    Raises TargetError where the target cannot be built or stepped, and WrongRequest where it names nothing.
    """
    if not isinstance(target, str):
        from stepcheck_implementations.workers.in_process import InProcess

        reading = read_by(InProcess(target), target_name(target), configuration, mode, dict(fixed or {}))
        return (identify_reading(reading),)
    if not libraries.members(target):
        check_target(requested(target))
    with Workers() as workers:
        return tuple(identified(target, configuration, mode, dict(fixed or {}), workers, verified))


def identified(
    target: str, configuration: str, mode: str, fixed: dict[str, float | bool], workers: Workers, verified: bool
) -> Iterator[Identification]:
    """Yield the answer for each configuration of ``target``, or of each class of a library."""
    members = libraries.members(target)
    targets = [adapter.target for adapter in members if mode in adapter.modes] if members else [target]
    for each in targets:
        single = configuration or fixed
        chosen = [Choice("", fixed, configuration)] if single else list(choices(each, workers))
        off: set[str] = set()
        for choice in chosen:
            found = read_and_identified(workers, each, choice, mode, verified=verified)
            if found is None:
                continue
            yield found[1]
            off |= {name for name in _compared_with_zero(found[0]) if name not in chosen[0].options}
        for name in sorted(off) if not single else ():
            answer = identified_by(
                workers, each, Choice(f"{name}=0", {name: 0.0}, optional=True), mode, verified=verified
            )
            if answer is not None:
                yield answer


def _compared_with_zero(reading: Reading) -> Iterator[str]:
    """Yield the arguments of which the code asks whether they are 0: they have another path."""
    for path in reading.paths:
        for condition in path.conditions:
            if isinstance(condition, Ne | StrictGreaterThan) and condition.rhs == 0 and condition.lhs in reading.hyper:
                argument = reading.slots.get(condition.lhs, condition.lhs.name)
                if argument.isidentifier():
                    yield argument


def choices(target: str, workers: Workers) -> Iterator[Choice]:
    """Yield what to read ``target`` with: its defaults, all numbers on, and each configuration or boolean option."""
    defaults = dict(workers.signature(target)["defaults"])
    adapter = libraries.find(target)
    off = {name: 0.0 for name, value in defaults.items() if _is_number(value) and value == 0}
    without = [name for name in (adapter.hyper.values() if adapter else ()) if defaults.get(name, 0) is None]
    if off or without:
        yield Choice(BY_DEFAULT, {**off, **dict.fromkeys(without)})
        said = [f"{', '.join(names)} {how}" for names, how in ((off, "not 0"), (without, "given")) if names]
        yield Choice(", ".join(said), optional=True)
    else:
        yield Choice(BY_DEFAULT)
    if adapter is not None:
        for configuration in adapter.configurations:
            if configuration.options and any(isinstance(value, bool) for value in configuration.options.values()):
                yield Choice(configuration.name, configuration=configuration.name, optional=True)
        return
    for name, value in defaults.items():
        if isinstance(value, bool) and name not in FLAGS:
            yield Choice(f"{name}={not value}", {name: not value}, optional=True)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def identified_by(
    workers: Workers, target: str, choice: Choice, mode: str = "single", *, verified: bool = True
) -> Identification | None:
    """Return the answer for one choice; None where the target does not allow an optional one."""
    found = read_and_identified(workers, target, choice, mode, verified=verified)
    return None if found is None else found[1]


def _unknown_numbers(reading: Reading) -> dict[str, float]:
    """Return the arguments that no rule is known to have, at the values at which they were read: their defaults."""
    return {
        slot: value
        for symbol, value in reading.hyper.items()
        if symbol.name not in reading.built["meant"] and (slot := reading.slots.get(symbol, symbol.name)).isidentifier()
    }


def read_and_identified(
    workers: Workers, target: str, choice: Choice, mode: str, *, verified: bool
) -> tuple[Reading, Identification] | None:
    """Return the reading and the answer for one choice; None where the target does not allow an optional one."""
    try:
        reading = read_by(workers, target, choice.configuration, mode, choice.options)
    except TargetError:
        if choice.optional:
            return None
        raise
    answer = identify_reading(reading)
    name, held = choice.name, _unknown_numbers(reading)
    if answer.verdict == UNREAD:
        answer = by_steps(reading, workers, choice.configuration, mode, choice.options)
    elif answer.verdict == NONE and held:
        kept = read_by(workers, target, choice.configuration, mode, {**choice.options, **held})
        again = identify_reading(kept)
        if again.named:
            reading, answer = kept, again
            name = ", ".join(filter(None, [name, *(f"{slot}={value:g}" for slot, value in held.items())]))
    if name:
        answer = replace(answer, configuration=name)
    if not verified or not answer.named or answer.verdict == OBSERVED:
        return reading, answer
    verification = verify(reading, workers, mode)
    if verification.verified:
        return reading, answer
    return reading, replace(answer, unverified=verification.reason, contradicted=verification.deviation is not None)
