"""Folding: a rule's nested equations as the short lines that a paper prints, with names for common parts.

A rule's equations are functions of the old state alone. Here a new state that occurs in a later equation
becomes a name (m′), and so do the quantities that the rule names (Δ), a decayed gradient (g̃), a corrected moment (m̂)
and a corrected rate (ηₜ).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

from sympy import Add, Expr, Mul, Pow, Symbol, preorder_traversal

from stepcheck_reference.alphabet import ALPHABET, QUANTITIES, Letter, g, lr, t, theta, weight_decay
from stepcheck_reference.rewrites.no_bias_correction import corrections
from stepcheck_reference.rule import Rule


@dataclass(frozen=True, slots=True)
class Folded:
    """A rule's lines (name, expression) in an order in which each uses earlier names only.

    ``letters`` says how every symbol prints, those of the alphabet and the new names; in LaTeX a new
    value carries the index t and an old one t-1, in Unicode a new value carries a prime.
    ``heads`` maps the name of a new value to the symbol it replaces, ``quantities`` are the names that the rule gives.
    """

    lines: tuple[tuple[Symbol, Expr], ...]
    letters: Mapping[Symbol, Letter]
    heads: Mapping[Symbol, Symbol]
    quantities: tuple[Symbol, ...]

    def first(self, name: Symbol) -> Symbol | None:
        """Return the symbol whose terms come first in the line of ``name``: the old value, or its only state."""
        states = [symbol for symbol in dict(self.lines)[name].free_symbols if self.letters[symbol].role == "state"]
        return self.heads.get(name, states[0] if len(states) == 1 else None)


@lru_cache(maxsize=256)
def folded(rule: Rule) -> Folded:
    """Return the equations of ``rule`` as short lines, in the rule's order."""
    return folded_equations(rule.step, ALPHABET, rule.scalars, rule.where)


def folded_equations(
    step: Mapping[Symbol, Expr],
    alphabet: Mapping[Symbol, Letter],
    scalars: Collection[Symbol] = (),
    where: Mapping[str, Expr] = MappingProxyType({}),
    parts: Mapping[str, Expr] = MappingProxyType({}),
) -> Folded:
    """Return the equations of ``step`` as short lines, in their order; ``alphabet`` has the letter of each symbol.

    ``scalars`` are the states that are one number a tensor; ``where`` is as in ``Rule``. ``parts`` are quantities that
    stand in ``step`` as symbols of their names, in the order of their use.
    """
    letters = {symbol: _old(symbol, letter) for symbol, letter in alphabet.items()}
    letters |= {symbol: replace(letters[symbol], role="constant") for symbol in scalars}
    lines: list[tuple[Symbol, Expr]] = []
    heads: dict[Symbol, Symbol] = {}

    def name(letter: Letter, value: Expr) -> Symbol:
        symbol = Symbol(letter.unicode, real=True)
        letters[symbol] = letter
        lines.append((symbol, value))
        return symbol

    def shortened(expression: Expr) -> Expr:
        for symbol, value in lines:
            expression = fold(expression, value, symbol)
        named = {new: alphabet[old] for new, old in heads.items()}
        while (corrected := _corrected(expression, named, letters)) is not None:
            letter, value = corrected
            expression = fold(expression, value, name(letter, value))
        return expression

    quantities: list[Symbol] = []
    for key, part in parts.items():
        symbol = Symbol(key, real=True)
        letters[symbol] = replace(QUANTITIES[key], role="constant")
        lines.append((symbol, part))
        quantities.append(symbol)
    decayed = _decayed_gradient(step)
    if decayed is not None:
        name(_marked(letters[g], "\N{COMBINING TILDE}", r"\tilde"), decayed)
    waiting = dict(where)
    for old, full_equation in step.items():
        for key in [key for key, part in waiting.items() if fold(full_equation, part, _PROBE) != full_equation]:
            part = waiting.pop(key)
            role = "constant" if _is_scalar(part, letters) else "state"
            quantities.append(name(replace(QUANTITIES[key], role=role), shortened(part)))
        equation = shortened(full_equation)
        new = replace(_new(alphabet[old]), role=letters[old].role)
        heads[name(new, equation)] = old
    return Folded(tuple(lines), MappingProxyType(letters), MappingProxyType(heads), tuple(quantities))


_PROBE = Symbol("_", real=True)


def fold(expression: Expr, value: Expr, name: Symbol) -> Expr:
    """Return ``expression`` with ``name`` for ``value``, also as some of the terms or factors of a node.

    A sum is also matched with its sign changed, a negated product without its sign, and a power as its reciprocal. Bare
    symbols and numbers are not matched.
    """
    if value.is_Atom:
        return expression
    if expression == value:
        return name
    if expression.is_Atom:
        return expression
    parts = [fold(part, value, name) for part in expression.args]
    if tuple(parts) != expression.args:
        expression = expression.func(*parts)
    if isinstance(value, Mul) and value.as_coeff_Mul()[0] == -1 and expression == -value:
        return -name
    if isinstance(value, Pow) and expression == 1 / value:
        return 1 / name
    signs = (1, -1) if isinstance(value, Add) else (1,)
    for sign in signs:
        parts_of_value = set((sign * value).args)
        if isinstance(value, Add | Mul) and expression.func is value.func and parts_of_value <= set(expression.args):
            rest = [part for part in expression.args if part not in parts_of_value]
            return expression.func(*rest, sign * name)
    return expression


def _decayed_gradient(step: Mapping[Symbol, Expr]) -> Expr | None:
    for equation in step.values():
        for node in preorder_traversal(equation):
            if isinstance(node, Add) and node.free_symbols == {g, theta, weight_decay}:
                return node
            if isinstance(node, Add) and {g, weight_decay * theta} <= set(node.args):
                return g + weight_decay * theta
    return None


def _corrected(
    equation: Expr, heads: Mapping[Symbol, Letter], letters: Mapping[Symbol, Letter]
) -> tuple[Letter, Expr] | None:
    """Return the first corrected moment or rate in ``equation`` that has no name yet.

    ``heads`` are the names of new values, with the letters of the old ones.
    """
    for node in _products(equation):
        divisors = [Pow(correction, -1) for correction in corrections(node)]
        corrections_present = [factor for factor in divisors if factor in node.args]
        scalars = [factor for factor in node.args if factor.free_symbols and _is_scalar(factor, letters)]
        moments = [factor for factor in node.args if factor in heads]
        if not corrections_present:
            continue
        if len(moments) == 1 and not any(
            t in factor.free_symbols for factor in scalars if factor not in corrections_present
        ):
            hat = _marked(_new(heads[moments[0]]), "\N{COMBINING CIRCUMFLEX ACCENT}", r"\hat")
            return replace(hat, unicode=hat.unicode.removesuffix("′")), Mul(moments[0], *corrections_present)
        if lr in scalars and len(scalars) > 1 and len(scalars) < len(node.args):
            letter = ALPHABET[lr]
            return replace(letter, unicode=f"{letter.unicode}ₜ", latex=f"{letter.latex}_t"), Mul(*scalars)
    return None


def _products(expression: Expr) -> Iterator[Expr]:
    return (node for node in preorder_traversal(expression) if isinstance(node, Mul))


def _is_scalar(expression: Expr, letters: Mapping[Symbol, Letter]) -> bool:
    return all(letters[symbol].role in ("hyper-parameter", "constant", "count") for symbol in expression.free_symbols)


def _old(symbol: Symbol, letter: Letter) -> Letter:
    if symbol == g:
        return replace(letter, latex=_indexed(letter.latex, "t"))
    if letter.role in ("state", "parameter"):
        return replace(letter, latex=_indexed(letter.latex, "t-1"))
    return letter


def _new(letter: Letter) -> Letter:
    return replace(letter, unicode=f"{letter.unicode}′", latex=_indexed(letter.latex, "t"))


def _indexed(latex: str, index: str) -> str:
    """Return ``latex`` with an index, added to the one that it may have."""
    base, separator, present = latex.partition("_")
    indices = f"{present}, {index}" if separator else index
    return f"{base}_{indices}" if len(indices) == 1 else f"{base}_{{{indices}}}"


def _marked(letter: Letter, accent: str, command: str) -> Letter:
    """Return ``letter`` with an accent over its first character."""
    base, power, rest = letter.latex.partition("^")
    if not power:
        base, power, rest = letter.latex.partition("_")
    return replace(
        letter,
        unicode=f"{letter.unicode[0]}{accent}{letter.unicode[1:]}",
        latex=f"{command}{{{base}}}{power}{rest}",
    )
