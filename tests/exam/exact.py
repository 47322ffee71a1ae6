"""Rules and closed forms in fractions, with nothing rounded.

A root or another non-integer power stands for an unknown function, and so does a gradient evaluated elsewhere: results
that agree for such stand-ins agree because the equations do.
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

Values = dict[Any, Fraction]
"""The values of theta and every state, by symbol."""

Slope = Callable[[Fraction], Fraction]
"""The gradient at a point."""

power = sympy.Function("power", real=True)
"""A power that SymPy leaves alone."""


@dataclass(frozen=True)
class Inputs:
    """Hyper-parameters by symbol, the initial parameter, and one gradient per step."""

    hyper: Mapping[Any, Fraction]
    start: Fraction
    gradients: tuple[Fraction, ...]


def unknown(*arguments: Fraction) -> Fraction:
    """Return a small positive fraction that is, for the purposes of a test, unique to the arguments."""
    digest = hash(arguments)
    return Fraction(digest % 1009 + 1, digest // 1009 % 1013 + 1)


def value(expression: Any, lookup: Callable[[Any], Fraction], slope: Slope = unknown) -> Fraction:
    """Return the value of ``expression``; ``lookup`` gives that of a symbol, and of an indexed symbol at a step."""

    def of(part: Any) -> Fraction:
        return value(part, lookup, slope)

    def bound(part: Any, index: Any, step: int) -> Fraction:
        return of(part.xreplace({index: sympy.Integer(step)}))

    if expression.is_Rational:
        return Fraction(int(expression.p), int(expression.q))
    if isinstance(expression, sympy.Symbol):
        return lookup(expression)
    if isinstance(expression, sympy.Indexed):
        return lookup(at(expression.base.label, int(of(expression.indices[0]))))
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
    raise TypeError(f"no exact value of {type(expression).__name__} in {expression}")


def raised(base: Fraction, exponent: Fraction) -> Fraction:
    """Return an integer power exactly; of a root of ``base``, the power of an unknown number."""
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


def constants(rule: Rule, inputs: Inputs) -> Values:
    """Return the hyper-parameters of ``inputs`` and the constants of ``rule``."""
    return {**inputs.hyper, **{symbol: Fraction(number) for symbol, number in rule.constants.items()}}


def trace_of(rule: Rule, inputs: Inputs, slope: Slope | None = None) -> list[Values]:
    """Return theta and the states before the first step and after each one, from the recurrence.

    With a ``slope``, the gradients are those of the function.
    """
    fixed = constants(rule, inputs)
    initial = {symbol: value(first, fixed.__getitem__) for symbol, first in {**rule.init, **rule.scalars}.items()}
    trace = [{theta: inputs.start, **initial}]
    for step, gradient in enumerate(inputs.gradients, 1):
        old_values = {**fixed, **trace[-1], t: Fraction(step), g: slope(trace[-1][theta]) if slope else gradient}
        new_values = {
            symbol: value(right, old_values.__getitem__, slope or unknown) for symbol, right in rule.step.items()
        }
        trace.append(new_values)
    return trace


def disagreements(rule: Rule, forms: ClosedForms, inputs: Inputs) -> list[tuple[str, int]]:
    """Return each symbol and step where a closed form differs from the recurrence of ``rule``, or divides by 0."""
    trace = trace_of(rule, inputs)
    fixed = constants(rule, inputs)

    @cache
    def after(symbol: Any, step: int) -> Fraction:
        if symbol == g:
            return inputs.gradients[step - 1]
        if step == 0:
            return trace[0][symbol]
        form = forms.values[symbol].xreplace({t: sympy.Integer(step)})
        return value(form, lambda part: fixed[part] if part in fixed else after(*step_of(part, step)))

    def step_of(part: Any, step: int) -> tuple[Any, int]:
        return (part.base.label, int(part.indices[0])) if isinstance(part, sympy.Indexed) else (part, step)

    def agrees(symbol: Any, step: int) -> bool:
        try:
            return after(symbol, step) == trace[step][symbol]
        except ZeroDivisionError:
            return False

    compared = [(symbol, step) for symbol in forms.values if symbol in trace[0] for step in range(1, len(trace))]
    return [(symbol.name, step) for symbol, step in compared if not agrees(symbol, step)]


def without_roots(rule: Rule) -> Rule:
    """Return ``rule`` with every non-integer power replaced by a function that SymPy leaves alone."""

    def is_open(part: Any) -> bool:
        return isinstance(part, sympy.Pow) and not part.exp.is_Integer

    step = {symbol: equation.replace(is_open, lambda part: power(*part.args)) for symbol, equation in rule.step.items()}
    return replace(rule, step=step, forms={})


@st.composite
def inputs_of(draw: st.DrawFn, rule: Rule, *, steps: int) -> Inputs:
    """Inputs of ``rule`` for ``steps`` steps: small fractions within its domains."""
    small = st.fractions(-3, 3, max_denominator=6)
    hyper = {symbol: draw(_inside(rule.domains[symbol])) for symbol in rule.hyper}
    gradients = draw(st.lists(small, min_size=steps, max_size=steps))
    return Inputs(hyper, draw(small), tuple(gradients))


def generic_inputs(rule: Rule, steps: int) -> Inputs:
    """Return inputs of ``rule`` without zeros, all of them different; averaging weights are near 1."""
    hyper = {}
    for number, symbol in enumerate(rule.hyper, 2):
        low, high = rule.domains[symbol].low, rule.domains[symbol].high
        hyper[symbol] = Fraction(max(low, 0)) + Fraction(1, number) if high > 1 else 1 - Fraction(1, 10 * number)
    gradients = tuple(Fraction((-1) ** step * (step + 2), step * step + 1) for step in range(steps))
    return Inputs(hyper, Fraction(7, 5), gradients)


def _inside(domain: Domain) -> st.SearchStrategy[Fraction]:
    low = Fraction(max(domain.low, -3.0))
    high = Fraction(min(domain.high, float(low) + 3))
    return st.fractions(low, high, max_denominator=6).filter(domain.contains)


def possible_trace(rule: Rule, inputs: Inputs) -> list[Values]:
    """Return the values of ``rule`` for these inputs; rejects the example if something is divided by 0."""
    try:
        return trace_of(rule, inputs)
    except ZeroDivisionError:
        assume(False)
        raise
