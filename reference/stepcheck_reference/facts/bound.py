"""Bound: an upper bound of the step size, whatever the gradients."""

from __future__ import annotations

from functools import lru_cache

from sympy import Abs, Add, Expr, Integer, Max, Min, Mul, Piecewise, Pow, Rational, Symbol, expand, sign, sqrt

from stepcheck_reference.alphabet import g, t
from stepcheck_reference.facts.equations import equations, step_of
from stepcheck_reference.facts.signs import is_nonnegative, nonnegative_states
from stepcheck_reference.rule import Rule


@lru_cache(maxsize=1024)
def step_bound(rule: Rule) -> Expr | None:
    """Return an upper bound of every step in hyper-parameters and t, whatever the gradients; None if unknown.

    The bound need not be tight. It rests on two facts: a sign is at most 1, and so is a gradient divided by the root of
    a sum that contains its square.
    """
    nonnegative = frozenset(state for state, proved in nonnegative_states(rule).items() if proved)
    return _Bounds(rule, nonnegative).of(step_of(equations(rule)))


class _Bounds:
    """Bounds of one rule's expressions; the states ``nonnegative`` are never negative."""

    def __init__(self, rule: Rule, nonnegative: frozenset[Symbol]) -> None:
        self._rule = rule
        self._nonnegative = nonnegative
        self._gradient_free = frozenset({t, *rule.hyper})

    def of(self, expression: Expr) -> Expr | None:
        """Return an upper bound of the absolute value of ``expression``."""
        if expression.free_symbols <= self._gradient_free or expression.is_number:
            return expression if self._is_nonnegative(expression) else Abs(expression)
        if isinstance(expression, sign):
            return Integer(1)
        if isinstance(expression, Add):
            return self._all(Add, expression.args)
        if isinstance(expression, Mul):
            return self._product(expression)
        if isinstance(expression, Piecewise):
            return self._all(Max, [value for value, _ in expression.args])
        if isinstance(expression, Max) and self._is_nonnegative(expression):
            return self._all(Max, expression.args)
        if isinstance(expression, Min) and self._is_nonnegative(expression):
            bounds = [bound for bound in map(self.of, expression.args) if bound is not None]
            return Min(*bounds) if bounds else None
        return None

    def _all(self, kind: type[Expr], parts: tuple[Expr, ...] | list[Expr]) -> Expr | None:
        bounds = [self.of(part) for part in parts]
        return None if None in bounds else kind(*bounds)

    def _product(self, product: Mul) -> Expr | None:
        """Return the product of the factors' bounds; a gradient is bounded together with its divisor."""
        for divisor in product.args:
            if g in product.args and (ratio := self._gradient_ratio(divisor)) is not None:
                rest = self.of(Mul(*(factor for factor in product.args if factor not in (g, divisor))))
                return None if rest is None else rest * ratio
        return self._all(Mul, product.args)

    def _gradient_ratio(self, divisor: Expr) -> Expr | None:
        """Return an upper bound of |g| times ``divisor`` if that is one over a root that contains weight*g**2."""
        if not isinstance(divisor, Pow) or divisor.exp not in (-1, Rational(-1, 2)):
            return None
        radicand = divisor.base if divisor.exp != -1 else self._radicand(divisor.base)
        if radicand is None:
            return None
        weight = expand(radicand).coeff(g, 2)
        rest = Add(*(term for term in Add.make_args(radicand) if not term.has(g)))
        if weight == 0 or not self._is_nonnegative(weight) or not self._is_nonnegative(rest):
            return None
        squared = Add(*(term for term in Add.make_args(radicand) if term.has(g)))
        return 1 / sqrt(weight) if expand(squared - weight * g**2) == 0 else None

    def _radicand(self, divisor: Expr) -> Expr | None:
        """Return the radicand where ``divisor`` is one root plus nonnegative terms."""
        terms = Add.make_args(divisor)
        roots = [term for term in terms if isinstance(term, Pow) and term.exp == Rational(1, 2)]
        if len(roots) != 1 or not all(self._is_nonnegative(term) for term in terms):
            return None
        return roots[0].base

    def _is_nonnegative(self, expression: Expr) -> bool:
        return is_nonnegative(expression, self._rule, self._nonnegative)
