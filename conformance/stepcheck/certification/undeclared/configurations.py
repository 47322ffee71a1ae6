"""Configurations of a target without an adapter: options and added hyper-parameters, each with the rule it gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from stepcheck.certification.references.brought_rules import options_of
from stepcheck.certification.request import Request
from stepcheck.certification.undeclared.claims import claim_of
from stepcheck.certification.undeclared.options import ADDED, extended, is_applied, option_of, switched
from stepcheck_implementations.adapters.adapter import Adapter, Configuration
from stepcheck_implementations.matching.description import Fitter, fit
from stepcheck_implementations.matching.hyper_matching import NoMatch, configuration_name
from stepcheck_reference import dataclass_codec
from stepcheck_reference.rules import find

Defaults = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Switch:
    """A change to the first configuration: an ``argument`` that is an ``option``, or an added hyper-parameter."""

    argument: str
    option: str = ""


@dataclass(frozen=True, slots=True)
class Exercised:
    """The configurations of a target.

    ``sentences`` say what was found of its options, ``unexercised`` maps arguments to the value that they keep.
    """

    adapter: Adapter
    sentences: tuple[str, ...] = ()
    unexercised: Mapping[str, str] = field(default_factory=dict)


def first_options(request: Request, defaults: Defaults) -> dict[str, bool]:
    """Return the options that have to be at another value than their default for the request's rule."""
    chosen = {}
    for argument, option in _booleans(request, defaults):
        value = is_applied(option, str(request.rule))
        if value is not None and value is not defaults[argument]:
            chosen[argument] = value
    return chosen


def all_options(request: Request, defaults: Defaults) -> dict[str, bool]:
    """Return the value of every option for the request's rule, which an update function is called with."""
    chosen = {}
    for argument, option in _booleans(request, defaults):
        value = is_applied(option, str(request.rule))
        chosen[argument] = bool(defaults[argument]) if value is None else value
    return chosen


def _booleans(request: Request, defaults: Defaults) -> Iterator[tuple[str, str]]:
    """Yield every boolean argument that is an option, and which one."""
    for argument, value in defaults.items():
        option = option_of(argument) or (argument if argument in options_of(str(request.rule)) else None)
        if option is not None and isinstance(value, bool) and argument not in request.fixed:
            yield argument, option


def exercised(
    request: Request, fitter: Fitter, adapter: Adapter, arguments: Sequence[str], defaults: Defaults
) -> Exercised:
    """Return ``adapter`` with a configuration for each switch of its first one, and for each pair of them."""
    search = _Search(request, fitter, adapter, defaults)
    sentences = [
        f"{name}={value} is set, as {search.rule} needs it" for name, value in first_options(request, defaults).items()
    ]
    for switch in search.switches:
        sentence = search.try_switches((switch,))
        if sentence:
            sentences.append(sentence)
    pairs = [*combinations(search.working, 2), *search.dependent()]
    exercised_arguments = {switch.argument for switch in search.working}
    for pair in pairs:
        if search.try_switches(pair):
            exercised_arguments |= {switch.argument for switch in pair}
    slots = {name: slot.partition("[")[0] for name, slot in search.adapter.hyper.items()}
    first = adapter.configurations[0]
    varied = {slot for name, slot in slots.items() if name not in first.fixed_hyper or name in exercised_arguments}
    modes = {name for options in adapter.modes.values() for name in options}
    known = {*varied, *slots.values(), *modes, *exercised_arguments, *request.fixed, *request.maps.values()}
    shown = {**defaults, **first.options}
    held = {
        slots[name]: f"{value:g}"
        for name, value in first.fixed_hyper.items()
        if name in slots and name not in exercised_arguments and name not in request.fixed
    }
    others = {name: repr(shown[name]) for name in arguments if name in shown and name not in known}
    return Exercised(search.adapter, tuple(sentences), {**held, **others})


class _Search:
    """Tries switches; ``adapter`` gets a configuration for each that is understood, ``working`` are those."""

    def __init__(self, request: Request, fitter: Fitter, adapter: Adapter, defaults: Defaults) -> None:
        self.request, self.fitter, self.adapter, self.defaults = request, fitter, adapter, defaults
        self.first, self.rule = adapter.configurations[0], str(request.rule)
        self.decoupling = next((name for name, option in _booleans(request, defaults) if option == "decoupled"), None)
        self.start = {name: bool(value) for name, value in self.first.options.items()}
        self.working: list[Switch] = []
        self.chosen: dict[str, str] = {}
        added = [
            Switch(name)
            for name in self.first.fixed_hyper
            if name in adapter.hyper and name not in request.fixed and (name in ADDED or name == "momentum")
        ]
        options = [
            Switch(argument, option)
            for argument, option in _booleans(request, defaults)
            if is_applied(option, self.rule) is not None
        ]
        self.switches = [*added, *sorted(options, key=lambda switch: switch.option == "maximize")]

    def value(self, switch: Switch) -> bool:
        """Return the value that ``switch`` gives its option."""
        return not {**self.defaults, **self.start}[switch.argument]

    def readings(self, switches: Sequence[Switch]) -> tuple[str, ...]:
        """Return the rules that the target may follow with ``switches``, the most usual first."""
        rules: tuple[str, ...] = (self.rule,)
        if switches[0] in self.working:
            rules, switches = (self.chosen[switches[0].argument],), switches[1:]
        for switch in switches:
            if switch.option:
                rules = tuple(dict.fromkeys(name for rule in rules for name in switched(switch.option, rule)))
            else:
                rules = tuple(
                    dict.fromkeys(name for rule in rules for name in extended(switch.argument, rule, self.decoupled()))
                )
        return rules

    def dependent(self) -> Iterator[tuple[Switch, Switch]]:
        """Yield the option that says which weight decay it is together with the decay that the rule lacks."""
        decay = Switch("weight_decay")
        if self.decoupling is not None and decay in self.working and is_applied("decoupled", self.rule) is None:
            yield decay, Switch(self.decoupling, "decoupled")

    def decoupled(self) -> bool | None:
        """Return the value of the option that says which weight decay it is, None without one."""
        if self.decoupling is None:
            return None
        return bool({**self.defaults, **self.start}[self.decoupling])

    def try_switches(self, switches: tuple[Switch, ...]) -> str:
        """Add the configuration of ``switches`` where it is understood; return what is to be said of them."""
        flips = {switch.argument: self.value(switch) for switch in switches if switch.option}
        options: dict[str, bool] = {**self.start, **flips}
        names = [switch.argument for switch in switches if not switch.option]
        readings = self.readings(switches)
        tried = [(rule, fitted) for rule in readings if (fitted := self.fitted(rule, options)) is not None]
        refusal = next((str(fitted["refused"]) for _, fitted in tried if fitted["refused"]), "")
        setting = ", ".join([*(f"{name}={value}" for name, value in flips.items()), *names])
        if refusal:
            return f"refuses {setting} ({refusal})"
        agreeing = [entry for entry in tried if entry[1]["agrees"]]
        uncertain = len(switches) == 1 and names  # which reading of a decay it is shows in the trial alone
        chosen = next(iter(agreeing or ([] if uncertain else tried)), None)
        if chosen is None:
            values = ", ".join(f"{name}={self.first.fixed_hyper[name]:g}" for name in names)
            return f"{values} throughout: with another value it {_follows_none(readings)}" if readings and names else ""
        rule, fitted = chosen
        if not self.add(rule, fitted, options, names):
            return ""
        if len(switches) == 1:
            self.working.append(switches[0])
            self.chosen[switches[0].argument] = rule
        return f"{setting} is checked against {rule}"

    def fitted(self, rule: str, options: Mapping[str, bool]) -> dict[str, Any] | None:
        """Return the target with ``options`` matched to ``rule``, None where it lacks what the rule needs."""
        claim = claim_of(rule, find(rule), self.request.fixed, self.request.maps, options)
        try:
            return fit(self.fitter, self.request.target, claim)
        except NoMatch:
            return None

    def add(self, rule: str, fitted: Mapping[str, Any], options: Mapping[str, bool], names: Sequence[str]) -> bool:
        """Add a configuration; return whether its names fit those of the first one."""
        own: Adapter = dataclass_codec.decode(Adapter, fitted["adapter"])
        adapter = self.adapter
        same = (own.takes, own.source, own.wrapper) == (adapter.takes, adapter.source, adapter.wrapper)
        if not same or _clash(adapter.hyper, own.hyper) or _clash(adapter.states, own.states):
            return False
        label = configuration_name(options, self.defaults)
        parts = [*names, *([label] if label != "default" else [])]
        fixed_hyper = own.configurations[0].fixed_hyper
        configuration = Configuration(",".join(parts) or label, dict(options), rule, fixed_hyper=fixed_hyper)
        settings = adapter.settings
        if settings is not None and own.settings is not None:
            settings = {**own.settings, **settings}
        self.adapter = replace(
            adapter,
            hyper={**adapter.hyper, **own.hyper},
            states={**adapter.states, **own.states},
            settings=settings,
            configurations=(*adapter.configurations, configuration),
        )
        return True


def _clash(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether the two map a name to different things."""
    return any(other.get(name, place) != place for name, place in one.items())


def _follows_none(rules: Sequence[str]) -> str:
    if len(rules) == 1:
        return f"does not follow {rules[0]}"
    return f"follows neither {', '.join(rules[:-1])} nor {rules[-1]}"
