"""Special cases: a rule with fixed hyper-parameters, and whether it is then another rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from sympy import Expr, Symbol, sympify

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.alphabet import t, theta
from stepcheck_reference.facts.equations import equations, feeding
from stepcheck_reference.rule import Rule


def fixed(rule: Rule, values: Mapping[Symbol, Expr | int]) -> Rule:
    """Return ``rule`` with these hyper-parameters fixed; the same values give the same object."""
    items = tuple((symbol, sympify(value)) for symbol, value in values.items())
    return _fixed(rule, items) if items else rule


@lru_cache(maxsize=4096)
def _fixed(rule: Rule, values: tuple[tuple[Symbol, Expr], ...]) -> Rule:
    substitution = dict(values)
    init, scalars, step = (_substituted(part, substitution) for part in (rule.init, rule.scalars, equations(rule)))
    used = {symbol for part in (init, scalars, step) for value in part.values() for symbol in value.free_symbols}
    return replace(
        rule,
        init=init,
        scalars=scalars,
        step=step,
        domains={symbol: domain for symbol, domain in rule.domains.items() if symbol in used},
        defaults={symbol: value for symbol, value in rule.defaults.items() if symbol in used},
        constants={symbol: value for symbol, value in rule.constants.items() if symbol in used},
        forms={},
        where={},
    )


def _substituted(values: Mapping[Symbol, Expr | int], substitution: Mapping[Symbol, Expr]) -> dict[Symbol, Expr]:
    return {symbol: sympify(value).xreplace(substitution) for symbol, value in values.items()}


def reduces(rule: Rule, other: Rule, values: Mapping[Symbol, Expr | int]) -> bool | None:
    """Return whether ``rule`` with these hyper-parameters takes the steps of ``other``; None if unknown.

    It does where theta and every state that the step of ``other`` depends on have equal initial and new values in both.
    """
    special, general = fixed(rule, values), equations(other)
    new = equations(special)
    starts = {**special.init, **special.scalars}
    answers: list[bool | None] = []
    for symbol in (theta, *feeding(general)):
        if symbol not in new:
            return None
        answers.append(vanishes(new[symbol] - general[symbol]))
        if symbol != theta:
            answers.append(vanishes(starts[symbol] - {**other.init, **other.scalars}[symbol]))
    if all(answers):
        return True
    first = {t: sympify(1), **other.init, **other.scalars, **starts}
    if vanishes(new[theta].xreplace(first) - general[theta].xreplace(first)) is False:
        return False
    return None
