"""Defaults: where a class' constructor departs from what its rule's source recommends. A fact, and no failure."""

from __future__ import annotations

from collections.abc import Mapping

from stepcheck.certification.certificate import Departure
from stepcheck_reference.rule import Rule


def departures(target: str, rule: Rule, defaults: Mapping[str, float]) -> tuple[Departure, ...]:
    """Return every default of ``target`` (alphabet name to value) that ``rule``'s source recommends otherwise."""
    recommended = {symbol.name: float(value) for symbol, value in rule.defaults.items()}
    return tuple(
        Departure(target=target, rule=rule.name, name=name, default=defaults[name], recommended=value)
        for name, value in recommended.items()
        if name in defaults and defaults[name] != value
    )
