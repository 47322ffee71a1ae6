"""Proof: whether two expressions are equal for every value of their symbols, decided for the forms that steps take.

A power beta**t becomes 1 - q with q > 0, so that roots of quotients split; roots, signs, maxima and the like become
letters once their insides are written in one way; what is left is a quotient of polynomials. The weight of an average
is taken to be less than 1, as in every rule.
"""

from __future__ import annotations

from collections.abc import Mapping

from sympy import (
    Abs,
    Add,
    Dummy,
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
    fraction,
    sign,
)
from sympy.polys.rings import PolyElement

from stepcheck_reference.alphabet import t
from stepcheck_reference.identify.evaluation.agreement import same
from stepcheck_reference.identify.evaluation.compiled_step import NotEvaluable, compiled
from stepcheck_reference.identify.evaluation.operations import CONTEXT, NUMBERS
from stepcheck_reference.identify.proving.case_analysis import cases
from stepcheck_reference.identify.proving.quotient import TooLarge, quotients


def equal(left: Expr, right: Expr) -> bool:
    """Return whether ``left`` and ``right`` are proved equal; False where no proof was found."""
    if left == right:
        return True
    if _differ_at_a_point(left, right):
        return False
    if all(_equal_in_case(*sides) for sides in cases(left, right)):
        return True
    branched = [side.replace(lambda part: isinstance(part, Max | Min), _branches) for side in (left, right)]
    return branched != [left, right] and all(_equal_in_case(*sides) for sides in cases(*branched))


def _branches(extreme: Expr) -> Expr:
    """Return a maximum or minimum as branches."""
    chosen, *others = extreme.args
    for other in others:
        larger = chosen > other if isinstance(extreme, Max) else chosen < other
        chosen = Piecewise((chosen, larger), (other, True))
    return chosen


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


def _equal_in_case(left: Expr, right: Expr) -> bool:
    if left == right:
        return True
    if left.has(Piecewise) or right.has(Piecewise):
        left, right = (side.doit() for side in (left, right))
    return _same_quotient(left, right) or _same_quotient(*_with_weights(left, right))


def _same_quotient(left: Expr, right: Expr) -> bool:
    letters: dict[Expr, Symbol] = {}
    corrections: dict[Expr, Symbol] = {}
    first, second = (_polynomial(_with_positive(side, corrections), letters) for side in (left, right))
    try:
        above, below = quotients([first, second])
        numerator = above[0] * below[1] - above[1] * below[0]
        return not _without_roots(numerator, letters)
    except TooLarge:
        return False


def _with_weights(left: Expr, right: Expr) -> tuple[Expr, Expr]:
    """Return both sides with 1 - p, p > 0, for each weight of an average, which is less than 1."""
    sums = left.atoms(Add) | right.atoms(Add)
    weights = {1 - part: Dummy("p", positive=True) for part in sums if (1 - part).is_Symbol}
    given = {weight: 1 - letter for weight, letter in weights.items()}
    return left.xreplace(given), right.xreplace(given)


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
    if isinstance(part, Piecewise):  # one that no case distinction has resolved, as within the condition of another
        return _letter(part, letters)
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
