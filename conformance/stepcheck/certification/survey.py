"""The survey of a request: one class or all of a library, each described by a worker and planned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from stepcheck.certification.certificate import Matched
from stepcheck.certification.departure import Departure
from stepcheck.certification.formula.formula_record import Formula
from stepcheck.certification.plan import Planned, plan, rule_named_by
from stepcheck.certification.request import Request, WrongRequest, check_fixed, claimed_rule
from stepcheck.certification.runner import Runner
from stepcheck.certification.undeclared.description import described, matched, with_rule
from stepcheck_implementations.adapters import libraries
from stepcheck_implementations.adapters.adapter import MODES, Adapter
from stepcheck_reference import dataclass_codec
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.rule import Rule
from stepcheck_reference.suggest import nearest


@dataclass(frozen=True, slots=True)
class Subject:
    """One optimizer class: the request narrowed to it, its adapter, and its cells."""

    request: Request
    adapter: Adapter
    planned: tuple[Planned, ...] = ()


@dataclass(frozen=True)
class Survey:
    """The subjects of a request; ``without_rule`` are a library's optimizers without a rule here.

    ``environment`` holds the worker's versions and devices; ``matched`` says how a target without an adapter of its
    own was understood; ``defaults`` are where constructors depart from what their rules' sources recommend. ``formula``
    is what was read of one class.
    """

    subjects: tuple[Subject, ...]
    without_rule: tuple[str, ...]
    environment: Mapping[str, Any]
    matched: Matched | None = None
    defaults: tuple[Departure, ...] = ()
    formula: Formula | None = None

    @cached_property
    def cells(self) -> tuple[tuple[Subject, Planned], ...]:
        """Every cell with its subject, in the order configuration, mode, dtype, device of each subject."""
        return tuple((subject, planned) for subject in self.subjects for planned in subject.planned)


def check_target(request: Request) -> None:
    """Raise WrongRequest where ``request.target`` can be seen to name nothing, or asks a library for one rule."""
    target, names = request.target, [library.name for library in libraries.ALL]
    if libraries.members(target):
        if request.rule is not None or request.like is not None:
            given = f"as={request.rule}" if request.like is None else f"like={request.like}"
            raise WrongRequest(
                f"{given}, but {target} is a library, and each of its classes has a rule of its own; "
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
    members = libraries.members(request.target)
    return _survey_library(request, members, runner) if members else _survey_class(request, runner)


def _survey_class(request: Request, runner: Runner) -> Survey:
    from stepcheck.certification.formula.formula_of import formula_of

    request, formula = with_rule(request, runner)
    request, description = described(request, runner)
    adapter = dataclass_codec.decode(Adapter, description["adapter"])
    if not adapter.fitted:
        _check_fixed(request, [adapter])
        _check_arguments(request, adapter)
    elif request.rule is not None and runner.isolated:
        formula = formula or formula_of(request, runner, request.rule)
        adapter = replace(adapter, states=_kept_as_such(adapter, formula), unchanging=formula.made_with)
    planned = plan(request, adapter, description["availability"], description["devices"], description["arguments"])
    return Survey(
        (Subject(request, adapter, planned),),
        (),
        description,
        None if libraries.find(request.target) is not None else matched(adapter, description),
        _departures_of(request, adapter, description["defaults"]),
        formula,
    )


def _check_arguments(request: Request, adapter: Adapter) -> None:
    """Raise WrongRequest where the rule that is named has hyper-parameters for which ``adapter`` knows no argument."""
    from stepcheck_reference.rules import find

    for configuration in adapter.configurations if request.rule is not None else ():
        claimed, _ = claimed_rule(adapter, configuration, request.rule)
        names = [symbol.name for symbol in find(claimed).hyper] if claimed else []
        missing = [name for name in names if name not in {**adapter.hyper, **configuration.fixed_hyper}]
        if missing:
            own = dict.fromkeys(entry.rule or adapter.rule or "" for entry in adapter.configurations)
            given, lacks = "as" if request.like is None else "like", ", ".join(missing)
            raise WrongRequest(
                f"{given}={request.rule}, but the adapter of {adapter.target} knows no argument for {lacks}; "
                f"it follows {', '.join(filter(None, own))}"
            )


def _kept_as_such(adapter: Adapter, formula: Formula) -> dict[str, str]:
    """Return the states of ``adapter`` but those that its code keeps in another form, whatever name it gives them."""
    return {name: path for name, path in adapter.states.items() if name not in formula.made}


def _survey_library(request: Request, members: Sequence[Adapter], runner: Runner) -> Survey:
    from stepcheck_implementations.driver.target import TargetError

    _check_fixed(request, members)
    environment = runner.environment()
    subjects: list[Subject] = []
    refused: list[TargetError] = []
    defaults: list[Departure] = []
    for adapter in members:
        narrowed = narrow(request, adapter)
        try:
            description = runner.describe(adapter.target)
            availability, arguments = description["availability"], description["arguments"]
            defaults += _departures_of(narrowed, adapter, description["defaults"])
        except TargetError as error:
            refused.append(error)
            availability, arguments = _refused_everywhere(str(error), environment["devices"]), []
        planned = plan(narrowed, adapter, availability, environment["devices"], arguments)
        subjects.append(Subject(narrowed, adapter, planned))
    if len(refused) == len(members):
        raise refused[0]
    with_adapter = {adapter.target.rpartition(".")[2] for adapter in members}
    without_rule = tuple(name for name in runner.optimizers(request.target) if name not in with_adapter)
    return Survey(tuple(subjects), without_rule, environment, defaults=tuple(defaults))


def narrow(request: Request, adapter: Adapter) -> Request:
    """Return ``request`` of one class of a library, with those fixed hyper-parameters that it or its rules have."""
    has = {*adapter.hyper, *_hyper_of_rules(request, adapter)}
    fixed = {name: value for name, value in request.fixed.items() if name in has}
    return replace(request, target=adapter.target, fixed=fixed)


def departures(target: str, rule: Rule, defaults: Mapping[str, float]) -> tuple[Departure, ...]:
    """Return every default of ``target`` (alphabet name to value) that ``rule``'s source recommends otherwise."""
    recommended = {symbol.name: float(value) for symbol, value in rule.defaults.items()}
    return tuple(
        Departure(target=target, rule=rule.name, name=name, default=defaults[name], recommended=value)
        for name, value in recommended.items()
        if name in defaults and defaults[name] != value
    )


def _departures_of(request: Request, adapter: Adapter, defaults: Mapping[str, float]) -> tuple[Departure, ...]:
    from stepcheck_reference.rules import find

    rule = request.rule or adapter.rule
    return departures(adapter.target, find(rule), defaults) if rule else ()


def rules_of(request: Request, adapter: Adapter) -> tuple[str, ...]:
    """Return the names of the rules that ``adapter``'s configurations are compared with."""
    named = rule_named_by(request, adapter)
    claims = (claimed_rule(adapter, configuration, named)[0] for configuration in adapter.configurations)
    return tuple(dict.fromkeys(name for name in claims if name is not None))


def _hyper_of_rules(request: Request, adapter: Adapter) -> list[str]:
    from stepcheck_reference.rules import find

    return sorted({symbol.name for name in rules_of(request, adapter) for symbol in find(name).hyper})


def _check_fixed(request: Request, adapters: Sequence[Adapter]) -> None:
    """Raise WrongRequest where no class has a fixed hyper-parameter, OutOfDomain where a rule forbids its value."""
    from stepcheck_reference.rules import find

    names = dict.fromkeys(name for adapter in adapters for name in adapter.hyper)
    names |= dict.fromkeys(name for adapter in adapters for name in _hyper_of_rules(request, adapter))
    check_fixed(request.fixed, names)
    requested = () if request.rule is None else (request.rule,)
    for name in dict.fromkeys((*requested, *(name for adapter in adapters for name in rules_of(request, adapter)))):
        rule = find(name)
        rule.check_hyper({key: value for key, value in request.fixed.items() if key in {s.name for s in rule.hyper}})


def _refused_everywhere(reason: str, devices: Iterable[str]) -> list[dict[str, str]]:
    return [
        {"mode": mode, "dtype": dtype, "device": device, "reason": reason}
        for device in devices
        for mode in MODES
        for dtype in FORMATS
    ]
