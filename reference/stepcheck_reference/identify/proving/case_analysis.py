"""Case analysis: expressions with branches, in each way in which the numbers that are compared may be ordered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

from sympy import Expr, Piecewise, expand, false, true
from sympy.core.relational import Relational

from stepcheck_reference.alphabet import t

MOST = 4
"""Expressions that compare more numbers than this are not taken apart."""

Order = Mapping[Expr, int]
"""The sign of each difference that is compared with 0."""

_HOLDS: Mapping[str, tuple[int, ...]] = {"<": (-1,), "<=": (-1, 0), "==": (0,), "!=": (-1, 1), ">=": (0, 1), ">": (1,)}


def cases(left: Expr, right: Expr) -> Iterator[tuple[Expr, Expr]]:
    """Yield both sides without branches in every case; as they are where too much is compared."""
    differences = sorted({_difference(part)[0] for side in (left, right) for part in side.atoms(Relational)}, key=str)
    differences = [difference for difference in differences if not difference.is_number]
    if len(differences) > MOST:
        yield left, right
        return
    for signs in product(*(_possible(difference) for difference in differences)):
        order = dict(zip(differences, signs, strict=True))
        yield _taken(left, order), _taken(right, order)


def _possible(difference: Expr) -> tuple[int, ...]:
    signs = (-1, 0, 1)
    if difference.is_nonnegative or difference.subs(t, t + 1).is_nonnegative:
        return (0, 1)
    return signs


def _difference(condition: Relational) -> tuple[Expr, int]:
    """Return what is compared with 0, and -1 where the comparison is turned round by writing it so."""
    difference = expand(condition.lhs - condition.rhs)
    negated = expand(-difference)
    return (negated, -1) if str(negated) < str(difference) else (difference, 1)


def _taken(side: Expr, order: Order) -> Expr:
    replacements: dict[Expr, Expr] = {}
    for condition in side.atoms(Relational):
        difference, turned = _difference(condition)
        sign = order.get(difference)
        if sign is None and difference.is_number:
            sign = int(difference > 0) - int(difference < 0)
        if sign is not None:
            replacements[condition] = true if sign * turned in _HOLDS[condition.rel_op] else false
    taken = side.xreplace(replacements)
    if taken.has(Piecewise):
        taken = taken.doit()
    for difference, sign in order.items():
        if sign == 0:
            taken = taken.xreplace(_solved(difference))
    return taken


def _solved(difference: Expr) -> dict[Expr, Expr]:
    """Return the value that a symbol has where ``difference`` is 0, if it is that symbol less something without it."""
    for symbol in sorted(difference.free_symbols, key=lambda symbol: (symbol == t, str(symbol))):
        for value in (expand(symbol - difference), expand(symbol + difference)):
            if symbol not in value.free_symbols:
                return {symbol: value}
    return {}
