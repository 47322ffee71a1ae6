"""Lifting: numbers that are baked into code become hyper-parameters, to be matched like those with names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr, Float, Integer, Pow, Rational, Symbol, nsimplify, sympify

from stepcheck_reference.algebra.history import unwrapped
from stepcheck_reference.alphabet import ALPHABET
from stepcheck_reference.reading.reading import Reading

SIMPLE = 12
"""Exponents are taken for fractions with a denominator up to this."""


@dataclass(frozen=True, slots=True, eq=False)
class Lifted:
    """A reading whose numbers are symbols: ``constants`` maps each of these to its value.

    ``hyper`` are the hyper-parameters that the equations use, ``constants`` among them.
    """

    step: Mapping[Symbol, Expr]
    init: Mapping[Symbol, Expr]
    hyper: tuple[Symbol, ...]
    constants: Mapping[Symbol, float]
    values: Mapping[Symbol, float]


def lifted(reading: Reading) -> Lifted:
    """Return ``reading`` with a symbol for each number that may be a hyper-parameter."""
    parts = {**reading.step, **{("start", symbol): value for symbol, value in reading.init.items()}}
    plain = {key: unwrapped(sympify(value)) for key, value in parts.items()}
    numbers: set[float] = set()
    for value in plain.values():
        _collect(value, numbers)
    symbols: dict[float, Expr] = {}
    constants: dict[Symbol, float] = {}
    for number in sorted(numbers, reverse=True):
        rest = next((other for other in symbols if other > 0.5 and abs((1 - other) - number) < 2.0**-50), None)
        if rest is not None:
            symbols[number] = 1 - symbols[rest]
            continue
        name = Symbol(f"number_{len(constants) + 1}", real=True, nonnegative=True)
        symbols[number] = name
        constants[name] = number
    step = {symbol: _replaced(plain[symbol], symbols) for symbol in reading.step}
    init = {symbol: _replaced(plain["start", symbol], symbols) for symbol in reading.init}
    used = {symbol for value in (*step.values(), *init.values()) for symbol in value.free_symbols}
    states = {*reading.step}
    hyper = [symbol for symbol in used if symbol not in states and not _is_input(symbol)]
    return Lifted(
        step, init, tuple(sorted(hyper, key=str)), {s: v for s, v in constants.items() if s in used}, reading.hyper
    )


def _is_input(symbol: Symbol) -> bool:
    return symbol in ALPHABET and ALPHABET[symbol].role in ("gradient", "count", "parameter")


def _is_baked(number: Expr) -> bool:
    return bool(number.is_Float or number.is_Rational) and bool(Rational(number).q > 2)


def _collect(part: Expr, numbers: set[float]) -> None:
    if isinstance(part, Pow):
        _collect(part.base, numbers)
        if part.exp.free_symbols:
            _collect(part.exp, numbers)
        return
    if part.is_Number:
        if part.is_finite and _is_baked(part):
            numbers.add(abs(float(part)))
        return
    for argument in part.args:
        _collect(argument, numbers)


def _replaced(part: Expr, symbols: Mapping[float, Expr]) -> Expr:
    if isinstance(part, Pow):
        exponent = _replaced(part.exp, symbols) if part.exp.free_symbols else _fraction(part.exp)
        return Pow(_replaced(part.base, symbols), exponent)
    if part.is_Number:
        if not part.is_finite:
            return part
        if _is_baked(part):
            sign = -1 if part < 0 else 1
            return sign * symbols[abs(float(part))]
        return Integer(int(part)) if part == int(part) else Rational(part)
    if not part.args:
        return part
    return part.func(*(_replaced(argument, symbols) for argument in part.args))


def _fraction(exponent: Expr) -> Expr:
    if isinstance(exponent, Float):
        simple = nsimplify(exponent, rational=True, tolerance=2.0**-45)
        return simple if simple.q <= SIMPLE else Rational(exponent)
    return exponent
