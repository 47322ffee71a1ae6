"""Refusals: values and tensors at the edge of a rule's domain that a target without an adapter does not accept.

A loud refusal of what no published rule demands is a narrower domain: scripts are drawn inside, and reports list it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from stepcheck.certification.request import Request
from stepcheck.certification.runner import Runner
from stepcheck_implementations.adapters.adapter import Adapter, Cell, companion
from stepcheck_implementations.matching.claim import is_refusal
from stepcheck_properties.strategies.hyper_parameters import contains, domains_of, ordered, plain_hyper, typical_values
from stepcheck_reference.domain import Domain
from stepcheck_reference.formats import FORMATS, is_complex
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Group, Literal, Quadratic, Script, Step, Tensor
from stepcheck_reference.scripts.trajectory import Fault

EMPTY, TENSOR_LR = "an empty tensor", "a tensor learning rate"
"""Refusals that are not of a value."""

ORDINARY_RATE = 1e-3
"""A learning rate that no optimizer may refuse."""


@dataclass(frozen=True, slots=True)
class Refused:
    """What a target refuses: hyper-parameters' narrower ``domains``, and everything by name, with the error."""

    domains: Mapping[str, Domain] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


def refused(request: Request, runner: Runner, adapter: Adapter, rule: Rule) -> Refused:
    """Return what ``adapter``'s class refuses, tried with one step each; nothing where it refuses a plain step."""
    probe = _Probe(request, runner, adapter, rule)
    if probe.fault(probe.plain) is not None:
        return Refused()
    domains: dict[str, Domain] = {}
    reasons: dict[str, str] = {}
    for name in probe.free:
        errors = {
            value: error for value in probe.values(name) if (error := probe.refusal({**probe.plain, name: value}))
        }
        narrowed = _narrowed(domains_of(rule)[name], probe.plain[name], probe.values(name), errors)
        ordinary = {probe.plain[name], *([ORDINARY_RATE] if name == "lr" else [])}
        if narrowed is None or not all(contains(narrowed, value) for value in ordinary):
            continue
        domains[name] = replace(narrowed, name=name, reason=f"{adapter.target} refuses other values", reduces_to="")
        reasons |= {f"{name}={value:g}": error for value, error in errors.items()}
    if error := probe.refusal(probe.plain, shape=(0,)):
        reasons[EMPTY] = error
    if "lr" in probe.free and adapter.takes == "groups" and (error := probe.refusal(probe.plain, "tensor_lr")):
        reasons[TENSOR_LR] = error
    others = [other for other in FORMATS if request.dtypes and other not in request.dtypes and not is_complex(other)]
    reasons |= {companion(other): fault.message for other in others if (fault := probe.mixed(other)) is not None}
    return Refused(domains, reasons)


def _narrowed(
    domain: Domain | None, plain: float, values: tuple[float, ...], errors: Mapping[float, str]
) -> Domain | None:
    """Return the interval of accepted ``values`` around ``plain``, None where nothing is refused.

    An end of ``domain`` that alone is refused is left out; beyond other refused values the interval ends at the last
    accepted one.
    """
    domain = domain or Domain(low=0.0)
    below = [value for value in values if value < plain and value in errors]
    above = [value for value in values if value > plain and value in errors]
    if not below and not above:
        return None
    accepted = [value for value in values if value not in errors]
    narrowed = domain
    if below:
        end = max(below) == domain.low
        low = domain.low if end else min(value for value in accepted if value > max(below))
        narrowed = replace(narrowed, low=low, low_open=end)
    if above:
        end = min(above) == domain.high
        high = domain.high if end else max(value for value in accepted if value < min(above))
        narrowed = replace(narrowed, high=high, high_open=end)
    return narrowed


class _Probe:
    """Runs of one step, in the first configuration of a target."""

    def __init__(self, request: Request, runner: Runner, adapter: Adapter, rule: Rule) -> None:
        configuration = adapter.configurations[0]
        self.runner, self.adapter, self.rule = runner, adapter, rule
        self.dtype = "float32" if not request.dtypes or "float32" in request.dtypes else request.dtypes[0]
        fixed = tuple(request.fixed.items())
        self.cell = Cell(
            request.target, configuration.name, "single", self.dtype, "cpu", fixed, tuple(request.maps.items())
        )
        constant = {**configuration.fixed_hyper, **request.fixed}
        self.fixed_hyper = {name: float(value) for name, value in constant.items() if name in domains_of(rule)}
        self.plain = plain_hyper(rule, self.fixed_hyper)
        self.free = [name for name in domains_of(rule) if name in adapter.hyper and name not in constant]

    def values(self, name: str) -> tuple[float, ...]:
        """Return the values in use of a hyper-parameter and the ends of its domain, in order."""
        domain = domains_of(self.rule)[name]
        ends = [] if domain is None else [domain.low, domain.high]
        values = {*typical_values(name, domain), *(end for end in ends if math.isfinite(end) and contains(domain, end))}
        return tuple(sorted(values))

    def refusal(self, hyper: Mapping[str, float], *invocation: str, shape: tuple[int, ...] = (2,)) -> str:
        """Return how the subject refuses ``hyper`` at construction or in its first step, "" where it does not."""
        fault = self.fault(ordered(hyper, {}), *invocation, shape=shape)
        return fault.message if fault is not None and is_refusal(fault) else ""

    def mixed(self, other: str) -> Fault | None:
        """Return what a step with a tensor of the dtype ``other`` in the same group ends in."""
        one = Literal((1.0,))
        tensors = tuple(Tensor((2,), dtype, one) for dtype in (self.dtype, other))
        objective = Quadratic(1.0) if needs_objective(self.rule) else None
        script = Script(tensors, (Group((0, 1), dict(self.plain)),), (Step((one, one)),), objective)
        return self.runner.run(self.adapter, self.cell, script).fault

    def fault(self, hyper: Mapping[str, float], *invocation: str, shape: tuple[int, ...] = (2,)) -> Fault | None:
        """Return what one step ends in, None where it is taken."""
        one = Literal((1.0,) * math.prod(shape))
        script = Script(
            (Tensor(shape, self.dtype, one),),
            (Group((0,), dict(hyper)),),
            (Step((one,)),),
            Quadratic(1.0) if needs_objective(self.rule) else None,
            invocation=invocation,
        )
        return self.runner.run(self.adapter, self.cell, script).fault


def without_refused(script: Script, rule: Rule, adapter: Adapter) -> Script:
    """Return ``script`` with plain values and tensors of one element where ``adapter``'s class refuses others."""
    script = _accepted_values(script, rule, adapter.domains or {})
    return _without_empty_tensors(script) if EMPTY in adapter.refuses else script


def _accepted_values(script: Script, rule: Rule, domains: Mapping[str, Domain]) -> Script:
    """Return ``script`` with the plain value of each hyper-parameter that lies in ``rule``'s domain alone."""
    if not domains:
        return script
    stated = domains_of(rule)

    def accepted(name: str, value: float) -> float:
        refused = name in domains and contains(stated.get(name), value) and not domains[name].contains(value)
        return typical_values(name, domains[name])[0] if refused else value

    groups = tuple(
        replace(group, hyper={name: accepted(name, value) for name, value in group.hyper.items()})
        for group in script.groups
    )
    steps = tuple(
        replace(step, hyper=tuple((group, name, accepted(name, value)) for group, name, value in step.hyper))
        for step in script.steps
    )
    return replace(script, groups=groups, steps=steps)


def _without_empty_tensors(script: Script) -> Script:
    empty = {index for index, tensor in enumerate(script.tensors) if tensor.size == 0}
    if not empty:
        return script
    one = Literal((1.0,))
    tensors = tuple(
        replace(tensor, shape=(1,), initial=one) if index in empty else tensor
        for index, tensor in enumerate(script.tensors)
    )

    def filled(step: Step) -> Step:
        gradients = tuple(one if index in empty and data else data for index, data in enumerate(step.gradients))
        overwrite = tuple((index, one if index in empty else data) for index, data in step.overwrite)
        return replace(step, gradients=gradients, overwrite=overwrite)

    return replace(script, tensors=tensors, steps=tuple(filled(step) for step in script.steps))


def listed(reasons: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each refusal, those of one error together."""
    by_error: dict[str, list[str]] = {}
    for name, error in reasons.items():
        by_error.setdefault(error, []).append(name)
    for error, names in by_error.items():
        yield f"{', '.join(names)} ({error})"
