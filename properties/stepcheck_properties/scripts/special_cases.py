"""Reductions: the rules that a rule is, to the letter, at hyper-parameters of 0 or where gradients only grow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations

from sympy import Abs, Expr, Max, Pow, Symbol, sign, sympify

from stepcheck_reference.alphabet import lr, theta
from stepcheck_reference.facts import fixed
from stepcheck_reference.facts.equations import equations, feeding
from stepcheck_reference.rewrites.maximize import MAXIMIZE
from stepcheck_reference.rewrites.rewrite import RewriteError
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules import ALL
from stepcheck_reference.scripts.objective import needs_objective

MOST_ZEROS = 4
"""How many hyper-parameters are tried at 0 together."""

Letters = tuple[frozenset[tuple[Symbol, Expr]], frozenset[tuple[Symbol, Expr]]]
"""A rule's equations, and what their states start from, as far as its steps depend on them."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """What a rule is with the hyper-parameters ``zeros`` at 0: ``other``.

    With ``rising`` that takes gradients that never shrink, with ``signs`` gradients that are a power of two or its
    opposite, for only those have a root of their square that is not rounded.
    """

    zeros: tuple[Symbol, ...]
    other: Rule
    rising: bool = False
    signs: bool = False


@lru_cache(maxsize=256)
def reductions(rule: Rule) -> tuple[Reduction, ...]:
    """Return what ``rule`` reduces to, with the most hyper-parameters at 0 first.

    The equations are the same expressions then, so that code of the one, which multiplies by 0 or adds 0, rounds
    nowhere where code of the other does not.
    """
    if needs_objective(rule):
        return ()
    return tuple(_found(rule))


def _found(rule: Rule) -> Iterator[Reduction]:
    free = [symbol for symbol in rule.hyper if symbol != lr and rule.domains[symbol].contains(0.0)]
    known = _known()
    for many in range(min(MOST_ZEROS, len(free)), -1, -1):
        for zeros in combinations(free, many):
            special = fixed(rule, dict.fromkeys(zeros, 0))
            new = equations(special)
            signed = {symbol: _with_signs(equation) for symbol, equation in new.items()}
            risen = {symbol: _risen(equation, new) for symbol, equation in new.items()}
            for equals, rising, signs in ((new, False, False), (signed, False, True), (risen, True, False)):
                other = known.get(_letters(special, equals))
                if other is None or other is rule or (equals is not new and equals == new):
                    continue
                if not (rising and any(theta in new[state].free_symbols for state in feeding(new))):
                    yield Reduction(zeros, other, rising, signs)


def _letters(rule: Rule, new: Mapping[Symbol, Expr]) -> Letters:
    states = feeding(new)
    starts = {state: sympify(value) for state, value in {**rule.init, **rule.scalars}.items()}
    return frozenset((symbol, new[symbol]) for symbol in (theta, *states)), frozenset((s, starts[s]) for s in states)


@cache
def _known() -> Mapping[Letters, Rule]:
    """Return every rule, and every rule that maximizes, by its letters."""
    found: dict[Letters, Rule] = {}
    for rule in ALL:
        found.setdefault(_letters(rule, equations(rule)), rule)
    for rule in ALL:
        try:
            up = MAXIMIZE(rule)
        except RewriteError:
            continue
        found.setdefault(_letters(up, equations(up)), up)
    return found


def _with_signs(equation: Expr) -> Expr:
    """Return ``equation`` with x/|x| as sign(x)."""
    return equation.replace(
        lambda part: isinstance(part, Pow) and part.exp == -1 and isinstance(part.base, Abs),
        lambda part: sign(part.base.args[0]) / part.base.args[0],
    )


def _risen(equation: Expr, new: Mapping[Symbol, Expr]) -> Expr:
    """Return ``equation`` where every maximum of a state and something newer is the newer."""
    return equation.replace(
        lambda part: isinstance(part, Max) and len(part.args) == 2 and any(arg in new for arg in part.args),
        lambda part: next(arg for arg in part.args if arg not in new),
    )
