"""Expressions: a table of what was computed, as SymPy expressions.

The table is plain data, as a reader writes it: each entry an operator and numbers of earlier entries; "number" has a
literal, "symbol" a kind and a name, "opaque" the name of a function first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from sympy import (
    Abs,
    And,
    Expr,
    Integer,
    Max,
    Min,
    Mod,
    Ne,
    Not,
    Or,
    Rational,
    Symbol,
    Xor,
    atan,
    atan2,
    ceiling,
    cos,
    exp,
    false,
    floor,
    log,
    nan,
    oo,
    sign,
    sin,
    sqrt,
    tan,
    tanh,
    true,
)
from sympy.logic.boolalg import Boolean

from stepcheck_reference.alphabet import g, t, theta
from stepcheck_reference.reading.choices import RELATIONS, choice, compared, is_boolean, negated

_DIGITS = 10
"""A decimal of so many digits was written by a person; a longer one is taken as the binary64 that it is."""
_DENOMINATOR = 1000
"""So is a fraction with a denominator up to this."""

_FUNCTIONS: Mapping[str, Callable[..., Expr]] = {
    "neg": lambda x: -x,
    "abs": Abs,
    "sqrt": sqrt,
    "exp": exp,
    "log": log,
    "log2": lambda x: log(x) / log(2),
    "log10": lambda x: log(x) / log(10),
    "log1p": lambda x: log(1 + x),
    "expm1": lambda x: exp(x) - 1,
    "sigmoid": lambda x: 1 / (1 + exp(-x)),
    "sign": sign,
    "floor": floor,
    "ceil": ceiling,
    "cos": cos,
    "sin": sin,
    "tan": tan,
    "tanh": tanh,
    "atan": atan,
    "atan2": atan2,
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "max": Max,
    "min": Min,
    "mod": Mod,
    "floordiv": lambda x, y: floor(x / y),
    "lerp": lambda x, y, weight: x + weight * (y - x),
}
_LOGIC = {"and": And, "or": Or, "xor": Xor}


class Expressions:
    """The expressions of a table; ``states`` are the symbols of states by path, ``hyper`` values by symbol.

    ``decided`` are the comparisons of hyper-parameters that masks depend on, as those values decided them; ``opaque``
    maps symbols to the functions whose results they are.
    """

    def __init__(
        self, entries: Sequence[Sequence[Any]], states: Mapping[str, Symbol], hyper: Mapping[Symbol, float]
    ) -> None:
        self._entries, self._states, self._hyper = entries, states, hyper
        self._by_name = {symbol.name: symbol for symbol in hyper}
        self._made: dict[int, Expr | Boolean] = {}
        self.decided: dict[Boolean, None] = {}
        self.opaque: dict[Symbol, str] = {}

    def expression(self, number: int) -> Expr:
        """Return entry ``number`` as a number; a condition counts 1 where it holds."""
        value = self._value(number)
        return choice(value, Integer(1), Integer(0)) if is_boolean(value) else value

    def condition(self, number: int, truth: bool) -> Boolean:
        """Return the condition that entry ``number`` is ``truth``, which nothing decides."""
        operator, *operands = self._entries[number]
        if operator in RELATIONS:
            one, other = map(self.expression, operands)
            holds = compared(operator, one, other, lambda comparison: comparison)
        else:
            holds = self._condition(number)
        return holds if truth else negated(holds)

    def _condition(self, number: int) -> Boolean:
        value = self._value(number)
        return value if is_boolean(value) else Ne(value, 0)

    def _value(self, number: int) -> Expr | Boolean:
        waiting = [number]
        while waiting:
            operator, *operands = self._entries[waiting[-1]]
            below = [] if operator in ("number", "symbol") else operands[1:] if operator == "opaque" else operands
            missing = [operand for operand in below if operand not in self._made]
            if missing:
                waiting += missing
                continue
            made = waiting.pop()
            if made not in self._made:
                self._made[made] = self._entry(operator, operands)
        return self._made[number]

    def _entry(self, operator: str, operands: Sequence[Any]) -> Expr | Boolean:
        if operator == "number":
            return number_of(operands[0])
        if operator == "symbol":
            return self._symbol(*operands)
        if operator == "opaque":
            return self._opaque(operands[0], [self.expression(operand) for operand in operands[1:]])
        if operator in RELATIONS:
            one, other = map(self.expression, operands)
            return compared(operator, one, other, self._decide)
        if operator in _LOGIC:
            return _LOGIC[operator](*map(self._condition, operands))
        if operator == "not":
            return Not(self._condition(operands[0]))
        if operator == "where":
            return choice(self._condition(operands[0]), *map(self.expression, operands[1:]))
        if operator.startswith("round "):  # to a number format, which changes nothing in the formula
            return self.expression(operands[0])
        values = [self.expression(operand) for operand in operands]
        if operator not in _FUNCTIONS:
            return self._opaque(operator, values)
        return _FUNCTIONS[operator](*values)

    def _symbol(self, kind: str, name: str) -> Symbol:
        if kind == "state":
            return self._states[name]
        return {"theta": theta, "g": g, "t": t}[kind] if kind != "hyper" else self._by_name[name]

    def _opaque(self, name: str, operands: Sequence[Expr]) -> Symbol:
        """Return the symbol that stands for what a function returned that was not read."""
        short = name.rpartition(".")[2].strip("_") or name
        inside = ", ".join(map(str, operands))
        text = f"{short}({inside})" if len(inside) < 24 else f"{short}(…{len(self.opaque) + 1})"
        text = text if operands else name
        symbol = Symbol(text, real=True)
        self.opaque[symbol] = name
        return symbol

    def _decide(self, comparison: Boolean) -> Boolean:
        if comparison in (true, false) or not comparison.free_symbols <= set(self._hyper):
            return comparison
        values = {symbol: number_of(repr(self._hyper[symbol])) for symbol in comparison.free_symbols}
        truth = comparison.xreplace(values)
        if truth not in (true, false):
            return comparison
        self.decided[comparison if truth == true else Not(comparison)] = None
        return truth


def number_of(literal: str) -> Expr:
    """Return a literal as an exact number: a short decimal or a simple fraction as what it was meant to be.

    Another is the binary64 that it is; one that is within its rounding of a short decimal, as 1 - 0.9 is, counts as it.
    """
    if literal.lstrip("-").isdigit():
        return Integer(int(literal))
    value = float(literal)
    if math.isnan(value):
        return nan
    if math.isinf(value):
        return oo if value > 0 else -oo
    short = f"{value:.15g}"
    if len(short.partition("e")[0].replace(".", "").replace("-", "").strip("0")) <= _DIGITS:
        return Rational(short)
    simple = Fraction(value).limit_denominator(_DENOMINATOR)
    if float(simple) == value:
        return Rational(simple.numerator, simple.denominator)
    exact = Fraction(value)
    return Rational(exact.numerator, exact.denominator)
