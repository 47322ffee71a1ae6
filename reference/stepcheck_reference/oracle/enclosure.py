"""Enclosures: a rule's exact result at one element, as a rigorous ball of FLINT's arb arithmetic.

Cross-checks the evaluator, and confirms a minimised witness before it is reported.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import Any

import sympy
from flint import arb, ctx, fmpq

from stepcheck_reference.oracle.judgement import Deviation
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import on_quadratic


def enclose(
    rule: Rule, inputs: Mapping[str, float], *, outputs: Collection[str] | None = None, bits: int = 300
) -> dict[str, Any]:
    """Return an arb ball around the new value of theta and of each state, by alphabet name.

    ``inputs`` gives old theta and states, g, t and the hyper-parameters (and an objective's curvature, g being
    where it is lowest) as binary64, read exactly; ``outputs`` names the new values to enclose (default: all);
    ``bits`` is the working precision. Raises ValueError for an operation without an enclosure, and where a branch
    cannot be decided.
    """
    saved = ctx.prec
    ctx.prec = bits
    try:
        values = {name: _exact(Fraction(value)) for name, value in inputs.items()}
        values |= {symbol.name: _exact(Fraction(value)) for symbol, value in rule.constants.items()}
        return {
            symbol.name: _ball(on_quadratic(expression), values)
            for symbol, expression in rule.step.items()
            if outputs is None or symbol.name in outputs
        }
    finally:
        ctx.prec = saved


def confirms(rule: Rule, deviation: Deviation, *, bits: int = 300) -> bool:
    """Return whether the exact result really is farther than the radius from what was observed.

    Only for a stepwise deviation: its inputs are exact. A result that is not finite is always confirmed.
    """
    if deviation.observed != deviation.observed or abs(deviation.observed) == float("inf"):
        return True
    ball = enclose(rule, deviation.inputs, outputs=(deviation.output,), bits=bits)[deviation.output]
    error = abs(ball - _exact(Fraction(deviation.observed)))
    return bool(error > _exact(Fraction(deviation.radius)))


def _exact(value: Fraction) -> Any:
    return arb(fmpq(value.numerator, value.denominator))


def _ball(expression: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(expression, sympy.Symbol):
        return values[expression.name]
    if expression.is_Rational:
        return _exact(Fraction(int(expression.p), int(expression.q)))
    if expression is sympy.pi:
        return arb.pi()
    if isinstance(expression, sympy.UnevaluatedExpr):
        return _ball(expression.args[0], values)
    if isinstance(expression, sympy.Piecewise):
        return _branch(expression, values)
    arguments = [_ball(argument, values) for argument in expression.args]
    if isinstance(expression, sympy.Add):
        return sum(arguments, arb(0))
    if isinstance(expression, sympy.Mul):
        product = arb(1)
        for argument in arguments:
            product *= argument
        return product
    if isinstance(expression, sympy.Pow):
        if expression.exp == sympy.Rational(1, 2):
            return arguments[0].sqrt()
        if expression.exp == sympy.Rational(-1, 2):
            return arguments[0].rsqrt()
        return arguments[0] ** arguments[1]
    if isinstance(expression, sympy.Max | sympy.Min):
        best = arguments[0]
        for argument in arguments[1:]:
            best = best.max(argument) if isinstance(expression, sympy.Max) else best.min(argument)
        return best
    if isinstance(expression, sympy.Abs):
        return abs(arguments[0])
    if isinstance(expression, sympy.sign):
        return arguments[0].sgn()
    raise ValueError(f"no enclosure is defined for {type(expression).__name__}")


def _branch(expression: Any, values: Mapping[str, Any]) -> Any:
    for value, condition in expression.args:
        if condition == sympy.true:
            return _ball(value, values)
        left, right = _ball(condition.lhs, values), _ball(condition.rhs, values)
        gap = left - right
        if gap.contains(0) and not gap.is_exact():
            raise ValueError(f"{condition} cannot be decided at this precision")
        holds = {"==": gap == 0, "!=": gap != 0, "<": gap < 0, "<=": gap <= 0, ">": gap > 0, ">=": gap >= 0}
        if holds[condition.rel_op]:
            return _ball(value, values)
    raise ValueError(f"{expression} has no branch for these inputs")
