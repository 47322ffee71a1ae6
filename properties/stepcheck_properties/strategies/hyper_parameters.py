"""Strategies for hyper-parameters, from their symbols and domains alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from stepcheck_reference.rule import Rule

TYPICAL: Mapping[str, tuple[float, ...]] = {
    "lr": (0.1, 1.0, 0.001, 0.0, 10.0, 0.03125, 1e-6),
    "beta": (0.9, 0.5, 0.0, 0.99, 0.25),
    "beta1": (0.9, 0.5, 0.0, 0.99, 0.25, 0.999),
    "beta2": (0.999, 0.5, 0.0, 0.9, 0.99, 0.25),
    "eps": (1e-8, 1.0, 1e-3, 1e-16),
    "weight_decay": (0.01, 0.0, 0.5, 0.1),
    "momentum": (0.9, 0.5, 0.0, 0.99),
    "momentum_decay": (0.004, 1.0, 0.0),
    "dampening": (0.0, 0.5, 0.1),
    "rho": (0.9, 0.5, 0.0, 0.99, 0.25),
    "lr_decay": (0.01, 1.0, 0.0, 0.3),
    "initial_accumulator": (0.1, 1.0, 0.0, 1e-3),
    "eps_root": (1e-8, 1.0, 1e-3, 0.0),
    "eta_minus": (0.5, 0.3, 0.9),
    "eta_plus": (1.2, 2.0, 1.05),
    "step_min": (1e-6, 0.05, 0.0, 1e-3),
    "step_max": (50.0, 0.4, 1.0),
    "lambd": (1e-4, 0.1, 0.0, 1.0),
    "alpha": (0.75, 0.5, 0.0, 1.0, 2.0),
    "t0": (3.0, 0.0, 1.0, 1e6),
}
"""Values in use, and edge cases, of well-known symbols; the first is the plainest."""

ORDERED = (("step_min", "step_max"),)
"""Pairs of a lower and an upper bound: the first is never above the second."""

FRACTIONS = ("momentum", "dampening")
"""Symbols that are drawn below 1 although their domains go further: from 1 on the buffer grows without bound."""

UNKNOWN = (0.5, 0.0, 1.0, 0.1, 2.0, 0.9)
"""Values for any other symbol, where its domain contains them."""


@cache
def domains_of(rule: Rule) -> Mapping[str, Any]:
    """Return the domain of each hyper-parameter of ``rule`` by alphabet name, ``None`` where it states none."""
    stated = {str(symbol): domain for symbol, domain in rule.domains.items()}
    return MappingProxyType({str(symbol): stated.get(str(symbol)) for symbol in rule.hyper})


def contains(domain: Any, value: float) -> bool:
    """Whether ``value`` lies in ``domain``; no domain means every number from 0 up."""
    return bool(domain.contains(value)) if domain is not None else value >= 0.0


@cache
def typical_values(name: str, domain: Any) -> tuple[float, ...]:
    """Return the values of ``TYPICAL`` in ``domain``, the plainest first; never empty.

    Raises ValueError where neither these nor the ends and the middle of ``domain`` lie in it.
    """
    values = [value for value in TYPICAL.get(name, UNKNOWN) if contains(domain, value)]
    if not values and domain is not None:
        low, high = float(domain.low), float(domain.high)
        middle = (low + high) / 2.0 if abs(low) + abs(high) < float("inf") else low + 1.0
        values = [value for value in (middle, low, high) if contains(domain, value)]
    if not values:
        raise ValueError(f"{name}: domain={domain}, but should contain a finite number to draw")
    return tuple(values)


def averages(domain: Any) -> bool:
    """Whether ``domain`` is that of an averaging factor: it contains 0 and ends before 1."""
    return domain is not None and contains(domain, 0.0) and float(domain.high) == 1.0 and not contains(domain, 1.0)


def ordered(values: Mapping[str, float], fixed_hyper: Mapping[str, float]) -> dict[str, float]:
    """Return ``values`` with every pair of ``ORDERED`` in order; what is in ``fixed_hyper`` stays as it is."""
    result = dict(values)
    for low, high in ORDERED:
        if low not in result or high not in result or result[low] <= result[high]:
            continue
        if low not in fixed_hyper and high not in fixed_hyper:
            result[low], result[high] = result[high], result[low]
        elif low not in fixed_hyper:
            result[low] = result[high]
        elif high not in fixed_hyper:
            result[high] = result[low]
    return result


def plain_hyper(rule: Rule, fixed_hyper: Mapping[str, float] | None = None) -> dict[str, float]:
    """Return the plainest value of each hyper-parameter of ``rule``, or the one that ``fixed_hyper`` gives it."""
    fixed_hyper = fixed_hyper or {}
    return {name: fixed_hyper.get(name, typical_values(name, domain)[0]) for name, domain in domains_of(rule).items()}


def hyper_choice(
    rule: Rule, fixed_hyper: Mapping[str, float], turn: int = 0, preferred: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Return the ``turn``-th choice of hyper-parameters of ``rule``, 0 being the plainest value of each.

    A learning rate of 0 is never a turn's choice. ``preferred`` values replace the choice where their domain contains
    them; what is in ``fixed_hyper`` stays as it is.
    """
    chosen = {}
    for name, domain in domains_of(rule).items():
        values = (fixed_hyper[name],) if name in fixed_hyper else typical_values(name, domain)
        values = tuple(value for value in values if name != "lr" or value != 0.0) or values
        value = values[turn % len(values)]
        wish = (preferred or {}).get(name, value)
        chosen[name] = wish if name not in fixed_hyper and contains(domain, wish) else value
    return ordered(chosen, fixed_hyper)


def changeable_hyper(rule: Rule, fixed_hyper: Mapping[str, float]) -> tuple[str, ...]:
    """Return the hyper-parameters besides lr that may change between steps: those that the step equations use.

    What only an initial value uses (an accumulator's) acts at construction or at the first step, and never again.
    """
    used = {symbol.name for equation in rule.step.values() for symbol in equation.free_symbols}
    return tuple(name for name in domains_of(rule) if name in used and name != "lr" and name not in fixed_hyper)


def other_values(rule: Rule, name: str, current: Mapping[str, float]) -> tuple[float, ...]:
    """Return the typical values of ``name`` besides its ``current`` one that keep each pair of ``ORDERED`` in order."""
    values = [value for value in typical_values(name, domains_of(rule)[name]) if value != current[name]]
    return tuple(value for value in values if ordered({**current, name: value}, {}) == {**current, name: value})


@st.composite
def _values(draw: st.DrawFn, name: str, domain: Any) -> float:
    common = typical_values(name, domain)
    kind = draw(st.integers(0, 9))
    if kind < 4:
        return draw(st.sampled_from(common))
    if averages(domain) or name in FRACTIONS:
        value = _average(draw, kind)
    else:
        low, high = (-6, 1) if name == "lr" else (-16, 0) if name == "eps" else (-4, 1)
        leading = draw(st.integers(1, 9)) + 0.1 * draw(st.integers(0, 99)) / 10.0
        value = leading * 10.0 ** draw(st.integers(low, high - 1))
    return value if contains(domain, value) else common[0]


def _average(draw: st.DrawFn, kind: int) -> float:
    if kind < 6:
        return 1.0 - 2.0 ** -draw(st.integers(1, 14))
    if kind < 8:
        return draw(st.integers(0, 50)) / 100.0
    return (draw(st.integers(0, 99)) + draw(st.integers(0, 99)) / 100.0) / 100.0


@st.composite
def _hyper_parameters(draw: st.DrawFn, rule: Rule, fixed_hyper: Mapping[str, float]) -> dict[str, float]:
    drawn = {
        name: fixed_hyper[name] if name in fixed_hyper else draw(_values(name, domain))
        for name, domain in domains_of(rule).items()
    }
    return ordered(drawn, fixed_hyper)


def hyper_values(*, rule: Rule, name: str) -> st.SearchStrategy[float]:
    """Return a strategy for one hyper-parameter of ``rule``, each value exact in binary64.

    Raises ValueError where ``rule`` has no hyper-parameter of that name.
    """
    domains = domains_of(rule)
    if name not in domains:
        raise ValueError(f"name={name!r}, but {rule.name} has {', '.join(sorted(domains)) or 'no hyper-parameters'}")
    return _values(name=name, domain=domains[name])


def hyper_parameters(
    *, rule: Rule, fixed_hyper: Mapping[str, float] | None = None
) -> st.SearchStrategy[dict[str, float]]:
    """Return a strategy for hyper-parameters of ``rule`` by alphabet name, inside their domains.

    Averaging factors are 0, at most 1/2, 1 - 2**-k, or anything below 1; the learning rate spreads over 1e-6 to 10
    and may be 0; eps spreads over 1e-16 to 1; a lower bound is never above its upper bound. ``fixed_hyper`` fixes
    some of them; names in it that are no hyper-parameters of ``rule`` are ignored.
    """
    return _hyper_parameters(rule=rule, fixed_hyper=dict(fixed_hyper or {}))
