"""Claims: a rule's names, and its equations as text that a worker can evaluate without SymPy."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import sympy
from sympy.printing.pycode import pycode

from stepcheck_implementations.matching.claim import PROBE_HYPER, Claim
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import needs_objective


def claim_of(
    name: str,
    rule: Rule,
    fixed: Mapping[str, float | bool] | None = None,
    maps: Mapping[str, str] | None = None,
    options: Mapping[str, bool] | None = None,
) -> Claim:
    """Return the claim that a target is the rule ``name``, with what a user has fixed and mapped, and its options."""
    starts = {**rule.init, **rule.scalars}
    return Claim(
        rule=name,
        hyper={str(symbol): _visible(rule, symbol) for symbol in rule.hyper},
        initial={str(symbol): _start(value) for symbol, value in starts.items()},
        scalars=tuple(str(symbol) for symbol in rule.scalars),
        equations=dict(_equations(rule)),
        constants={str(symbol): float(value) for symbol, value in rule.constants.items()},
        fixed=dict(fixed or {}),
        maps=dict(maps or {}),
        needs_objective=needs_objective(rule),
        options=dict(options or {}),
    )


def _visible(rule: Rule, symbol: Any) -> float:
    domain = rule.domains.get(symbol)
    wanted = [PROBE_HYPER.get(str(symbol), 0.5), rule.defaults.get(symbol, 1.0), 1.0, 2.0]
    return next((value for value in wanted if domain is None or domain.contains(value)), float(wanted[0]))


def _start(value: Any) -> float | str:
    return str(value) if getattr(value, "free_symbols", None) else float(value)


@cache
def _equations(rule: Rule) -> Mapping[str, str]:
    """Return every equation of ``rule`` as a Python expression; nothing where one cannot be written so."""
    text = {}
    for symbol, expression in rule.step.items():
        plain = expression.doit().replace(sympy.sign, _sign)
        written = pycode(plain, fully_qualified_modules=True, strict=False)
        if "Not supported" in written:
            return MappingProxyType({})
        text[str(symbol)] = written
    return MappingProxyType(text)


def _sign(argument: Any) -> Any:
    return sympy.Piecewise((1, argument > 0), (-1, argument < 0), (0, True))
