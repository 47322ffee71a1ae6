"""Closed forms: a recurrence solved for step t, a sum over the gradients so far.

A state whose new value is c*old + d, with c free of gradients, is c**t times its start plus the sum of c**(t - i)*d_i
over the steps i; where c changes with the step, its powers become products. Hyper-parameters are constant in a closed
form: a changed learning rate or decay is for the recurrence to follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from sympy import Eq, Expr, Integer, Piecewise, Product, Sum, Symbol, cancel, expand, fraction

from stepcheck_reference.algebra.history import at, i, j, unwrapped
from stepcheck_reference.algebra.linear import split
from stepcheck_reference.alphabet import ALPHABET, g, t, theta
from stepcheck_reference.printing.folding import folded
from stepcheck_reference.rule import Rule


@dataclass(frozen=True, slots=True)
class NoClosedForm:
    """Why a state has no closed form, by way of the states ``others``; ``{others}`` in the reason stands for them."""

    reason: str
    others: tuple[Symbol, ...] = ()


NOT_LINEAR = NoClosedForm("the new value is not linear in the old one")
GRADIENTS_DECIDE = NoClosedForm("gradients decide how much of the old value is kept")
CIRCLE = "they feed one another"
LACKING = "by way of {others}"


@dataclass(frozen=True, slots=True)
class ClosedForms:
    """What theta and the states of a rule hold after step t.

    ``values`` maps each that has a closed form to an expression in g[1]..g[t], theta[0], hyper-parameters and others
    of ``values`` at step t or before; so it does for each name of ``folded``, as a corrected moment or rate, which is
    a plain symbol in the others if it is the same at every step. ``missing`` says of each of the rest why it has none.
    """

    values: Mapping[Symbol, Expr]
    missing: Mapping[Symbol, NoClosedForm]


@lru_cache(maxsize=256)
def closed_forms(rule: Rule) -> ClosedForms:
    """Return the closed forms of ``rule``, as far as there are any, in the order of its lines."""
    return _Recurrences(rule).solved()


class _Recurrences:
    """A rule's lines as recurrences, and what each of them reaches of the step before."""

    def __init__(self, rule: Rule) -> None:
        lines = folded(rule)
        self._start = {**rule.init, **rule.scalars, theta: at(theta, 0)}
        self._scalars = frozenset(rule.scalars)
        self._olds = lines.heads
        self._names = {old: name for name, old in lines.heads.items()}
        self._lines = {name: unwrapped(value) for name, value in lines.lines}
        self._reach: dict[Symbol, frozenset[Symbol]] = {}
        for name, value in self._lines.items():
            self._reach[name] = self._reached(value)
        changing = {t, g, *self._names}
        self._constant = {name for name, reached in self._reach.items() if not reached & changing} - self._olds.keys()
        self._circles = {old: self._circle(old) for old in self._names}

    def solved(self) -> ClosedForms:
        obstacles = {old: why for old in self._names if (why := self._obstacle(old)) is not None}
        missing = dict(obstacles)
        for old in self._names.keys() - obstacles.keys():
            if lost := self._ancestors(old) & obstacles.keys():
                missing[old] = NoClosedForm(LACKING, _ordered(lost))
        values = {}
        for name, line in self._lines.items():
            old = self._olds.get(name)
            if old is not None and old not in missing:
                values[old] = self._solve(old)
            elif old is None and not self._reach[name] & missing.keys():
                values[name] = self._at(line, t)
        absent = {old: missing[old] for old in self._names if old in missing}
        return ClosedForms(MappingProxyType(values), MappingProxyType(absent))

    def _obstacle(self, old: Symbol) -> NoClosedForm | None:
        """Return what of a state's own recurrence stands in the way of a closed form."""
        if self._circles[old]:
            return NoClosedForm(CIRCLE, _ordered(self._circles[old] | {old}))
        parts = split(self._opened(old), old)
        if parts is None:
            return NOT_LINEAR
        if self._reached(parts[0]) & ({g} | self._names.keys() - self._scalars):
            return GRADIENTS_DECIDE
        return None

    def _solve(self, old: Symbol) -> Expr:
        """Return what ``old`` holds after step t, from c*old + d and, where step 1 is one of its own, from that."""
        special, usual = _parted(_resolved(self._opened(old)))
        parts = split(usual, old)
        assert parts is not None, f"{old} was found linear"
        kept, added = parts
        first = self._start[old]
        begin = 1
        if special is not None:
            alone = self._at(special, Integer(1)).xreplace({at(old, Integer(0)): first})
            if alone != kept * first + self._at(added, Integer(1)):
                first, begin = alone, 2
        if begin == 1 and kept == 0:
            return self._at(added, t)
        if self._reached(kept) & (self._names.keys() | {t}):
            whole = Product(self._at(kept, i), (i, begin, t))
            age = Product(self._at(kept, j), (j, i + 1, t))
            newest = Integer(0)
        else:
            whole, age = kept ** (t - begin + 1), kept ** (t - i)
            added, newest = self._shifted(kept, added) if begin == 1 else (added, Integer(0))
        outside, inside = self._at(added, i).as_independent(i, as_Add=False)
        return whole * first + outside * Sum(age * inside, (i, begin, t)) + newest

    def _shifted(self, kept: Expr, added: Expr) -> tuple[Expr, Expr]:
        """Return what is added with the gradients of the step before counted at their own, and a rest at step t.

        Where a state is the gradient of the step before and 0 at first, the sum of kept**(t - i)*g[i - 1] is that of
        kept**(t - i)*g[i], less g[t], over kept.
        """
        for old, name in self._names.items():
            if self._lines[name] != g or self._start[old] != 0 or old not in added.free_symbols:
                continue
            before, rest = split(added, old) or (Integer(0), added)
            now, rest = split(rest, g) or (Integer(0), rest)
            moved = cancel(before / kept)
            if not fraction(moved)[1].free_symbols and not self._reached(now + moved) & (self._names.keys() | {g, t}):
                return rest + expand(now + moved) * g, -moved * at(g, t)
        return added, Integer(0)

    def _opened(self, old: Symbol) -> Expr:
        """Return the new value of ``old`` with every name multiplied out that reaches ``old`` within the step."""
        equation = self._lines[self._names[old]]
        while names := {name for name in equation.free_symbols & self._reach.keys() if old in self._reach[name]}:
            equation = equation.xreplace({name: self._lines[name] for name in names})
        return equation

    def _reached(self, expression: Expr) -> frozenset[Symbol]:
        """Return the old values, gradient, count and hyper-parameters that ``expression`` depends on in its step."""
        reached = (self._reach.get(symbol, frozenset({symbol})) for symbol in expression.free_symbols)
        return frozenset().union(*reached)

    def _ancestors(self, old: Symbol) -> frozenset[Symbol]:
        """Return the states and theta that what ``old`` becomes depends on, over any number of steps."""
        found: set[Symbol] = set()
        unseen = {old}
        while unseen:
            reached = self._reach[self._names[unseen.pop()]] & self._names.keys()
            unseen |= reached - found
            found |= reached
        return frozenset(found)

    def _circle(self, old: Symbol) -> frozenset[Symbol]:
        """Return the other states that both feed ``old`` and are fed by it."""
        return frozenset(other for other in self._ancestors(old) - {old} if old in self._ancestors(other))

    def _at(self, expression: Expr, step: Expr) -> Expr:
        """Return ``expression`` as of ``step``: old values are those of the step before, names those of the step."""
        values = {t: step, g: at(g, step)}
        values |= {old: at(old, step - 1) for old in self._names}
        values |= {name: at(self._olds.get(name, name), step) for name in self._lines if name not in self._constant}
        return expression.xreplace(values)


def _ordered(states: Iterable[Symbol]) -> tuple[Symbol, ...]:
    """Return ``states`` in alphabet order."""
    wanted = frozenset(states)
    return tuple(symbol for symbol in ALPHABET if symbol in wanted)


def _parted(equation: Expr) -> tuple[Expr | None, Expr]:
    """Return what an equation says of step 1 and of later steps; None of step 1 where it does not set it apart."""
    if isinstance(equation, Piecewise) and equation.args[0][1] == Eq(t, 1) and equation.args[1][1] == True:  # noqa: E712
        return equation.args[0][0], equation.args[1][0]
    return None, equation


def _resolved(equation: Expr) -> Expr:
    """Return ``equation`` without a branch for x = value that the other branch agrees with there."""
    if isinstance(equation, Piecewise) and len(equation.args) == 2:
        (value, condition), (other, rest) = equation.args
        if isinstance(condition, Eq) and rest == True and value == other.xreplace({condition.lhs: condition.rhs}):  # noqa: E712
            return other
    return equation
