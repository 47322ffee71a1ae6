"""Proof: whether two expressions are equal for every value of their symbols, decided for the forms that steps take.

A power beta**t becomes 1 - q with q > 0, so that roots of quotients split; roots, signs, maxima and the like become
letters once their insides are written in one way; what is left is a quotient of polynomials.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

from sympy import (
    Abs,
    Add,
    Dummy,
    Eq,
    Expr,
    Integer,
    Max,
    Min,
    Mul,
    Piecewise,
    Poly,
    Pow,
    Symbol,
    expand,
    false,
    fraction,
    sign,
    true,
)
from sympy.core.relational import Relational
from sympy.polys.rings import PolyElement

from stepcheck_reference.alphabet import t
from stepcheck_reference.identify.evaluation.agreement import same
from stepcheck_reference.identify.evaluation.compiled_step import NotEvaluable, compiled
from stepcheck_reference.identify.evaluation.operations import CONTEXT, NUMBERS
from stepcheck_reference.identify.proving.quotient import TooLarge, quotients

MOST_CONDITIONS = 4
"""Branches on more conditions than this are not decided case by case."""


def equal(left: Expr, right: Expr) -> bool:
    """Return whether ``left`` and ``right`` are proved equal; False where no proof was found."""
    if left == right:
        return True
    if _differ_at_a_point(left, right):
        return False
    return all(_equal_in_case(first, second) for first, second in _cases(left, right))


def _differ_at_a_point(left: Expr, right: Expr) -> bool:
    """Return whether the two have other values at one of a few points, which saves looking for a proof."""
    sides = [Symbol("left"), Symbol("right")]
    try:
        step = compiled(dict(zip(sides, (left, right), strict=True)))
    except NotEvaluable:
        return False
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    for point in range(3):
        values = {
            symbol: CONTEXT.mpf(2 + point) if symbol == t else CONTEXT.mpf(7 + (5 * index + 11 * point) % 23) / 31
            for index, symbol in enumerate(symbols)
        }
        if point == 1:
            values = {symbol: value if symbol.is_nonnegative else -value for symbol, value in values.items()}
        found = step(NUMBERS, values or {t: CONTEXT.mpf(2)})
        if not same(found[sides[0]], found[sides[1]]):
            return True
    return False


def _cases(left: Expr, right: Expr) -> Iterator[tuple[Expr, Expr]]:
    """Yield both sides without branches, for each way in which the conditions may hold."""
    conditions = {_settled(part) for side in (left, right) for part in side.atoms(Relational)}
    conditions = {_positive_form(part) for part in conditions if part not in (true, false)}
    if len(conditions) > MOST_CONDITIONS:
        yield left, right
        return
    ordered = sorted(conditions, key=str)
    for truths in product((True, False), repeat=len(ordered)):
        truth = dict(zip(ordered, truths, strict=True))
        if sum(1 for condition, holds in truth.items() if holds and isinstance(condition, Eq)) > 1:
            continue
        yield _taken(left, truth), _taken(right, truth)


def _settled(condition: Expr) -> Expr:
    return condition.func(expand(condition.lhs), expand(condition.rhs))


def _positive_form(condition: Expr) -> Expr:
    """Return ``condition`` or its negation, one of the two always."""
    difference = expand(condition.lhs - condition.rhs)
    if isinstance(condition, Eq) or condition.rel_op == "!=":
        return Eq(condition.lhs, condition.rhs)
    if condition.rel_op in ("<", ">="):
        return difference < 0
    return difference > 0


def _taken(side: Expr, truth: Mapping[Expr, bool]) -> Expr:
    replacements = {}
    for condition in side.atoms(Relational):
        settled = _settled(condition)
        if settled in (true, false):
            replacements[condition] = settled
            continue
        form = _positive_form(settled)
        if form not in truth:
            continue
        holds = truth[form]
        if settled.rel_op in ("!=", ">=", "<="):
            holds = not holds
        replacements[condition] = true if holds else false
    taken = side.xreplace(replacements)
    for condition, holds in truth.items():
        if holds and isinstance(condition, Eq) and isinstance(condition.lhs, Symbol):
            taken = taken.xreplace({condition.lhs: condition.rhs})
    return taken


def _equal_in_case(left: Expr, right: Expr) -> bool:
    if left == right:
        return True
    if left.has(Piecewise) or right.has(Piecewise):
        left, right = (side.doit() for side in (left, right))
    letters: dict[Expr, Symbol] = {}
    corrections: dict[Expr, Symbol] = {}
    first, second = (_polynomial(_with_positive(side, corrections), letters) for side in (left, right))
    try:
        above, below = quotients([first, second])
        numerator = above[0] * below[1] - above[1] * below[0]
        return not _without_roots(numerator, letters)
    except TooLarge:
        return False


def _with_positive(side: Expr, corrections: dict[Expr, Symbol]) -> Expr:
    """Return ``side`` with 1 - q for each power beta**t, and beta*(1 - q) for beta**(t + 1)."""
    replacements = {}
    for power in side.atoms(Pow):
        offset = power.exp - t
        if not power.exp.has(t) or not offset.is_Integer:
            continue
        if power.base not in corrections:
            corrections[power.base] = Dummy("q", positive=True)
        replacements[power] = (1 - corrections[power.base]) * power.base**offset
    return side.xreplace(replacements)


def _polynomial(part: Expr, letters: dict[Expr, Symbol]) -> Expr:
    """Return ``part`` with a letter for each root, sign, maximum, absolute value and power that is not whole."""
    if part.is_Atom:
        return part
    if isinstance(part, Add | Mul):
        return part.func(*(_polynomial(argument, letters) for argument in part.args))
    if isinstance(part, Pow) and part.exp.is_Integer:
        return Pow(_polynomial(part.base, letters), part.exp)
    if isinstance(part, Pow) and part.exp.is_Rational:
        whole = Integer(int(part.exp.p) // int(part.exp.q))
        inside = _normal(part.base, letters)
        above, below = fraction(inside)
        positive = below.is_positive and below != 1
        parts = [(above, 1), (below, -1)] if positive else [(inside, 1)]
        result = Pow(inside, whole)
        for piece, power in parts:
            result *= _root(piece, part.exp - whole, letters) ** power
        return result
    arguments = [_normal(argument, letters) for argument in part.args]
    if isinstance(part, Max | Min):
        return _letter(part.func(*arguments), letters)
    if isinstance(part, Abs | sign):
        (inside,) = arguments
        return _odd(part.func, inside, letters)
    return _letter(part.func(*arguments), letters)


def _odd(function: type, inside: Expr, letters: dict[Expr, Symbol]) -> Expr:
    """Return the letter of a sign or an absolute value, whose inside may be the negation of one seen before."""
    negated = expand(-inside)
    if function(negated) in letters or (function(inside) not in letters and str(negated) < str(inside)):
        return _letter(function(negated), letters) * (-1 if function is sign else 1)
    return _letter(function(inside), letters)


def _normal(inside: Expr, letters: dict[Expr, Symbol]) -> Expr:
    polynomial = _polynomial(inside, letters)
    if polynomial.is_Atom:
        return polynomial
    (above,), (below,) = quotients([polynomial])
    above, below = above.cancel(below)
    if below.LC < 0:
        above, below = -above, -below
    return above.as_expr() / below.as_expr()


def _root(inside: Expr, exponent: Expr, letters: dict[Expr, Symbol]) -> Expr:
    if inside == 1:
        return inside
    value = Pow(inside, exponent)
    return value if value.is_Atom else _letter(value, letters)


def _letter(value: Expr, letters: dict[Expr, Symbol]) -> Expr:
    if value.is_Atom:
        return value
    if value not in letters:
        letters[value] = Dummy("r")
    return letters[value]


def _without_roots(polynomial: PolyElement, letters: Mapping[Expr, Symbol]) -> PolyElement:
    """Return ``polynomial`` with what it is the root of for each root's own power."""
    for value, letter in reversed(list(letters.items())):
        if not (isinstance(value, Pow) and value.exp.is_Rational) or not polynomial:
            continue
        expression = polynomial.as_expr()
        if not expression.has(letter):
            continue
        power, base = int(value.exp.q), value.base ** int(value.exp.p)
        kept: dict[int, Expr] = {}
        for (count,), coefficient in Poly(expression, letter).terms():
            kept.setdefault(count % power, []).append((coefficient, count // power))
        parts = [Add(*(part * base**times for part, times in group)) for group in kept.values()]
        tops, _ = quotients(parts)
        found = [top for top in tops if top]
        if not found:
            return polynomial.ring.zero
        polynomial = found[0] if len(found) == 1 else None
        if polynomial is None:
            above, _ = quotients([Add(*(top.as_expr() * letter**rest for top, rest in zip(tops, kept, strict=True)))])
            polynomial = above[0]
    return polynomial


__all__ = ["equal"]
