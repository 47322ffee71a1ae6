"""Evaluation: equations of SymPy as a Python function of the old state, written once and run in any operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Symbol
from sympy.core.relational import Relational

from stepcheck_reference.algebra.history import unwrapped
from stepcheck_reference.identify.evaluation.operations import CONTEXT, Operations

Step = Callable[[Operations, Mapping[Symbol, Any]], dict[Symbol, Any]]
"""New values of theta and states, from the values of all symbols."""

_FUNCTIONS = {"Abs": "absolute", "sign": "sign", "Max": "maximum", "Min": "minimum"}
_OTHERS = {"exp", "log", "tanh", "floor", "cos", "sin", "atan", "tan"}


class NotEvaluable(ValueError):
    """An expression with a function that has no value here; ``function`` names it."""

    def __init__(self, function: str) -> None:
        super().__init__(f"{function} has no value in numbers")
        self.function = function


class _Source:
    """The lines of a function: one for each part, each part once."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[Any, str] = {}
        self.symbols: dict[str, Symbol] = {}
        self.numbers: dict[str, sympy.Rational] = {}

    def name(self, part: Any) -> str:
        if part not in self.names:
            written = self._written(part)
            if not written.isidentifier():
                self.lines.append(f"x{len(self.lines)} = {written}")
                written = f"x{len(self.lines) - 1}"
            self.names[part] = written
        return self.names[part]

    def _written(self, part: Any) -> str:
        if isinstance(part, Symbol):
            name = f"s{len(self.symbols)}"
            self.symbols[name] = part
            return name
        if part in (sympy.true, sympy.false):
            return "True" if part == sympy.true else "False"
        if part.is_Integer:
            return f"({int(part)})"
        if part.is_Rational or part.is_Float:
            name = f"n{len(self.numbers)}"
            self.numbers[name] = sympy.Rational(part)
            return name
        if isinstance(part, Relational):
            left, right = self.name(part.lhs), self.name(part.rhs)
            return f"({left} {part.rel_op} {right})"
        if isinstance(part, sympy.Pow):
            return self._power(part)
        if isinstance(part, sympy.Piecewise):
            return self._branches(part)
        return self._operation(part)

    def _operation(self, part: Any) -> str:
        parts = [self.name(argument) for argument in part.args]
        if part.is_Add:
            return "(" + " + ".join(parts) + ")"
        if part.is_Mul:
            return "(" + " * ".join(parts) + ")"
        name = type(part).__name__
        if name in _FUNCTIONS:
            return f"o.{_FUNCTIONS[name]}({', '.join(parts)})"
        if isinstance(part, sympy.And | sympy.Or):
            return f"o.{'conjunction' if isinstance(part, sympy.And) else 'disjunction'}({', '.join(parts)})"
        if isinstance(part, sympy.Not):
            return f"o.negation({parts[0]})"
        if name in _OTHERS:
            return f"o.function({name!r}, {parts[0]})"
        raise NotEvaluable(name)

    def _power(self, part: Any) -> str:
        if part.exp.is_number and part.exp.is_negative:
            return f"o.divide(1, {self.name(sympy.Pow(part.base, -part.exp))})"
        base = self.name(part.base)
        if part.exp == sympy.S.Half:
            return f"o.sqrt({base})"
        if part.exp.is_Integer:
            return f"({base} ** {int(part.exp)})"
        return f"o.power({base}, {self.name(part.exp)})"

    def _branches(self, part: Any) -> str:
        written = "o.nan"
        for value, condition in reversed(part.args):
            name = self.name(value)
            written = name if condition == sympy.true else f"o.select({self.name(condition)}, {name}, {written})"
        return written.replace("o.nan", "nan")


def compiled(equations: Mapping[Symbol, Expr]) -> Step:
    """Return a function that evaluates ``equations``; raises NotEvaluable where it cannot."""
    source = _Source()
    results = {symbol: source.name(unwrapped(sympy.sympify(equation))) for symbol, equation in equations.items()}
    arguments = ", ".join(["o", *source.symbols, *source.numbers])
    body = "\n    ".join([*source.lines, f"return ({', '.join([*results.values(), ''])})" if results else "return ()"])
    namespace: dict[str, Any] = {"nan": float("nan")}
    exec(f"def step({arguments}):\n    {body}\n", namespace)
    function = namespace["step"]

    def step(operations: Operations, values: Mapping[Symbol, Any]) -> dict[Symbol, Any]:
        like = next(iter(values.values()))
        numbers = [_number(like, number) for number in source.numbers.values()]
        given = [values[symbol] for symbol in source.symbols.values()]
        return dict(zip(results, function(operations, *given, *numbers), strict=True))

    return step


def _number(like: Any, number: sympy.Rational) -> Any:
    return CONTEXT.mpf(int(number.p)) / int(number.q) if isinstance(like, CONTEXT.mpf) else np.float64(number)


def run(
    step: Step,
    start: Step,
    operations: Operations,
    hyper: Mapping[Symbol, Any],
    gradients: Iterable[Any],
    *,
    theta: Symbol,
    gradient: Symbol,
    count: Symbol,
    begin: Any,
    at: Any,
) -> list[dict[Symbol, Any]]:
    """Return theta and states after each step, from theta = ``begin`` and t = ``at`` on."""
    values = {theta: begin, **start(operations, {theta: begin, **hyper})}
    trace = []
    for index, slope in enumerate(gradients):
        values = step(operations, {**values, **hyper, gradient: slope, count: at + index})
        trace.append(values)
    return trace
