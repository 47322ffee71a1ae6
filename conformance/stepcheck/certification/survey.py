"""Surveys: what a request is about, one class or all of a library, each described by a worker and planned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stepcheck.certification.certificate import Departure, Matched
from stepcheck.certification.defaults import departures
from stepcheck.certification.plan import Planned, plan
from stepcheck.certification.request import Request, WrongRequest, check_fixed, claim
from stepcheck.certification.runner import Runner
from stepcheck_implementations.adapters import libraries
from stepcheck_implementations.adapters.adapter import MODES, Adapter
from stepcheck_implementations.matching.generic import NEUTRAL_ARGUMENTS, NoMatch
from stepcheck_reference import dataclass_codec
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.suggest import nearest, unknown


@dataclass(frozen=True, slots=True)
class Subject:
    """One optimizer class: the request narrowed to it, its adapter, and its cells."""

    request: Request
    adapter: Adapter
    planned: tuple[Planned, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """The subjects of a request; ``without_rule`` are a library's optimizers without a rule here.

    ``environment`` holds the worker's versions and devices; ``matched`` says how a target without an adapter of its
    own was understood; ``defaults`` are where constructors depart from what their rules' sources recommend.
    """

    subjects: tuple[Subject, ...]
    without_rule: tuple[str, ...]
    environment: Mapping[str, Any]
    matched: Matched | None = None
    defaults: tuple[Departure, ...] = ()


def check_target(request: Request) -> None:
    """Raise WrongRequest where ``request.target`` can be seen to name nothing, or asks a library for one rule."""
    target, names = request.target, [library.name for library in libraries.ALL]
    if libraries.members(target):
        if request.rule is not None:
            raise WrongRequest(
                f"as={request.rule}, but {target} is a library, and each of its classes has a rule of its own; "
                f"name one class, as in {libraries.members(target)[0].target}"
            )
        if request.maps:
            raise WrongRequest(
                f"map={next(iter(request.maps))}, but the classes of {target} have adapters of their own"
            )
        return
    stem = target.rstrip(".:")
    if stem in names:
        raise WrongRequest(f"target={target}, but should be {stem} for all its classes, or {stem}.NAME for one")
    if "." not in stem and ":" not in stem:
        meant = nearest(target, names)
        raise WrongRequest(
            f"target={target}, but should be package.module.Name, package.module:Name, path/file.py:Name or a library "
            f"({', '.join(names)})" + (f" (did you mean {meant}?)" if meant else "")
        )


def survey(request: Request, runner: Runner) -> Survey:
    """Return what ``runner`` says of every class that ``request`` is about.

    A class of a library that cannot be described has cells that say why and are not applicable. Raises
    WrongRequest, OutOfDomain and TargetError; the latter for a library too, where no class can be described.
    """
    from stepcheck_implementations.driver.target import TargetError

    members = libraries.members(request.target)
    if not members:
        description = described(request, runner)
        adapter = dataclass_codec.decode(Adapter, description["adapter"])
        own = libraries.find(request.target) is not None
        if own:
            _check_set(request, [adapter])
        planned = plan(request, adapter, description["availability"], description["devices"], description["arguments"])
        matched = None if own else _matched(adapter, str(description["reads"]))
        found = _departures(request, adapter, description["defaults"])
        return Survey((Subject(request, adapter, planned),), (), description, matched, found)
    _check_set(request, members)
    environment = runner.environment()
    subjects: list[Subject] = []
    refused: list[TargetError] = []
    defaults: list[Departure] = []
    for adapter in members:
        narrowed = narrow(request, adapter)
        try:
            description = runner.describe(adapter.target)
            availability, arguments = description["availability"], description["arguments"]
            defaults += _departures(narrowed, adapter, description["defaults"])
        except TargetError as error:
            refused.append(error)
            availability, arguments = _nowhere(str(error), environment["devices"]), []
        cells = plan(narrowed, adapter, availability, environment["devices"], arguments)
        subjects.append(Subject(narrowed, adapter, cells))
    if len(refused) == len(members):
        raise refused[0]
    known = {adapter.target.rpartition(".")[2] for adapter in members}
    without_rule = tuple(name for name in runner.optimizers(request.target) if name not in known)
    return Survey(tuple(subjects), without_rule, environment, defaults=tuple(defaults))


def narrow(request: Request, adapter: Adapter) -> Request:
    """Return ``request`` of one class of a library, with those fixed hyper-parameters that it or its rules have."""
    has = {*adapter.hyper, *_hyper_of_rules(request, adapter)}
    fixed = {name: value for name, value in request.fixed.items() if name in has}
    return replace(request, target=adapter.target, fixed=fixed)


def described(request: Request, runner: Runner) -> dict[str, Any]:
    """Return what the target offers; a target without an adapter of its own needs a rule."""
    from stepcheck.certification.undeclared.claims import claim_of
    from stepcheck.certification.undeclared.suggestion import suggestion
    from stepcheck_reference.rules import find

    if libraries.find(request.target) is not None:
        if request.maps:
            raise WrongRequest(f"map={next(iter(request.maps))}, but {request.target} has an adapter of its own")
        return runner.describe(request.target)
    if request.rule is None:
        raise WrongRequest(suggestion(request, runner))
    rule = find(request.rule)
    known = {symbol.name: symbol for symbol in rule.hyper}
    rule.check_hyper({name: value for name, value in request.fixed.items() if name in known})
    wrong = next((name for name, value in request.fixed.items() if name in known and isinstance(value, bool)), None)
    if wrong is not None:
        raise WrongRequest(f"set={wrong}={request.fixed[wrong]}, but {wrong} of {rule.name} should be a number")
    states = [symbol.name for symbol in (*rule.init, *rule.scalars)]
    for name in request.maps:
        if name not in (allowed := [*known, *states, "count", "g", *NEUTRAL_ARGUMENTS]):
            raise WrongRequest(unknown("map", name, dict.fromkeys(allowed)))
    try:
        return runner.describe(request.target, claim_of(request.rule, rule, request.fixed, request.maps))
    except NoMatch as error:
        raise WrongRequest(str(error)) from error


def _matched(adapter: Adapter, reads: str) -> Matched:
    from stepcheck_reference.rules import find

    configuration, rule = adapter.configurations[0], find(str(adapter.rule))
    states = {**adapter.states, **({"count": adapter.count} if adapter.count else {})}
    return Matched(
        hyper={name: slot for name, slot in adapter.hyper.items() if name not in configuration.fixed_hyper},
        held=dict(configuration.fixed_hyper),
        states=states,
        unmapped=tuple(s.name for s in (*rule.init, *rule.scalars) if s.name not in adapter.states),
        constant=tuple(name for name in adapter.constant_hyper if name not in configuration.fixed_hyper),
        unseen=f"a trial ended early: {reads}" if reads else "",
    )


def _departures(request: Request, adapter: Adapter, defaults: Mapping[str, float]) -> tuple[Departure, ...]:
    from stepcheck_reference.rules import find

    rule = request.rule or adapter.rule
    return departures(adapter.target, find(rule), defaults) if rule else ()


def rules_of(request: Request, adapter: Adapter) -> tuple[str, ...]:
    """Return the names of the rules that ``adapter``'s configurations are held to."""
    claims = (claim(adapter, configuration, request.rule)[0] for configuration in adapter.configurations)
    return tuple(dict.fromkeys(name for name in claims if name is not None))


def _hyper_of_rules(request: Request, adapter: Adapter) -> list[str]:
    from stepcheck_reference.rules import find

    return sorted({symbol.name for name in rules_of(request, adapter) for symbol in find(name).hyper})


def _check_set(request: Request, adapters: Sequence[Adapter]) -> None:
    """Raise WrongRequest where no class has a fixed hyper-parameter, OutOfDomain where a rule forbids its value."""
    from stepcheck_reference.rules import find

    names = dict.fromkeys(name for adapter in adapters for name in adapter.hyper)
    names |= dict.fromkeys(name for adapter in adapters for name in _hyper_of_rules(request, adapter))
    check_fixed(request.fixed, names)
    for name in dict.fromkeys(name for adapter in adapters for name in rules_of(request, adapter)):
        rule = find(name)
        rule.check_hyper({key: value for key, value in request.fixed.items() if key in {s.name for s in rule.hyper}})


def _nowhere(reason: str, devices: Iterable[str]) -> list[dict[str, str]]:
    return [
        {"mode": mode, "dtype": dtype, "device": device, "reason": reason}
        for device in devices
        for mode in MODES
        for dtype in FORMATS
    ]
