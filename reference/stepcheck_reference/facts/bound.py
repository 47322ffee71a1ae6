"""Bound: how far a step can go, whatever the gradients."""

from __future__ import annotations

from functools import lru_cache

from sympy import Abs, Add, Expr, Integer, Max, Min, Mul, Piecewise, Pow, Rational, Symbol, expand, sign, sqrt

from stepcheck_reference.alphabet import g, t
from stepcheck_reference.facts.equations import equations, step_of
from stepcheck_reference.facts.signs import is_nonnegative, nonnegative_states
from stepcheck_reference.rule import Rule


@lru_cache(maxsize=1024)
def step_bound(rule: Rule) -> Expr | None:
    """Return what no step is longer than, in hyper-parameters and t, whatever the gradients; None if unknown.

    It is no least bound. A gradient over the root of a sum that holds its square is seen to be bounded, and a sign.
    """
    nonnegative = frozenset(state for state, sure in nonnegative_states(rule).items() if sure)
    return _Bounds(rule, nonnegative).of(step_of(equations(rule)))


class _Bounds:
    """Bounds of expressions of one rule, whose states ``nonnegative`` are never negative."""

    def __init__(self, rule: Rule, nonnegative: frozenset[Symbol]) -> None:
        self._rule = rule
        self._nonnegative = nonnegative
        self._given = frozenset({t, *rule.hyper})

    def of(self, expression: Expr) -> Expr | None:
        """Return what the size of ``expression`` does not exceed."""
        if expression.free_symbols <= self._given or expression.is_number:
            return expression if self._sure(expression) else Abs(expression)
        if isinstance(expression, sign):
            return Integer(1)
        if isinstance(expression, Add):
            return self._all(Add, expression.args)
        if isinstance(expression, Mul):
            return self._product(expression)
        if isinstance(expression, Piecewise):
            return self._all(Max, [value for value, _ in expression.args])
        if isinstance(expression, Max) and self._sure(expression):
            return self._all(Max, expression.args)
        if isinstance(expression, Min) and self._sure(expression):
            bounds = [own for own in map(self.of, expression.args) if own is not None]
            return Min(*bounds) if bounds else None
        return None

    def _all(self, kind: type[Expr], parts: tuple[Expr, ...] | list[Expr]) -> Expr | None:
        bounds = [self.of(part) for part in parts]
        return None if None in bounds else kind(*bounds)

    def _product(self, product: Mul) -> Expr | None:
        """Return the product of the factors' bounds, a gradient taken together with what divides it."""
        for divisor in product.args:
            if g in product.args and (ratio := self._ratio(divisor)) is not None:
                rest = self.of(Mul(*(factor for factor in product.args if factor not in (g, divisor))))
                return None if rest is None else rest * ratio
        return self._all(Mul, product.args)

    def _ratio(self, divisor: Expr) -> Expr | None:
        """Return what |g| times ``divisor`` does not exceed, if it is one over a root that holds weight*g**2."""
        if not isinstance(divisor, Pow) or divisor.exp not in (-1, Rational(-1, 2)):
            return None
        inside = divisor.base if divisor.exp != -1 else self._root(divisor.base)
        if inside is None:
            return None
        weight = expand(inside).coeff(g, 2)
        rest = Add(*(term for term in Add.make_args(inside) if not term.has(g)))
        if weight == 0 or not self._sure(weight) or not self._sure(rest):
            return None
        squared = Add(*(term for term in Add.make_args(inside) if term.has(g)))
        return 1 / sqrt(weight) if expand(squared - weight * g**2) == 0 else None

    def _root(self, divisor: Expr) -> Expr | None:
        """Return what is under the root of a root and other terms that are not negative."""
        terms = Add.make_args(divisor)
        roots = [term for term in terms if isinstance(term, Pow) and term.exp == Rational(1, 2)]
        if len(roots) != 1 or not all(self._sure(term) for term in terms):
            return None
        return roots[0].base

    def _sure(self, expression: Expr) -> bool:
        return is_nonnegative(expression, self._rule, self._nonnegative)
