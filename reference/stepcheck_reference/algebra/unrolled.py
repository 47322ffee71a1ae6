"""Unrolled: a rule's first steps as expressions of theta[0], g[1]..g[T] and hyper-parameters, for any elementwise rule.

Hyper-parameters are constant over the steps.
"""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Basic, Expr, Integer, Max, Min, Piecewise, Symbol, Tuple
from sympy.core.relational import Relational
from sympy.functions.elementary.piecewise import ExprCondPair

from stepcheck_reference.algebra.history import at, unwrapped
from stepcheck_reference.alphabet import g, t, theta
from stepcheck_reference.rule import Rule


def unroll(rule: Rule, steps: int) -> Mapping[Symbol, Expr]:
    """Return theta and every state after ``steps`` steps, exactly.

    Raises ValueError for a negative number of steps, and for a rule that couples elements.
    """
    if steps < 0:
        raise ValueError(f"steps={steps}, but should be 0 or more")
    if rule.kind != "elementwise":
        raise ValueError(f"{rule.name} is of kind {rule.kind!r}, but only elementwise rules are unrolled")
    equations = {symbol: unwrapped(equation) for symbol, equation in rule.step.items()}
    now: dict[Symbol, Expr] = {theta: at(theta, 0), **rule.init, **rule.scalars}
    for step in range(1, steps + 1):
        values = {**now, g: at(g, step), t: Integer(step)}
        now = {symbol: _substituted(equation, values) for symbol, equation in equations.items()}
    return now


def _substituted(expression: Basic, values: Mapping[Symbol, Expr]) -> Expr:
    """Return ``expression`` with ``values`` for its symbols; cases, and nodes that contain them, stay as written.

    SymPy would merge nested cases, in time exponential in the steps.
    """
    if isinstance(expression, Symbol):
        return values.get(expression, expression)
    if not expression.args:
        return expression
    if isinstance(expression, Piecewise):
        return _cases(
            [(_substituted(value, values), _substituted(condition, values)) for value, condition in expression.args]
        )
    parts = [_substituted(part, values) for part in expression.args]
    if isinstance(expression, Max | Min | Relational) and any(part.has(Piecewise) for part in parts):
        return expression.func(*parts, evaluate=False)
    return expression.func(*parts)


def _cases(branches: list[tuple[Expr, Basic]]) -> Expr:
    """Return the cases that are not excluded, or the value of the first if its condition is true."""
    remaining = []
    for value, condition in branches:
        if condition != False:  # noqa: E712
            remaining.append((value, condition))
        if condition == True:  # noqa: E712
            break
    if remaining[0][1] == True:  # noqa: E712
        return remaining[0][0]
    return Basic.__new__(Piecewise, *(Tuple.__new__(ExprCondPair, *branch) for branch in remaining))
