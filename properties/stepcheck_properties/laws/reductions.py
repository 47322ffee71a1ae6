"""Reductions: the rules that a rule equals with some hyper-parameters at 0, found in its equations.

``reductions`` compares equations expression for expression: code of one rule then rounds nowhere where code of the
other does not, and the other rule's envelope applies to it. ``reduces_to`` accepts any proof of equality, for laws
that need no envelope.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations

from sympy import Abs, Expr, Max, Pow, Symbol, sign, sympify

from stepcheck_properties.law import Facts
from stepcheck_reference.alphabet import lr, theta
from stepcheck_reference.facts import fixed, reduces
from stepcheck_reference.facts.equations import equations, feeding
from stepcheck_reference.rewrites.maximize import MAXIMIZE
from stepcheck_reference.rewrites.rewrite import RewriteError
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules import ALL
from stepcheck_reference.scripts.objective import needs_objective

MOST_ZEROS = 4
"""How many hyper-parameters are set to 0 together; the combinations of more take SymPy too long."""

Equations = tuple[frozenset[tuple[Symbol, Expr]], frozenset[tuple[Symbol, Expr]]]
"""A rule's equations and the initial values of its states, as far as its steps depend on them."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """What a rule is with the hyper-parameters ``zeros`` at 0: the rule ``other``.

    With ``growing`` that takes gradients that never shrink in size. With ``powers_of_two`` it takes gradients that are
    powers of two or their opposites, the only ones for which sqrt(g**2) is computed without rounding.
    """

    zeros: tuple[Symbol, ...]
    other: Rule
    growing: bool = False
    powers_of_two: bool = False


@lru_cache(maxsize=256)
def reductions(rule: Rule) -> tuple[Reduction, ...]:
    """Return what ``rule`` reduces to, with the most hyper-parameters at 0 first."""
    return () if needs_objective(rule) else tuple(_reductions(rule))


def _reductions(rule: Rule) -> Iterator[Reduction]:
    free = [symbol for symbol in rule.hyper if symbol != lr and rule.domains[symbol].contains(0.0)]
    rules = _rules_by_equations()
    for many in range(min(MOST_ZEROS, len(free)), -1, -1):
        for zeros in combinations(free, many):
            special = fixed(rule, dict.fromkeys(zeros, 0))
            new = equations(special)
            with_signs = {symbol: _with_signs(equation) for symbol, equation in new.items()}
            without_max = {symbol: _without_max(equation, new) for symbol, equation in new.items()}
            for equals, growing, powers in ((new, False, False), (with_signs, False, True), (without_max, True, False)):
                other = rules.get(_key(special, equals))
                if other is None or other is rule or (equals is not new and equals == new):
                    continue
                if not (growing and any(theta in new[state].free_symbols for state in feeding(new))):
                    yield Reduction(zeros, other, growing, powers)


def _key(rule: Rule, new: Mapping[Symbol, Expr]) -> Equations:
    states = feeding(new)
    initial = {state: sympify(value) for state, value in {**rule.init, **rule.scalars}.items()}
    return frozenset((symbol, new[symbol]) for symbol in (theta, *states)), frozenset((s, initial[s]) for s in states)


@cache
def _rules_by_equations() -> Mapping[Equations, Rule]:
    """Return every rule, and every rule that maximizes, by its equations."""
    rules: dict[Equations, Rule] = {}
    for rule in ALL:
        rules.setdefault(_key(rule, equations(rule)), rule)
    for rule in ALL:
        try:
            maximized = MAXIMIZE(rule)
        except RewriteError:
            continue
        rules.setdefault(_key(maximized, equations(maximized)), maximized)
    return rules


def _with_signs(equation: Expr) -> Expr:
    """Return ``equation`` with x/|x| as sign(x)."""
    return equation.replace(
        lambda part: isinstance(part, Pow) and part.exp == -1 and isinstance(part.base, Abs),
        lambda part: sign(part.base.args[0]) / part.base.args[0],
    )


def _without_max(equation: Expr, new: Mapping[Symbol, Expr]) -> Expr:
    """Return ``equation`` with the newer argument in place of every maximum of a state and something newer."""
    return equation.replace(
        lambda part: isinstance(part, Max) and len(part.args) == 2 and any(arg in new for arg in part.args),
        lambda part: next(arg for arg in part.args if arg not in new),
    )


@lru_cache(maxsize=256)
def zeroed(rule: Rule, *excluded: Symbol) -> tuple[Symbol, ...]:
    """Return the hyper-parameters that may be 0, except lr and those that are ``excluded``."""
    return tuple(
        symbol for symbol in rule.hyper if symbol not in (lr, *excluded) and rule.domains[symbol].contains(0.0)
    )


@lru_cache(maxsize=256)
def reduces_to(rule: Rule, others: tuple[Rule, ...], *excluded: Symbol) -> bool:
    """Whether ``rule`` with its ``zeroed`` hyper-parameters at 0 is proved to take the steps of one of ``others``.

    Rules with the same expression come first: SymPy takes long to simplify the others.
    """
    values = dict.fromkeys(zeroed(rule, *excluded), 0)
    new = equations(fixed(rule, values))
    same_states = [other for other in others if feeding(equations(other)) == feeding(new)]
    same_states.sort(key=lambda other: equations(other)[theta] != new[theta])
    return any(reduces(rule, other, values) is True for other in same_states)


def can_be_zeroed(facts: Facts, *excluded: Symbol) -> bool:
    """Whether the cell fixes none of the ``zeroed`` hyper-parameters at another value than 0."""
    return not any(facts.fixed_hyper.get(str(symbol), 0.0) for symbol in zeroed(facts.rule, *excluded))


def zero_values(rule: Rule, *excluded: Symbol) -> dict[str, float]:
    """Return the ``zeroed`` hyper-parameters with the value 0."""
    return {str(symbol): 0.0 for symbol in zeroed(rule, *excluded)}


def are_zero(rule: Rule, hyper: Mapping[str, float], *excluded: Symbol) -> bool:
    """Whether the ``zeroed`` hyper-parameters are 0 in ``hyper``."""
    return all(hyper.get(str(symbol), 0.0) == 0.0 for symbol in zeroed(rule, *excluded))
