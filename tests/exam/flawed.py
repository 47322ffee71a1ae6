"""Flawed rules: a listed rule with changed equations, for which theorems and facts fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stepcheck_reference.alphabet import beta, eps, lr, weight_decay
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules import find


def changed(name: str, **equations: Any) -> Rule:
    """Return the rule of this name with other equations for theta or states, by name.

    Only the equations that are named change: theta's own holds the new states written out.
    """
    rule = find(name)
    symbols = {str(symbol): symbol for symbol in rule.step}
    step = {**rule.step, **{symbols[key]: equation for key, equation in equations.items()}}
    parts = (step, rule.init, rule.scalars)
    used = {symbol for part in parts for value in part.values() for symbol in value.free_symbols}
    domains = {**dict.fromkeys(used & {beta, eps, lr, weight_decay}, NONNEGATIVE), **rule.domains}
    used_domains = {symbol: domain for symbol, domain in domains.items() if symbol in used}
    return replace(rule, name="planted", step=step, domains=used_domains, defaults={}, forms={}, where={})
