"""Parts: what papers give a letter and code writes out, found again in what was read, whatever stands around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from sympy import Add, Expr, Integer, Mul, Piecewise, Symbol
from sympy.core.relational import Relational

from stepcheck_reference import rules
from stepcheck_reference.alphabet import ALPHABET, QUANTITIES
from stepcheck_reference.reading.expressions import number_of

_SCALAR = ("hyper-parameter", "constant", "count")

Parts = dict[str, Expr]
"""Expressions by the name of the quantity that they are (see ``QUANTITIES``)."""


@cache
def known_parts() -> tuple[tuple[str, Expr], ...]:
    """Return the quantities of all rules that are of hyper-parameters and t alone, the longest first."""
    found: dict[Expr, str] = {}
    for rule in rules.ALL:
        constants = {symbol: number_of(repr(value)) for symbol, value in rule.constants.items()}
        for name, part in rule.where.items():
            if all(ALPHABET[symbol].role in _SCALAR for symbol in part.free_symbols):
                found.setdefault(part.doit().xreplace(constants), name)
    ordered = sorted(found.items(), key=lambda entry: -entry[0].count_ops())
    return tuple((name, part) for part, name in ordered)


def with_parts(step: Mapping[Symbol, Expr]) -> tuple[dict[Symbol, Expr], dict[str, Expr]]:
    """Return ``step`` with a symbol for each quantity that it has, and what these are, in the order of their use."""
    found: dict[str, Expr] = {}
    new = dict(step)
    for name, part in known_parts():
        if name in found:
            continue
        changed = {symbol: named(equation, part, Symbol(name, real=True)) for symbol, equation in new.items()}
        inside = {earlier: named(value, part, Symbol(name, real=True)) for earlier, value in found.items()}
        if changed != new or inside != found:
            new, found = changed, {**inside, name: part}
    return new, dict(_in_order_of_use(found))


def _in_order_of_use(found: dict[str, Expr]) -> Iterator[tuple[str, Expr]]:
    left = {name: found[name] for name in QUANTITIES if name in found}
    while left:
        names = {Symbol(name, real=True) for name in left}
        name = next((name for name, value in left.items() if not value.free_symbols & names), next(iter(left)))
        yield name, left.pop(name)


def named(expression: Expr, part: Expr, name: Symbol) -> Expr:
    """Return ``expression`` with ``name`` for ``part``, also among the terms or factors of a node."""
    if expression == part:
        return name
    if expression.is_Atom:
        return expression
    if isinstance(expression, Piecewise):
        branches = [(named(value, part, name), named(when, part, name)) for value, when in expression.args]
        return Piecewise(*branches, evaluate=False)
    args = [named(argument, part, name) for argument in expression.args]
    if tuple(args) != expression.args:
        expression = expression.func(*args)
        if isinstance(expression, Relational):
            return _solved(expression, name)
    if isinstance(expression, Add) and isinstance(part, Add):
        return _in_sum(expression, part, name)
    return _in_product(expression, part, name) if isinstance(expression, Mul) and isinstance(part, Mul) else expression


def _in_sum(expression: Add, part: Add, name: Symbol) -> Expr:
    number, terms = expression.as_coeff_Add()
    inside, of_part = part.as_coeff_Add()
    for sign in (1, -1):
        wanted, present = set(Add.make_args(sign * of_part)), set(Add.make_args(terms))
        if wanted <= present:
            return Add(*(present - wanted), sign * name, number - sign * inside)
    return expression


def _in_product(expression: Mul, part: Mul, name: Symbol) -> Expr:
    powers, wanted = expression.as_powers_dict(), part.as_powers_dict()
    times = {powers.get(base, Integer(0)) / exponent for base, exponent in wanted.items()}
    if not all(ratio.is_Integer and ratio >= 1 for ratio in times):
        return expression
    often = min(times)
    return name**often * expression / part**often


def _solved(comparison: Relational, name: Symbol) -> Relational:
    """Return a comparison with ``name`` alone on its left, where it is a term there."""
    left, right = comparison.lhs, comparison.rhs
    number, rest = left.as_coeff_Add()
    if rest == name:
        return comparison.func(name, right - number)
    if rest == -name:
        return comparison.reversed.func(name, number - right)
    return comparison
