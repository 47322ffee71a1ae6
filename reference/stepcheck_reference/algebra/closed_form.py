"""Closed forms: a recurrence solved for step t, a sum over the gradients so far.

A state whose new value is c*old + d, with c free of gradients, is c**t times its initial value plus the sum of
c**(t - i)*d_i over the steps i; where c changes with the step, its powers become products. A closed form assumes
constant hyper-parameters: only the recurrence covers a learning rate or decay that changes.
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
    """Why a state has no closed form, and the ``states`` that cause it; ``{states}`` in the reason stands for them."""

    reason: str
    states: tuple[Symbol, ...] = ()


NOT_LINEAR = NoClosedForm("the new value is not linear in the old one")
GRADIENTS_DECIDE = NoClosedForm("the decay of the old value depends on gradients")
MUTUAL = "they depend on each other"
DEPENDENT = "because of {states}"


@dataclass(frozen=True, slots=True)
class ClosedForms:
    """The values of theta and a rule's states after step t.

    ``values`` maps each of them that has a closed form to an expression in g[1]..g[t], theta[0], hyper-parameters and
    other keys of ``values`` at step t or before. It also contains every name of ``folded``, such as a corrected moment
    or rate, which is a plain symbol if it is the same at every step. ``missing`` maps the rest to the reason.
    """

    values: Mapping[Symbol, Expr]
    missing: Mapping[Symbol, NoClosedForm]


@lru_cache(maxsize=256)
def closed_forms(rule: Rule) -> ClosedForms:
    """Return the closed forms that ``rule`` has, in the order of its lines."""
    return _Recurrences(rule).solved()


class _Recurrences:
    """A rule's lines as recurrences, and the old values that each of them depends on."""

    def __init__(self, rule: Rule) -> None:
        lines = folded(rule)
        self._start = {**rule.init, **rule.scalars, theta: at(theta, 0)}
        self._scalars = frozenset(rule.scalars)
        self._old_of = lines.heads
        self._names = {old: name for name, old in lines.heads.items()}
        self._lines = {name: unwrapped(value) for name, value in lines.lines}
        self._dependencies: dict[Symbol, frozenset[Symbol]] = {}
        for name, value in self._lines.items():
            self._dependencies[name] = self._dependencies_of(value)
        changing = {t, g, *self._names}
        self._constant = {
            name for name, reached in self._dependencies.items() if not reached & changing
        } - self._old_of.keys()
        self._mutual = {old: self._mutual_states(old) for old in self._names}

    def solved(self) -> ClosedForms:
        obstacles = {old: reason for old in self._names if (reason := self._obstacle_of(old)) is not None}
        missing = dict(obstacles)
        for old in self._names.keys() - obstacles.keys():
            if obstructing := self._ancestors(old) & obstacles.keys():
                missing[old] = NoClosedForm(DEPENDENT, _ordered(obstructing))
        values = {}
        for name, line in self._lines.items():
            old = self._old_of.get(name)
            if old is not None and old not in missing:
                values[old] = self._solve(old)
            elif old is None and not self._dependencies[name] & missing.keys():
                values[name] = self._at(line, t)
        ordered = {old: missing[old] for old in self._names if old in missing}
        return ClosedForms(MappingProxyType(values), MappingProxyType(ordered))

    def _obstacle_of(self, old: Symbol) -> NoClosedForm | None:
        """Return why a state's own recurrence has no closed form, or None."""
        if self._mutual[old]:
            return NoClosedForm(MUTUAL, _ordered(self._mutual[old] | {old}))
        parts = split(self._expanded(old), old)
        if parts is None:
            return NOT_LINEAR
        if self._dependencies_of(parts[0]) & ({g} | self._names.keys() - self._scalars):
            return GRADIENTS_DECIDE
        return None

    def _solve(self, old: Symbol) -> Expr:
        """Return ``old`` after step t, from c*old + d, and from the equation of step 1 where that differs."""
        special, general = _first_and_later(_resolved(self._expanded(old)))
        parts = split(general, old)
        assert parts is not None, f"{old} is linear"
        decay, added = parts
        initial = self._start[old]
        begin = 1
        if special is not None:
            after_first = self._at(special, Integer(1)).xreplace({at(old, Integer(0)): initial})
            if after_first != decay * initial + self._at(added, Integer(1)):
                initial, begin = after_first, 2
        if begin == 1 and decay == 0:
            return self._at(added, t)
        if self._dependencies_of(decay) & (self._names.keys() | {t}):
            total_decay = Product(self._at(decay, i), (i, begin, t))
            age = Product(self._at(decay, j), (j, i + 1, t))
            remainder = Integer(0)
        else:
            total_decay, age = decay ** (t - begin + 1), decay ** (t - i)
            added, remainder = self._shifted(decay, added) if begin == 1 else (added, Integer(0))
        outside, inside = self._at(added, i).as_independent(i, as_Add=False)
        return total_decay * initial + outside * Sum(age * inside, (i, begin, t)) + remainder

    def _shifted(self, decay: Expr, added: Expr) -> tuple[Expr, Expr]:
        """Return ``added`` with gradients of the step before shifted to their own step, and the remainder at step t.

        For a state that is the gradient of the step before and starts at 0, the sum of decay**(t - i)*g[i - 1] is the
        sum of decay**(t - i)*g[i], minus g[t], divided by decay.
        """
        for old, name in self._names.items():
            if self._lines[name] != g or self._start[old] != 0 or old not in added.free_symbols:
                continue
            previous, rest = split(added, old) or (Integer(0), added)
            current, rest = split(rest, g) or (Integer(0), rest)
            shifted = cancel(previous / decay)
            if not fraction(shifted)[1].free_symbols and not self._dependencies_of(current + shifted) & (
                self._names.keys() | {g, t}
            ):
                return rest + expand(current + shifted) * g, -shifted * at(g, t)
        return added, Integer(0)

    def _expanded(self, old: Symbol) -> Expr:
        """Return the new value of ``old`` with every name expanded that depends on ``old`` within the step."""
        equation = self._lines[self._names[old]]
        while names := {
            name for name in equation.free_symbols & self._dependencies.keys() if old in self._dependencies[name]
        }:
            equation = equation.xreplace({name: self._lines[name] for name in names})
        return equation

    def _dependencies_of(self, expression: Expr) -> frozenset[Symbol]:
        """Return the old values, gradient, count and hyper-parameters that ``expression`` depends on in its step."""
        reached = (self._dependencies.get(symbol, frozenset({symbol})) for symbol in expression.free_symbols)
        return frozenset().union(*reached)

    def _ancestors(self, old: Symbol) -> frozenset[Symbol]:
        """Return the states and theta that the new value of ``old`` depends on, over any number of steps."""
        ancestors: set[Symbol] = set()
        pending = {old}
        while pending:
            reached = self._dependencies[self._names[pending.pop()]] & self._names.keys()
            pending |= reached - ancestors
            ancestors |= reached
        return frozenset(ancestors)

    def _mutual_states(self, old: Symbol) -> frozenset[Symbol]:
        """Return the other states that ``old`` depends on and that depend on ``old``."""
        return frozenset(other for other in self._ancestors(old) - {old} if old in self._ancestors(other))

    def _at(self, expression: Expr, step: Expr) -> Expr:
        """Return ``expression`` at ``step``: old values are those of the step before, names those of the step."""
        values = {t: step, g: at(g, step)}
        values |= {old: at(old, step - 1) for old in self._names}
        values |= {name: at(self._old_of.get(name, name), step) for name in self._lines if name not in self._constant}
        return expression.xreplace(values)


def _ordered(states: Iterable[Symbol]) -> tuple[Symbol, ...]:
    """Return ``states`` in alphabet order."""
    members = frozenset(states)
    return tuple(symbol for symbol in ALPHABET if symbol in members)


def _first_and_later(equation: Expr) -> tuple[Expr | None, Expr]:
    """Return the equation of step 1, None where it has no case for it, and the equation of later steps."""
    if isinstance(equation, Piecewise) and equation.args[0][1] == Eq(t, 1) and equation.args[1][1] == True:  # noqa: E712
        return equation.args[0][0], equation.args[1][0]
    return None, equation


def _resolved(equation: Expr) -> Expr:
    """Return ``equation`` without a branch for x = value where the other branch has the same value there."""
    if isinstance(equation, Piecewise) and len(equation.args) == 2:
        (value, condition), (general, rest) = equation.args
        if isinstance(condition, Eq) and rest == True and value == general.xreplace({condition.lhs: condition.rhs}):  # noqa: E712
            return general
    return equation
