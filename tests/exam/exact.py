"""Rules and closed forms in fractions, with nothing rounded.

A root or another power that is not whole stands for an unknown function, and so does a gradient taken elsewhere:
what agrees whatever they are agrees because the equations do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Any

import sympy
from hypothesis import assume
from hypothesis import strategies as st

from stepcheck_reference.algebra.closed_form import ClosedForms
from stepcheck_reference.algebra.history import at
from stepcheck_reference.alphabet import g, gradient_at, t, theta
from stepcheck_reference.domain import Domain
from stepcheck_reference.rule import Rule

Held = dict[Any, Fraction]
"""What theta and every state hold, by symbol."""

Slope = Callable[[Fraction], Fraction]
"""The gradient at a point."""

power = sympy.Function("power", real=True)
"""A power that SymPy leaves alone."""


@dataclass(frozen=True)
class Course:
    """Hyper-parameters by symbol, the parameter at first, and a gradient a step."""

    hyper: Mapping[Any, Fraction]
    start: Fraction
    gradients: tuple[Fraction, ...]


def unknown(*arguments: Fraction) -> Fraction:
    """Return a small positive fraction that nothing but the same arguments gives, as far as a test can tell."""
    mark = hash(arguments)
    return Fraction(mark % 1009 + 1, mark // 1009 % 1013 + 1)


def value(expression: Any, known: Callable[[Any], Fraction], slope: Slope = unknown) -> Fraction:
    """Return what ``expression`` is; ``known`` gives a symbol, and an indexed symbol at a whole step."""

    def of(part: Any) -> Fraction:
        return value(part, known, slope)

    def bound(part: Any, index: Any, step: int) -> Fraction:
        return of(part.xreplace({index: sympy.Integer(step)}))

    if expression.is_Rational:
        return Fraction(int(expression.p), int(expression.q))
    if isinstance(expression, sympy.Symbol):
        return known(expression)
    if isinstance(expression, sympy.Indexed):
        return known(at(expression.base.label, int(of(expression.indices[0]))))
    if isinstance(expression, sympy.Add):
        return sum(map(of, expression.args), Fraction(0))
    if isinstance(expression, sympy.Mul):
        product = Fraction(1)
        for factor in expression.args:
            product *= of(factor)
        return product
    if isinstance(expression, gradient_at):
        return slope(of(expression.args[0]))
    if isinstance(expression, sympy.Pow | power):
        return raised(*map(of, expression.args))
    if isinstance(expression, sympy.Max | sympy.Min):
        return (max if isinstance(expression, sympy.Max) else min)(map(of, expression.args))
    if isinstance(expression, sympy.Abs):
        return abs(of(expression.args[0]))
    if isinstance(expression, sympy.sign):
        inside = of(expression.args[0])
        return Fraction((inside > 0) - (inside < 0))
    if isinstance(expression, sympy.UnevaluatedExpr):
        return of(expression.args[0])
    if isinstance(expression, sympy.Piecewise):
        return of(next(branch for branch, condition in expression.args if holds(condition, of)))
    if isinstance(expression, sympy.Sum | sympy.Product):
        index, first, last = expression.limits[0]
        steps = range(int(of(first)), int(of(last)) + 1)
        total = Fraction(isinstance(expression, sympy.Product))
        for step in steps:
            part = bound(expression.function, index, step)
            total = total * part if isinstance(expression, sympy.Product) else total + part
        return total
    raise TypeError(f"no exact value is known of {type(expression).__name__} in {expression}")


def raised(base: Fraction, exponent: Fraction) -> Fraction:
    """Return a whole power as it is, and of a root of ``base`` that power of something unknown."""
    if exponent.denominator == 1:
        return base**exponent.numerator
    return unknown(base, Fraction(exponent.denominator)) ** exponent.numerator


def holds(condition: Any, of: Callable[[Any], Fraction]) -> bool:
    """Return whether a comparison holds."""
    if condition in (sympy.true, sympy.false):
        return bool(condition)
    left, right = map(of, condition.args)
    return {
        "==": left == right, "!=": left != right, "<": left < right, "<=": left <= right, ">": left > right,
        ">=": left >= right,
    }[condition.rel_op]  # fmt: skip


def constants(rule: Rule, course: Course) -> Held:
    """Return the hyper-parameters of ``course`` and the constants of ``rule``."""
    return {**course.hyper, **{symbol: Fraction(number) for symbol, number in rule.constants.items()}}


def walked(rule: Rule, course: Course, slope: Slope | None = None) -> list[Held]:
    """Return what is held before the first step and after each, from the recurrence.

    With a ``slope``, the gradients are its own.
    """
    fixed = constants(rule, course)
    started = {symbol: value(first, fixed.__getitem__) for symbol, first in {**rule.init, **rule.scalars}.items()}
    held = [{theta: course.start, **started}]
    for step, given in enumerate(course.gradients, 1):
        now = {**fixed, **held[-1], t: Fraction(step), g: slope(held[-1][theta]) if slope else given}
        found = {symbol: value(right, now.__getitem__, slope or unknown) for symbol, right in rule.step.items()}
        held.append(found)
    return held


def disagreements(rule: Rule, forms: ClosedForms, course: Course) -> list[tuple[str, int]]:
    """Return each symbol and step where a closed form is not what the recurrence of ``rule`` gives, or divides by 0."""
    held = walked(rule, course)
    fixed = constants(rule, course)

    @cache
    def after(symbol: Any, step: int) -> Fraction:
        if symbol == g:
            return course.gradients[step - 1]
        if step == 0:
            return held[0][symbol]
        form = forms.values[symbol].xreplace({t: sympy.Integer(step)})
        return value(form, lambda part: fixed[part] if part in fixed else after(*step_of(part, step)))

    def step_of(part: Any, step: int) -> tuple[Any, int]:
        return (part.base.label, int(part.indices[0])) if isinstance(part, sympy.Indexed) else (part, step)

    def agrees(symbol: Any, step: int) -> bool:
        try:
            return after(symbol, step) == held[step][symbol]
        except ZeroDivisionError:
            return False

    compared = [(symbol, step) for symbol in forms.values if symbol in held[0] for step in range(1, len(held))]
    return [(symbol.name, step) for symbol, step in compared if not agrees(symbol, step)]


def without_roots(rule: Rule) -> Rule:
    """Return ``rule`` with every power that is not whole as a function that SymPy does not touch."""

    def is_open(part: Any) -> bool:
        return isinstance(part, sympy.Pow) and not part.exp.is_Integer

    step = {symbol: equation.replace(is_open, lambda part: power(*part.args)) for symbol, equation in rule.step.items()}
    return replace(rule, step=step, forms={})


@st.composite
def courses(draw: st.DrawFn, rule: Rule, *, steps: int) -> Course:
    """Courses of ``rule`` over ``steps`` steps, of small fractions within its domains."""
    small = st.fractions(-3, 3, max_denominator=6)
    hyper = {symbol: draw(_inside(rule.domains[symbol])) for symbol in rule.hyper}
    gradients = draw(st.lists(small, min_size=steps, max_size=steps))
    return Course(hyper, draw(small), tuple(gradients))


def generic(rule: Rule, steps: int) -> Course:
    """Return a course of ``rule`` without zeros, all its numbers different; a weight of the past is near 1."""
    hyper = {}
    for number, symbol in enumerate(rule.hyper, 2):
        low, high = rule.domains[symbol].low, rule.domains[symbol].high
        hyper[symbol] = Fraction(max(low, 0)) + Fraction(1, number) if high > 1 else 1 - Fraction(1, 10 * number)
    gradients = tuple(Fraction((-1) ** step * (step + 2), step * step + 1) for step in range(steps))
    return Course(hyper, Fraction(7, 5), gradients)


def _inside(domain: Domain) -> st.SearchStrategy[Fraction]:
    low = Fraction(max(domain.low, -3.0))
    high = Fraction(min(domain.high, float(low) + 3))
    return st.fractions(low, high, max_denominator=6).filter(domain.contains)


def possible(rule: Rule, course: Course) -> list[Held]:
    """Return the walk of ``rule``, where nothing in it is divided by 0."""
    try:
        return walked(rule, course)
    except ZeroDivisionError:
        assume(False)
        raise
